#include "memcached/completer.h"

#include <utility>

#include "memcached/compression.h"

namespace lmc {

namespace {

// Inflated at once in one turn: some 3 ms.
constexpr std::size_t kInflateBytes = 1 << 20;

// What callers are told by a value of `false`, or a miss: nobody needs the server's words for it.
bool isOrdinary(std::int32_t status) {
  return status == MEMCACHED_NOTFOUND || status == MEMCACHED_DATA_EXISTS || status == MEMCACHED_NOTSTORED;
}

}  // namespace

void Completer::beginTurn(double nowMs) {
  turnMs_ = nowMs;
  inflateBudget_ = kInflateBytes;
}

void Completer::complete(Request& request, const Answer& answer) {
  if (request.slot == kNoSlot) return;
  if (!isAdmin(request.op)) counters_.latency.record(turnMs_ - request.submittedMs, 1);
  Completion* const completion = results_.answer(request, answer.status);
  completion->outcome = answer.outcome;
  completion->number = answer.number;
  if (!answer.text.empty() && !isOrdinary(answer.status)) results_.attach(*completion, answer.text);
}

void Completer::found(std::unique_ptr<Request> request, ReceivedValue value, const ConnectionConfig& config) {
  for (const Request* same = request.get(); same != nullptr; same = same->nextSame) {
    if (same->slot == kNoSlot) continue;
    ++counters_.hits;
    counters_.latency.record(turnMs_ - same->submittedMs, 1);
  }
  if ((value.flags & kZlibFlag) != 0 && config.inflate) {
    jobs_.inflate(std::move(request), std::move(value), config.maxInflated, &inflateBudget_);
  } else {
    jobs_.deliver(std::move(request), std::move(value), status::kSuccess);
  }
}

template <typename Function>
void Completer::takeEach(Step& step, Function&& function) {
  for (Request* head = std::exchange(step.first, nullptr); head != nullptr;) {
    Request* const next = head->next;
    for (std::unique_ptr<Request> same(head); same; same = takeNextSame(*same)) function(*same);
    head = next;
  }
}

void Completer::finishFetch(Step& step, const Answer& answer) {
  Answer rest = answer;
  if (answer.status == status::kSuccess) rest.status = status::kNotFound;
  takeEach(step, [&](Request& request) {
    if (rest.status == status::kNotFound && request.slot != kNoSlot) ++counters_.misses;
    complete(request, rest);
  });
}

void Completer::fail(Step& step, std::int32_t rc, Outcome outcome, const std::string& message) {
  takeEach(step, [&](Request& request) { results_.fail(request, rc, outcome, message); });
}

void Completer::countGivenUp(const Request& request, double nowMs) {
  if (!isAdmin(request.op)) counters_.latency.record(nowMs - request.submittedMs, 1);
}

}  // namespace lmc
