#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <vector>

#include "core/request.h"

namespace lmc {

// Requests waiting for one connection: filled by the JavaScript thread (once per tick), drained whole by the
// connection thread. While a batch is on the wire the next one gathers here: that is all the batching there
// is, without timers and without delay.
class Inbox {
 public:
  // JavaScript thread. Leaves `requests` empty. `copyBytes`: of what nobody waits for among them.
  void push(std::vector<Request>& requests, std::size_t copyBytes = 0) {
    bool wake;
    {
      std::lock_guard lock(mutex_);
      copyBytes_ += copyBytes;
      if (waiting_.empty()) {
        waiting_.swap(requests);
      } else {
        waiting_.insert(waiting_.end(), std::make_move_iterator(requests.begin()),
                        std::make_move_iterator(requests.end()));
        requests.clear();
      }
      wake = sleeping_;
    }
    if (wake) changed_.notify_one();
  }

  // Connection thread. Waits until there is something, or until closed. False: closed.
  bool take(std::vector<Request>& requests) {
    std::unique_lock lock(mutex_);
    while (waiting_.empty() && !closed_) {
      sleeping_ = true;
      // Not wait(): compiled by GCC 12 that needs the C++ runtime of GCC 12, and RHEL 9 has GCC 11's.
      changed_.wait_for(lock, std::chrono::hours(1));
      sleeping_ = false;
    }
    requests.swap(waiting_);
    copyBytes_ = 0;
    return !closed_;
  }

  // Connection thread. What has gathered by now, without waiting.
  void takeNow(std::vector<Request>& requests) {
    std::lock_guard lock(mutex_);
    requests.swap(waiting_);
    copyBytes_ = 0;
  }

  // Any thread. How many wait.
  std::size_t size() {
    std::lock_guard lock(mutex_);
    return waiting_.size();
  }

  // Any thread.
  std::size_t copyBytes() {
    std::lock_guard lock(mutex_);
    return copyBytes_;
  }

  // Any thread. The connection thread ends after the batch it is at.
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_one();
  }

  // Any thread; cheap.
  bool isClosed() const { return closed_.load(std::memory_order_acquire); }

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::vector<Request> waiting_;
  std::size_t copyBytes_ = 0;
  bool sleeping_ = false;
  std::atomic<bool> closed_{false};  // written under the mutex
};

}  // namespace lmc
