#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/completion.h"
#include "core/payload.h"

namespace lmc {

// pylibmc's flag for a value in zlib's format.
constexpr std::uint32_t kZlibFlag = 8;

// Into `into`, which has room for `*size` bytes. False: it does not get smaller than that. Any thread.
bool compressInto(char* into, std::size_t* size, std::string_view value, int level);

struct Inflated {
  std::unique_ptr<char, MallocDeleter> bytes;  // null: not zlib's format, or larger than it may be
  std::size_t size = 0;
  bool isTooLarge = false;
};

// Undoes it. A few kilobytes can claim gigabytes: `max` bounds the result. Any thread.
Inflated inflateValue(std::string_view compressed, std::size_t max);

}  // namespace lmc
