#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/request.h"

// Answers of a memcached, written by hand: what the code under test knows of the protocols is not used to
// test it. No doctest in here: the fuzz targets use it too.
namespace lmc::test {

inline std::string bigEndian(std::uint64_t number, int bytes) {
  std::string text;
  for (int at = bytes - 1; at >= 0; --at) text.push_back(static_cast<char>(number >> (8 * at)));
  return text;
}

// memcached's protocol_binary.txt. (libmemcached sends a cas as REPLACE.)
inline std::uint8_t opcodeFor(Op op) {
  constexpr std::uint8_t kOpcodes[] = {0x0a, 0x0a, 0x04, 0x1c, 0x01, 0x02, 0x03, 0x0e,
                                       0x0f, 0x03, 0x05, 0x06, 0x08, 0x10, 0x0b};
  return kOpcodes[static_cast<std::size_t>(op)];
}
constexpr std::uint8_t kGetKQ = 0x0d;
constexpr std::uint8_t kNoOperation = 0x0a;

struct FrameParts {
  std::uint8_t opcode = 0;
  std::uint16_t status = 0;
  std::uint32_t opaque = 0;
  std::string extras{};
  std::string key{};
  std::string value{};
  std::uint64_t cas = 0;
};

inline std::string frameOf(const FrameParts& parts) {
  std::string frame = "\x81" + std::string(1, static_cast<char>(parts.opcode));
  frame += bigEndian(parts.key.size(), 2) + bigEndian(parts.extras.size(), 1) + std::string(1, '\0');
  frame += bigEndian(parts.status, 2);
  frame += bigEndian(parts.extras.size() + parts.key.size() + parts.value.size(), 4);
  frame += bigEndian(parts.opaque, 4) + bigEndian(parts.cas, 8);
  return frame + parts.extras + parts.key + parts.value;
}

// A value that was found, and the end of a multi-get.
struct Hit {
  std::string key;
  std::string value;
  std::uint32_t flags = 0;
  std::uint64_t cas = 0;
  bool operator==(const Hit&) const = default;
};

inline std::string hitOf(bool isBinary, const Hit& hit) {
  if (isBinary)
    return frameOf(
        {.opcode = kGetKQ, .extras = bigEndian(hit.flags, 4), .key = hit.key, .value = hit.value, .cas = hit.cas});
  std::string line = "VALUE " + hit.key + ' ' + std::to_string(hit.flags) + ' ' + std::to_string(hit.value.size());
  if (hit.cas != 0) line += ' ' + std::to_string(hit.cas);
  return line + "\r\n" + hit.value + "\r\n";
}

inline std::string endOfHits(bool isBinary, std::uint32_t opaque) {
  return isBinary ? frameOf({.opcode = kNoOperation, .opaque = opaque}) : "END\r\n";
}

}  // namespace lmc::test
