#include "memcached/waiting_queue.h"

#include <algorithm>
#include <utility>

namespace lmc {

namespace {

std::size_t copyBytesOf(const Request& request) {
  return request.isCopy ? sizeof(Request) + request.keyLength + request.valueLength : 0;
}

}  // namespace

void WaitingQueue::push(std::unique_ptr<Request> request) {
  copyBytes_ += copyBytesOf(*request);
  request->copyBytes = static_cast<std::uint32_t>(copyBytesOf(*request));
  enqueue(std::move(request));
}

void WaitingQueue::enqueue(std::unique_ptr<Request> request) {
  if (!compressing_.empty()) {
    // What concerns every key waits for one value after the other.
    RequestList* list = behindFlush_;
    if (list == nullptr) {
      const auto same =
          isAdmin(request->op) ? compressing_.begin() : compressing_.find(std::string(request->keyView()));
      if (same != compressing_.end()) list = &same->second;
    }
    if (list != nullptr) {
      if (request->op == Op::Flush) behindFlush_ = list;
      list->pushBack(std::move(request));
      return;
    }
  }
  const bool isReady =
      !isStorage(request->op) || !ValueJobs::wantsCompression(*request) || jobs_.compressedNow(*request);
  if (isReady) {
    ready_.pushBack(std::move(request));
    return;
  }
  compressing_.try_emplace(std::string(request->keyView()));
  jobs_.compress(std::move(request), [this](std::unique_ptr<Request> done) { onCompressed(std::move(done)); });
}

void WaitingQueue::onCompressed(std::unique_ptr<Request> request) {
  auto node = compressing_.extract(std::string(request->keyView()));
  if (behindFlush_ == &node.mapped()) behindFlush_ = nullptr;
  request->minCompress = 0;  // it is done, whether it got smaller or not
  if (!request->isGivenUp) ready_.pushBack(std::move(request));
  while (!node.mapped().empty()) enqueue(node.mapped().popFront());
  onReady_();
}

std::unique_ptr<Request> WaitingQueue::pop() {
  std::unique_ptr<Request> request = ready_.popFront();
  copyBytes_ -= request->copyBytes;
  return request;
}

double WaitingQueue::latestDeadline() const {
  double latest = 0;
  for (const Request* request = front(); request != nullptr; request = request->next)
    latest = std::max(latest, request->deadline);
  return latest;
}

void WaitingQueue::fail(std::int32_t rc, const std::string& message) {
  while (!empty()) results_.fail(*pop(), rc, Outcome::NotSent, message);
}

}  // namespace lmc
