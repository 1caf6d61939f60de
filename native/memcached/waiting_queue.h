#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/request.h"
#include "core/results.h"
#include "memcached/value_jobs.h"

namespace lmc {

// What is asked of one server and not encoded yet, in the order of the calls. A value that the pool
// compresses lets other keys pass, never the same one, and nothing passes a flush_all.
class WaitingQueue {
 public:
  // `onReady`: a value came back from the pool.
  WaitingQueue(ValueJobs& jobs, Results& results, std::function<void()> onReady)
      : jobs_(jobs), results_(results), onReady_(std::move(onReady)) {}

  void push(std::unique_ptr<Request> request);
  void pushFront(std::unique_ptr<Request> request) { ready_.pushFront(std::move(request)); }
  std::unique_ptr<Request> pop();

  bool empty() const { return ready_.empty(); }
  // Nor has the pool a value of it, which it would hand back to this queue.
  bool isIdle() const { return ready_.empty() && compressing_.empty(); }
  std::size_t size() const { return ready_.size(); }
  Request* front() const { return ready_.front(); }
  bool disconnects() const { return !empty() && front()->op == Op::Disconnect; }
  // The latest deadline of all that wait.
  double latestDeadline() const;
  // Of replicas' copies, which nobody waits for: what they may hold is bounded by who submits them.
  std::size_t copyBytes() const { return copyBytes_; }

  void fail(std::int32_t rc, const std::string& message);
  void clear() { ready_.clear(); }

 private:
  void enqueue(std::unique_ptr<Request> request);
  void onCompressed(std::unique_ptr<Request> request);

  ValueJobs& jobs_;
  Results& results_;
  const std::function<void()> onReady_;
  RequestList ready_;
  // By the keys of the values that the pool has: what was called on the same keys since.
  std::unordered_map<std::string, RequestList> compressing_;
  // Of these lists, the one that a flush_all waits in: what was called since waits behind it.
  RequestList* behindFlush_ = nullptr;
  std::size_t copyBytes_ = 0;
};

}  // namespace lmc
