#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace lmc::fuzz {

// The fuzzer's bytes; reads on as zeros behind the end.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : left_(reinterpret_cast<const char*>(data), size) {}
  std::uint8_t next() {
    if (left_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return byte;
  }
  std::size_t nextSize() { return next() | static_cast<std::size_t>(next()) << 8; }
  std::string_view take(std::size_t count) {
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(taken.size());
    return taken;
  }
  std::size_t left() const { return left_.size(); }

 private:
  std::string_view left_;
};

inline void expect(bool isGood, const char* what) {
  if (isGood) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace lmc::fuzz
