#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "memcached/wire.h"

namespace lmc {

// What a server may say to what it was asked, checked before libmemcached reads it: it compares prefixes,
// trusts lengths, and reads past its buffers where they lie (measured, see CONTRIBUTING). Nothing that does
// not pass here is ever fed.

constexpr bool isErrorWord(Word word) { return word >= Word::Error; }

// The largest value that is read: memcached's own limit for items is 1 GiB.
constexpr std::uint64_t kMaxValueBytes = std::uint64_t{1} << 30;

// Of a line of the text protocol, without its end.
Word wordOf(std::string_view line);
// Whether an operation may be answered so.
bool answers(Op op, Word word);
// With its end: libmemcached's buffer, which is larger for some operations.
std::size_t maxLineBytes(Op op);
// VALUE <key> <flags> <bytes> [<cas>]. False: malformed, or too much.
bool readValueLine(std::string_view line, std::uint64_t* bytes);
// Three numbers of at most 255 with dots between them, the first at least 1; anything may follow a blank or
// dash. (libmemcached reads uninitialised memory where a number is missing.)
bool isVersion(std::string_view text);

struct Frame {
  std::uint8_t magic;
  std::uint8_t opcode;
  std::uint16_t keyBytes;
  std::uint8_t extraBytes;
  std::uint16_t status;
  std::uint32_t bodyBytes;
  std::uint32_t opaque;

  static Frame read(const char* header);
};

// Null: the frame answers the operation and may be read; else what is wrong with it.
const char* findFault(const Frame& frame, Op op, std::uint32_t opaque);

}  // namespace lmc
