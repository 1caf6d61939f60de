#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "binding/record.h"
#include "core/request.h"

namespace lmc {

// A large value that was copied ahead of the record that it belongs to.
struct StagedValue {
  PayloadRef bytes;
  std::size_t size = 0;
};

// Reads the requests out of one submission. JavaScript has checked their meaning; what is checked here is
// that no request points outside of the bytes that it came with: a record that would ends the reading.
class SubmissionReader {
 public:
  // The payload holds `size` bytes. `staged` must live as long as the reader; what records refer to is taken
  // out of it. `servers`: how many ids there are.
  SubmissionReader(PayloadRef payload, std::size_t size, std::vector<StagedValue>& staged, std::size_t servers);

  // Null: nothing is left. The server is set only where isForServer says so.
  std::unique_ptr<Request> next();

  // Of the request that was read last: whether it is for a server, and not for a key.
  bool isForServer() const { return forServer_; }

 private:
  bool readBody(const RequestRecord& record, std::size_t body, Request& request);

  PayloadRef payload_;
  std::size_t size_;
  std::size_t at_ = 0;
  std::vector<StagedValue>& staged_;
  std::size_t servers_;
  bool forServer_ = false;
};

}  // namespace lmc
