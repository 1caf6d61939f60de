#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "core/completion.h"

namespace lmc {

// Completions on their way to the JavaScript thread: posted by every connection thread, taken by the
// JavaScript thread. Only the post that finds it empty wakes the JavaScript thread; the others ride along.
class Outbox {
 public:
  // `wake` is called without the lock held: it ends in a Node-API call.
  explicit Outbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void post(CompletionBatch&& batch) {
    if (batch.empty()) return;
    bool wasEmpty;
    {
      std::lock_guard lock(mutex_);
      wasEmpty = batches_.empty();
      batches_.push_back(std::move(batch));
    }
    if (wasEmpty) wake_();
  }

  std::vector<CompletionBatch> take() {
    std::vector<CompletionBatch> taken;
    std::lock_guard lock(mutex_);
    taken.swap(batches_);
    return taken;
  }

 private:
  std::function<void()> wake_;
  std::mutex mutex_;  // guards batches_ only
  std::vector<CompletionBatch> batches_;
};

}  // namespace lmc
