// What reads bytes that others made: the table of keys against a std::map, and zlib's format. Both must come
// back what they were given, and nothing may be read or written where it must not.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "bytes.h"
#include "core/key_table.h"
#include "memcached/compression.h"

namespace {

using lmc::fuzz::expect;

constexpr std::size_t kMaxInflated = std::size_t{16} << 20;

void lookUpKeys(std::string_view input) {
  static lmc::KeyTable table;
  std::map<std::string_view, std::uint32_t> model;
  table.reset(input.size() + 1);
  std::uint32_t number = 0;
  while (!input.empty()) {
    // A length, then as many bytes: any bytes, at any address.
    const std::size_t length = std::min<std::size_t>(static_cast<std::uint8_t>(input[0]) % 40, input.size() - 1);
    const std::string_view key = input.substr(1, length);
    input.remove_prefix(1 + length);
    lmc::KeyTable::Entry& entry = table.at(key);
    const auto [found, isNew] = model.try_emplace(key, number);
    expect((entry.fetchedIn == lmc::KeyTable::kNone) == isNew, "new without being so, or known without being so");
    expect(entry.key == key, "the entry of another key");
    if (isNew) entry.fetchedIn = number;
    expect(entry.fetchedIn == found->second, "the entry forgot");
    ++number;
  }
}

void inflate(std::string_view input) {
  const lmc::Inflated result = lmc::inflateValue(input, kMaxInflated);
  expect(result.bytes != nullptr || result.size == 0, "a size without bytes");
  expect(result.size <= kMaxInflated, "more than is allowed");
  // All of it is readable.
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < result.size; ++at) sum += static_cast<std::uint8_t>(result.bytes.get()[at]);
  expect(result.size > 0 || sum == 0, "a sum of nothing");
}

void compressAndBack(std::string_view value, int level, std::size_t room) {
  const auto into = std::make_unique<char[]>(room);  // of exactly that size, for AddressSanitizer
  std::size_t bytes = room;
  if (!lmc::compressInto(into.get(), &bytes, value, level)) return;
  expect(bytes <= room, "more than there is room for");
  const lmc::Inflated result = lmc::inflateValue({into.get(), bytes}, kMaxInflated);
  expect(result.bytes != nullptr && std::string_view(result.bytes.get(), result.size) == value,
         "another value came back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (data[0] % 4) {
    case 0:
      lookUpKeys(input);
      break;
    case 1:
      inflate(input);
      break;
    case 2:  // with a proper header, or the fuzzer would spend its time on finding one
      inflate("\x78\x9c" + std::string(input));
      break;
    case 3:
      compressAndBack(input, data[0] / 4 % 11 - 1, data[1] * std::size_t{16} + 1);
      break;
  }
  return 0;
}
