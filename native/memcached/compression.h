#pragma once

#include <cstddef>
#include <string_view>

#include "core/payload.h"
#include "core/request.h"

namespace lmc {

// pylibmc's flag for a value in zlib's format.
constexpr std::uint32_t kZlibFlag = 8;

// pylibmc's rule: only values of at least minCompress bytes (0: never), and only if it makes them smaller.
// Changes the request's value and flags.
void compressValue(Request& request);

struct Inflated {
  char* bytes = nullptr;  // malloc'd, the caller's; null: not zlib's format, or too large
  std::size_t size = 0;
};

// Undoes it. Values above kMaxInflated are refused: a few kilobytes can claim gigabytes.
constexpr std::size_t kMaxInflated = std::size_t{1} << 30;
Inflated inflateValue(std::string_view compressed);

}  // namespace lmc
