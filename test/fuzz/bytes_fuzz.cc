// What reads bytes that others made: the table of keys against a std::map, and zlib's format. Both must come
// back what they were given, and nothing may be read or written where it must not.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "../native/batch.h"
#include "core/key_table.h"
#include "memcached/compression.h"

namespace {

void expect(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void lookUpKeys(std::string_view input) {
  static lmc::KeyTable table;
  std::map<std::string_view, std::uint32_t> model;
  table.reset(input.size() + 1);
  std::uint32_t number = 0;
  while (!input.empty()) {
    // A length, then as many bytes: any bytes, at any address.
    const std::size_t length =
        std::min<std::size_t>(static_cast<std::uint8_t>(input[0]) % 40, input.size() - 1);
    const std::string_view key = input.substr(1, length);
    input.remove_prefix(1 + length);
    lmc::KeyTable::Entry& entry = table.at(key);
    const auto [found, isNew] = model.try_emplace(key, number);
    expect(entry.fresh == isNew, "fresh without being new, or new without being fresh");
    expect(entry.key == key, "the entry of another key");
    if (isNew) {
      entry.fresh = false;
      entry.level = number;
    }
    expect(entry.level == found->second, "the entry forgot");
    ++number;
  }
}

void inflate(std::string_view input) {
  const lmc::Inflated result = lmc::inflateValue(input);
  expect(result.bytes != nullptr || result.size == 0, "a size without bytes");
  // All of it is readable.
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < result.size; ++at) sum += static_cast<std::uint8_t>(result.bytes[at]);
  expect(result.size > 0 || sum == 0, "a sum of nothing");
  std::free(result.bytes);
}

void compressAndBack(std::string_view value, std::int8_t level) {
  lmc::test::Batch batch;
  lmc::Request& request = batch.add(lmc::Op::Set, "k", value);
  request.minCompress = 1;
  request.compressLevel = level;
  lmc::compressValue(request);
  if ((request.flags & lmc::kZlibFlag) == 0) {
    expect(request.valueView() == value, "changed without being compressed");
    return;
  }
  expect(request.valueLength < value.size(), "compressed and not smaller");
  const lmc::Inflated result = lmc::inflateValue(request.valueView());
  expect(result.bytes != nullptr && std::string_view(result.bytes, result.size) == value,
         "another value came back");
  std::free(result.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
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
      compressAndBack(input, static_cast<std::int8_t>(data[0] / 4 % 11) - 1);
      break;
  }
  return 0;
}
