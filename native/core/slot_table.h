#pragma once

#include <cstdint>
#include <vector>

#include "core/request.h"

namespace lmc {

// Which request a slot (JavaScript's number for an operation) stands for, until the request is completed.
class SlotTable {
 public:
  void open(Request& request) {
    if (request.slot >= requests_.size()) requests_.resize(std::size_t{request.slot} * 2 + 64, nullptr);
    requests_[request.slot] = &request;
  }
  Request* at(std::uint32_t slot) const { return slot < requests_.size() ? requests_[slot] : nullptr; }
  void close(std::uint32_t slot) { requests_[slot] = nullptr; }

 private:
  std::vector<Request*> requests_;
};

}  // namespace lmc
