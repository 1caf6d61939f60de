#include "memcached/compression.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdlib>
#include <random>
#include <string>

using namespace lmc;

namespace {

constexpr std::size_t kMax = std::size_t{64} << 20;

std::string deflated(const std::string& value, int level = -1) {
  uLongf size = compressBound(value.size());
  std::string bytes(size, '\0');
  REQUIRE(compress2(reinterpret_cast<Bytef*>(bytes.data()), &size, reinterpret_cast<const Bytef*>(value.data()),
                    value.size(), level) == Z_OK);
  bytes.resize(size);
  return bytes;
}

// What inflateValue makes of it; "(refused)" if nothing.
std::string inflated(std::string_view compressed) {
  const Inflated result = inflateValue(compressed, kMax);
  if (result.bytes == nullptr) return "(refused)";
  return {result.bytes.get(), result.size};
}

std::string noise(std::size_t size) {
  std::mt19937 random(static_cast<std::uint32_t>(size));
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

}  // namespace

TEST_CASE("compression: what was compressed comes back") {
  for (const std::size_t size :
       {2u, 3u, 10u, 63u, 64u, 65u, 255u, 256u, 257u, 1023u, 1024u, 4096u, 100000u, 1048576u}) {
    for (const std::string& value : {std::string(size, 'a'), noise(size), noise(size / 2) + std::string(size, 'z')}) {
      CHECK((inflated(deflated(value)) == value));
      for (const int level : {-1, 1, 9}) {
        std::string into(value.size() - 1, '\0');
        std::size_t bytes = into.size();
        if (!compressInto(into.data(), &bytes, value, level)) continue;
        REQUIRE(bytes < value.size());
        CHECK((inflated(into.substr(0, bytes)) == value));
      }
    }
  }
}

TEST_CASE("compression: what does not fit is refused") {
  for (const std::size_t size : {2u, 8u, 20u, 1000u, 100000u}) {
    const std::string value = noise(size);
    std::string into(size - 1, '\0');
    std::size_t bytes = into.size();
    CHECK_FALSE(compressInto(into.data(), &bytes, value, -1));
  }
}

TEST_CASE("compression: writes nothing beyond the room it has") {
  const std::string value = std::string(3000, 'a') + noise(100);
  const std::string whole = deflated(value);
  for (std::size_t room = 0; room <= whole.size() + 1; ++room) {
    std::string into(room + 8, '!');
    std::size_t bytes = room;
    CHECK(compressInto(into.data(), &bytes, value, -1) == (room >= whole.size()));
    CHECK(into.substr(room) == "!!!!!!!!");
  }
}

TEST_CASE("compression: what is not zlib's format is refused") {
  const std::string good = deflated(std::string(5000, 'x') + noise(500));
  CHECK(inflated("") == "(refused)");
  CHECK(inflated("x") == "(refused)");
  CHECK(inflated("hello world") == "(refused)");
  CHECK(inflated(std::string(1000, '\0')) == "(refused)");
  CHECK(inflated(noise(1000)) == "(refused)");
  for (std::size_t length = 0; length < good.size(); ++length) CHECK(inflated(good.substr(0, length)) == "(refused)");
  for (std::size_t at = good.size() - 4; at < good.size(); ++at) {  // its checksum
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    CHECK(inflated(bad) == "(refused)");
  }
}

TEST_CASE("compression: an empty value in zlib's format is an empty value") { CHECK(inflated(deflated("")) == ""); }

TEST_CASE("compression: any byte changed is refused or another value and never worse") {
  const std::string good = deflated(noise(100) + std::string(300, 'q'));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int bit : {1, 16, 128}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ bit);
      (void)inflated(bad);
    }
  }
}

TEST_CASE("compression: large values grow without being refused") {
  const std::string value(64u << 20, 'b');
  const std::string bytes = deflated(value, 9);
  CHECK(bytes.size() < 80000);
  const Inflated result = inflateValue(bytes, kMax);
  REQUIRE(result.bytes != nullptr);
  CHECK(result.size == value.size());
  CHECK((std::string_view(result.bytes.get(), result.size) == value));
}

TEST_CASE("compression: a value of exactly the limit passes and one byte more does not") {
  const std::string bytes = deflated(std::string(5000, 'x'));
  CHECK(inflateValue(bytes, 5000).size == 5000);
  const Inflated refused = inflateValue(bytes, 4999);
  CHECK(refused.bytes == nullptr);
  CHECK(refused.isTooLarge);
  CHECK_FALSE(inflateValue("nonsense", 4999).isTooLarge);
}

TEST_CASE("compression: a bomb over the limit is refused") {
  // A little over kMax of zeros, about a megabyte as it is stored, made without having it in memory.
  std::string bomb;
  {
    z_stream stream{};
    REQUIRE(deflateInit(&stream, 1) == Z_OK);
    std::string zeros(1 << 20, '\0');
    std::string out(1 << 16, '\0');
    const std::size_t blocks = kMax / zeros.size() + 1;
    for (std::size_t block = 0; block <= blocks; ++block) {
      const bool last = block == blocks;
      stream.next_in = reinterpret_cast<Bytef*>(zeros.data());
      stream.avail_in = last ? 0 : static_cast<uInt>(zeros.size());
      do {
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        (void)deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
        bomb.append(out, 0, out.size() - stream.avail_out);
      } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
  }
  CHECK(bomb.size() < 8u << 20);
  CHECK(inflated(bomb) == "(refused)");
}
