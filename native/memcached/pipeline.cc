#include "memcached/pipeline.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "memcached/assertion_guard.h"
#include "memcached/calls.h"
#include "memcached/compression.h"
#include "memcached/return_codes.h"

namespace lmc {

namespace {

// The key of the primers. Not expressible in the text protocol, so nobody has it. Deleting it is answered NOT
// FOUND, also by a server that is out of memory.
constexpr std::string_view kPrimerKey = "\n\n\nprime";

// What a counter's answer is read into, to see whether a number came. A counter that really has this value is
// as good as impossible, and an error then.
constexpr std::uint64_t kNoNumber = 0x6e6f206e756d6265u;

// So many answers run behind at most. More primers cost more than they save, and where a connection breaks
// (a counter that is no number) so many others learn "outcome unknown".
constexpr std::size_t kSkew = 32;

// An answer to a counter that closes the connection without an error being noted (out of memory) fails an
// assertion in the call that reads it. Where that cannot be caught, no call may read a counter's answer: each
// gets a primer of its own to read. Counters that may create are the likeliest to be answered so.
bool needsOwnPrimer(Op op) {
  return isCounter(op) && (!kGuardsAssertions || op == Op::IncrInitial || op == Op::DecrInitial);
}

// A number in the answer that a call reads, or that there is none: libmemcached says the same for both.
constexpr std::uint64_t kNumberOrNone = UINT64_MAX;

// So often a step goes on over a new connection. One bad counter needs one; a server that breaks every
// connection is not worth the time.
constexpr int kMaxBreaks = 32;

// So many answers to buffered writes are left unread at most: libmemcached does not read while it writes, and
// 900 on a Unix socket fill its buffers and deadlock until the timeout. Half of them stay unread while more
// is written, so that the server has something to do meanwhile.
constexpr std::size_t kMaxUnread = 256;

// The same for what they have sent: from 2^30 bytes on without reading libmemcached throws answers away.
constexpr std::size_t kMaxUnreadBytes = std::size_t{32} << 20;

// So many counters with primers of their own at a time.
constexpr std::size_t kMaxOwnPrimers = 64;

// So long after an answer that broke a connection counters are not pipelined.
constexpr double kCarefulForMs = 60'000;

// Whether it was a whole answer that closed the connection. One that was cut off returns
// UNKNOWN_READ_FAILURE, too, but only what the server said is noted as an error of that name.
bool isRefusal(Link& link, memcached_return_t rc) {
  if (rc == MEMCACHED_UNKNOWN_READ_FAILURE) return memcached_last_error(link.handle()) == rc;
  return !isConnectionLoss(rc) && rc != MEMCACHED_TIMEOUT;
}

}  // namespace

Contact Pipeline::run(StepRun& run) {
  sent_.clear();
  oldest_ = 0;
  failure_ = MEMCACHED_SUCCESS;
  const auto order = run.order();
  ownPrimers_ = std::any_of(order.begin(), order.end(),
                            [&](std::uint32_t index) { return needsOwnPrimer(run.at(index).op); });
  primersLeft_ = 0;
  doubtful_.clear();
  breaks_ = 0;
  unreadBytes_ = 0;
  bool alive = true;
  bool any = false;
  for (std::size_t position = 0; position < order.size(); ++position) {
    const std::uint32_t index = order[position];
    Request& request = run.at(index);
    if (!run.claim(request)) continue;
    const bool mustRead = outstanding() >= kMaxUnread || unreadBytes_ >= kMaxUnreadBytes;
    if (alive && isBuffered(request.op) && mustRead)
      alive = drain(run, unreadBytes_ >= kMaxUnreadBytes ? 0 : kMaxUnread / 2) || goesOn(run);
    // An answer before this one may have closed the connection (out of memory, say).
    alive = alive && reopen(run);
    if (!alive) {
      run.fail(request, failure_, Outcome::NotSent);
      continue;
    }
    any = true;
    compressValue(request);
    const bool primed = isBuffered(request.op) || prime(run, position) ||
                        (goesOn(run) && reopen(run) && prime(run, position));
    if (!primed) {
      run.fail(request, failure_, Outcome::NotSent);  // the connection broke before its turn came
      alive = false;
      continue;
    }
    alive = send(run, index) || goesOn(run);
  }
  if (alive) alive = drain(run, 0);
  for (const std::uint32_t index : doubtful_) alive = settle(run, index, alive);
  if (!any) return Contact::Nothing;
  if (alive) return Contact::Answered;
  run.link.drop();
  return contactOf(failure_);
}

// After the connection broke: whether what was not sent goes on over a new one. It does if it was the
// server's answer that broke it, so that the server is there.
bool Pipeline::goesOn(StepRun& run) {
  if (contactOf(failure_) != Contact::Answered || ++breaks_ > kMaxBreaks) return false;
  run.link.drop();
  return true;
}

// False: there is no connection to be had.
bool Pipeline::reopen(StepRun& run) {
  if (run.link.isOpen()) return true;
  const Link::Opened opened = run.link.open(run.patienceMs);
  if (!opened.ok()) failure_ = opened.rc;
  return opened.ok();
}

// Before the write at `position` of the step. False: the connection broke.
bool Pipeline::prime(StepRun& run, std::size_t position) {
  const std::size_t writesLeft = run.order().size() - position;
  std::size_t primers = 0;
  const Op op = run.at(run.order()[position]).op;
  if (ownPrimers_) {
    if (primersLeft_ > 0) {
      --primersLeft_;
      return true;
    }
    if (!drain(run, 0) || !reopen(run)) return false;
    primers = goesAlone(op) ? 1 : std::min(writesLeft, kMaxOwnPrimers);
    primersLeft_ = primers - 1;
  } else if (outstanding() == 0 && writesLeft >= kWorthPriming && !goesAlone(op)) {
    primers = std::min(writesLeft - 1, kSkew);
  }
  Link& link = run.link;
  for (std::size_t made = 0; made < primers; ++made) {
    const std::uint32_t before = link.outstanding();
    const memcached_return_t rc = memcached_delete(link.handle(), kPrimerKey.data(), kPrimerKey.size(), 0);
    sent_.push_back(kPrimer);
    if (rc != MEMCACHED_BUFFERED || link.outstanding() != before + 1) {
      broken(run, worstOf(link, rc));
      return false;
    }
  }
  return true;
}

// False: the connection broke, and everything that was outstanding is completed.
bool Pipeline::send(StepRun& run, std::uint32_t index) {
  Link& link = run.link;
  const Request& request = run.at(index);
  const std::uint32_t before = link.outstanding();
  std::uint64_t number = kNoNumber;
  link.handle()->result.numeric_value = kNoNumber;
  bool isTrapped = false;
  const memcached_return_t rc = callFor(link.handle(), request, &number, &isTrapped);
  sent_.push_back(index);
  unreadBytes_ += request.keyLength + std::size_t{request.valueLength};
  const std::uint32_t after = link.outstanding();

  if (isBuffered(request.op)) {
    if (rc == MEMCACHED_BUFFERED && after == before + 1) return true;
    broken(run, worstOf(link, rc));
    return false;
  }
  // It read one answer: the oldest.
  const bool closed = memcached_fatal(rc) && !isTrapped;
  if (!closed && !isTrapped && after == before) {
    // A counter that came with another call's answer is in the handle's own result.
    const std::uint64_t counter = before == 0 ? number : link.handle()->result.numeric_value;
    answered(run, sent_[oldest_++], rc, counter);
    run.deliverIfMany();
    return true;
  }
  if (closed && before == 0) {
    // Nothing else was outstanding: this is what became of this very request.
    link.lost();
    if (!isRefusal(link, rc)) {
      broken(run, worstOf(link, rc));
      return false;
    }
    run.fail(request, rc, Outcome::Definite, link.lastMessage());
    ++oldest_;
    link.drop();
    return true;
  }
  // The oldest answer broke the connection: a counter's, that it is no number.
  const bool ofCounter = sent_[oldest_] != kPrimer && isCounter(run.at(sent_[oldest_]).op);
  broken(run, worstOf(link, rc), closed && ofCounter && isRefusal(link, rc));
  return false;
}

// Sends what is buffered and reads answers until only `downTo` are outstanding.
bool Pipeline::drain(StepRun& run, std::size_t downTo) {
  if (outstanding() <= downTo) return true;
  Link& link = run.link;
  memcached_return_t rc = memcached_flush_buffers(link.handle());
  if (rc != MEMCACHED_SUCCESS || link.outstanding() != outstanding()) {
    broken(run, worstOf(link, rc));
    return false;
  }
  unreadBytes_ = 0;
  while (outstanding() > downTo) {
    const std::uint32_t before = link.outstanding();
    memcached_result_st* const into = link.result();
    into->numeric_value = kNoNumber;
    const memcached_result_st* result = memcached_fetch_result(link.handle(), into, &rc);
    const std::uint32_t after = link.outstanding();
    if (after >= before || (result == nullptr && memcached_fatal(rc))) {
      const bool isItsOwn = before == 1 && isRefusal(link, rc);
      if (!isItsOwn) {
        broken(run, worstOf(link, rc));
        return false;
      }
      // Nothing else was outstanding: this is what became of this very request.
      if (sent_[oldest_] != kPrimer)
        run.fail(run.at(sent_[oldest_]), rc, Outcome::Definite, link.lastMessage());
      ++oldest_;
      link.drop();
      return true;
    }
    // One fetch reads past every NOTFOUND: all but the last answer that it consumed were that. With nothing
    // behind the last NOTFOUND it ends as END.
    for (std::uint32_t left = before - after; left > 1; --left)
      answered(run, sent_[oldest_++], MEMCACHED_NOTFOUND, kNoNumber);
    memcached_return_t last = rc;
    if (result != nullptr) last = MEMCACHED_SUCCESS;
    if (result == nullptr && rc == MEMCACHED_END) last = MEMCACHED_NOTFOUND;
    answered(run, sent_[oldest_++], last, result != nullptr ? result->numeric_value : kNoNumber);
    run.deliverIfMany();
  }
  return true;
}

void Pipeline::answered(StepRun& run, std::uint32_t index, memcached_return_t rc, std::uint64_t number) {
  if (index == kPrimer) return;
  if (rc == MEMCACHED_SUCCESS && isCounter(run.at(index).op)) {
    if (number == kNoNumber) {  // counted, it seems, but to what?
      run.fail(run.at(index), MEMCACHED_PROTOCOL_ERROR, Outcome::Unknown);
      return;
    }
    if (number == kNumberOrNone) {
      doubtful_.push_back(index);
      return;
    }
  }
  Completion& completion = run.answer(run.at(index), rc);
  completion.number = number;
}

// A counter that is 2^64-1 now, or an answer that had no number in it: the server is asked again. Returns
// whether the connection is still good.
bool Pipeline::settle(StepRun& run, std::uint32_t index, bool alive) {
  const Request& request = run.at(index);
  Link& link = run.link;
  if (alive && link.isOpen()) {
    memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
    std::size_t size = 0;
    std::uint32_t flags = 0;
    char* value = nullptr;
    link.handle()->result.count = 1;
    alive = guarded(
        [&] { value = memcached_get(link.handle(), request.key, request.keyLength, &size, &flags, &rc); });
    const bool confirmed =
        alive && rc == MEMCACHED_SUCCESS && std::string_view(value, size) == std::to_string(kNumberOrNone);
    std::free(value);
    if (confirmed) {
      run.answer(request, MEMCACHED_SUCCESS).number = kNumberOrNone;
      return true;
    }
  }
  run.fail(request, MEMCACHED_PROTOCOL_ERROR, Outcome::Unknown);
  failure_ = MEMCACHED_PROTOCOL_ERROR;
  return false;
}

// Whether nothing may be outstanding behind it, see kCarefulForMs.
bool Pipeline::goesAlone(Op op) const { return isCounter(op) && nowMs() < carefulUntilMs_; }

// The connection was closed under us. Whatever was sent may or may not have been applied, unless the answer
// to the oldest closed it.
void Pipeline::broken(StepRun& run, memcached_return_t rc, bool oldestIsRefused) {
  failure_ = rc;
  primersLeft_ = 0;
  if (contactOf(rc) == Contact::Answered) carefulUntilMs_ = nowMs() + kCarefulForMs;
  const std::string message = run.link.lastMessage();
  const std::size_t refused = oldestIsRefused ? oldest_ : sent_.size();
  for (; oldest_ < sent_.size(); ++oldest_) {
    if (sent_[oldest_] == kPrimer) continue;
    const Outcome outcome = oldest_ == refused ? Outcome::Definite : Outcome::Unknown;
    run.fail(run.at(sent_[oldest_]), rc, outcome, message);
  }
  run.link.lost();
}

}  // namespace lmc
