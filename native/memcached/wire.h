#pragma once

#include <cstdint>

#include "core/request.h"

namespace lmc {

// What is known here of memcached's protocols: enough to make an answer up, and to check one before
// libmemcached reads it.

// A binary frame's header (memcached's protocol_binary.txt).
constexpr std::size_t kHeaderBytes = 24;
constexpr std::uint8_t kRequestMagic = 0x80;
constexpr std::uint8_t kAnswerMagic = 0x81;
constexpr std::uint8_t kNoop = 0x0a;
constexpr std::uint8_t kGetKQuietly = 0x0d;

// The opcode that answers an operation. libmemcached sends a cas as REPLACE.
constexpr std::uint8_t opcodeOf(Op op) {
  switch (op) {
    case Op::Get:
    case Op::Gets:
      return kNoop;
    case Op::Delete:
      return 0x04;
    case Op::Touch:
      return 0x1c;
    case Op::Set:
      return 0x01;
    case Op::Add:
      return 0x02;
    case Op::Replace:
    case Op::Cas:
      return 0x03;
    case Op::Append:
      return 0x0e;
    case Op::Prepend:
      return 0x0f;
    case Op::Incr:
      return 0x05;
    case Op::Decr:
      return 0x06;
    case Op::Flush:
      return 0x08;
    case Op::Stats:
      return 0x10;
    default:
      return 0x0b;  // version
  }
}

inline std::uint32_t readBig(const char* bytes, int count) {
  std::uint32_t number = 0;
  for (int index = 0; index < count; ++index)
    number = number << 8 | static_cast<unsigned char>(bytes[index]);
  return number;
}

inline void writeBig32(char* bytes, std::uint32_t number) {
  for (int index = 3; index >= 0; --index, number >>= 8)
    bytes[index] = static_cast<char>(number & 0xff);
}

}  // namespace lmc
