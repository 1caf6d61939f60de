#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/request.h"

namespace lmc::test {

// A batch of requests together with the bytes they point to. Slots count from zero, so a slot is the index of
// its request.
class Batch {
 public:
  Request& add(Op op, std::string_view key = {}, std::string_view value = {}, std::uint64_t number = 0) {
    const std::string& keyBytes = bytes_.emplace_back(key);
    const std::string& valueBytes = bytes_.emplace_back(value);
    Request& request = requests_.emplace_back();
    request.op = op;
    request.slot = static_cast<std::uint32_t>(requests_.size() - 1);
    request.key = keyBytes.data();
    request.keyLength = static_cast<std::uint16_t>(keyBytes.size());
    request.value = valueBytes.data();
    request.valueLength = static_cast<std::uint32_t>(valueBytes.size());
    request.number = number;
    request.deadline = std::numeric_limits<double>::infinity();
    return request;
  }

  std::size_t size() const { return requests_.size(); }
  Request& operator[](std::size_t index) { return requests_[index]; }
  std::vector<Request>& requests() { return requests_; }
  std::span<const Request> view() const { return requests_; }

 private:
  std::deque<std::string> bytes_;  // never moves what it holds
  std::vector<Request> requests_;
};

}  // namespace lmc::test
