#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/request.h"
#include "core/results.h"
#include "memcached/decoder.h"
#include "transport/loop.h"

namespace lmc {

// Compression and decompression: at once where it is quick, in the loop's pool where it is not.
class ValueJobs {
 public:
  ValueJobs(Loop& loop, Results& results) : loop_(loop), results_(results) {}

  // pylibmc's rule for what is compressed.
  static bool wantsCompression(const Request& request);

  // Compresses at once, if that is quick. False: the pool must do it.
  bool compressedNow(Request& request);
  // Compresses in the pool, then hands the request on. `onDone` is not called if the client is gone.
  void compress(std::unique_ptr<Request> request, std::function<void(std::unique_ptr<Request>)> onDone);

  // Undoes zlib for those that wait for the value (see Request::nextSame), and completes them. `budget`:
  // bytes that may still be inflated in this turn of the loop.
  void inflate(std::unique_ptr<Request> request, ReceivedValue value, std::size_t maxInflated, std::size_t* budget);

  // Completes all that wait for the value.
  void deliver(std::unique_ptr<Request> request, ReceivedValue value, std::int32_t status);

 private:
  Loop& loop_;
  Results& results_;
  std::size_t compressBudget_ = 0;  // bytes, until it is renewed
  double renewedMs_ = 0;
  // Expires with this object: jobs that come back later have nobody to come back to.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lmc
