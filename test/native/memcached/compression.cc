#include "memcached/compression.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdlib>
#include <random>
#include <string>

#include "exchange.h"
#include "memcached_server.h"

using namespace lmc;
using namespace lmc::test;

namespace {

std::string deflated(const std::string& value, int level = -1) {
  uLongf size = compressBound(value.size());
  std::string bytes(size, '\0');
  REQUIRE(compress2(reinterpret_cast<Bytef*>(bytes.data()), &size,
                    reinterpret_cast<const Bytef*>(value.data()), value.size(), level) == Z_OK);
  bytes.resize(size);
  return bytes;
}

// What inflateValue makes of it; "(refused)" if nothing.
std::string inflated(std::string_view compressed) {
  const Inflated result = inflateValue(compressed);
  if (result.bytes == nullptr) return "(refused)";
  std::string value(result.bytes, result.size);
  std::free(result.bytes);
  return value;
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
    for (const std::string& value :
         {std::string(size, 'a'), noise(size), noise(size / 2) + std::string(size, 'z')}) {
      CHECK((inflated(deflated(value)) == value));
      for (const int level : {-1, 1, 9}) {
        Batch batch;
        Request& request = batch.add(Op::Set, "k", value);
        request.minCompress = 1;
        request.compressLevel = static_cast<std::int8_t>(level);
        request.flags = 16;
        compressValue(request);
        const bool compressed = (request.flags & kZlibFlag) != 0;
        CHECK((request.flags & ~kZlibFlag) == 16);
        if (compressed) {
          CHECK(request.valueLength < value.size());
          CHECK((inflated(request.valueView()) == value));
        } else {
          CHECK((request.valueView() == value));
        }
      }
    }
  }
}

TEST_CASE("compression: only from the given size on and only if asked") {
  const std::string value(100, 'a');
  const auto isCompressed = [&](std::uint32_t minCompress, std::int8_t level) {
    Batch batch;
    Request& request = batch.add(Op::Set, "k", value);
    request.minCompress = minCompress;
    request.compressLevel = level;
    compressValue(request);
    return (request.flags & kZlibFlag) != 0;
  };
  CHECK_FALSE(isCompressed(0, -1));
  CHECK(isCompressed(1, -1));
  CHECK(isCompressed(100, -1));
  CHECK_FALSE(isCompressed(101, -1));
  CHECK_FALSE(isCompressed(1, 0));
}

TEST_CASE("compression: what does not get smaller is left alone") {
  for (const std::size_t size : {0u, 1u, 2u, 8u, 20u, 1000u, 100000u}) {
    const std::string value = noise(size);
    Batch batch;
    Request& request = batch.add(Op::Set, "k", value);
    request.minCompress = 1;
    compressValue(request);
    CHECK(request.flags == 0);
    CHECK((request.valueView() == value));
  }
}

TEST_CASE("compression: what is not zlib's format is refused") {
  const std::string good = deflated(std::string(5000, 'x') + noise(500));
  CHECK(inflated("") == "(refused)");
  CHECK(inflated("x") == "(refused)");
  CHECK(inflated("hello world") == "(refused)");
  CHECK(inflated(std::string(1000, '\0')) == "(refused)");
  CHECK(inflated(noise(1000)) == "(refused)");
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK(inflated(good.substr(0, length)) == "(refused)");
  for (std::size_t at = good.size() - 4; at < good.size(); ++at) {  // its checksum
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    CHECK(inflated(bad) == "(refused)");
  }
}

TEST_CASE("compression: an empty value in zlib's format is an empty value") {
  CHECK(inflated(deflated("")) == "");
}

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
  const Inflated result = inflateValue(bytes);
  REQUIRE(result.bytes != nullptr);
  CHECK(result.size == value.size());
  CHECK(std::string_view(result.bytes, result.size) == value);
  std::free(result.bytes);
}

TEST_CASE("compression: a bomb over the limit is refused") {
  // A little over kMaxInflated of zeros, about a megabyte as it is stored, made without having it in memory.
  std::string bomb;
  {
    z_stream stream{};
    REQUIRE(deflateInit(&stream, 1) == Z_OK);
    std::string zeros(1 << 20, '\0');
    std::string out(1 << 16, '\0');
    const std::size_t blocks = kMaxInflated / zeros.size() + 1;
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

TEST_CASE("compression: round trips through a server in both protocols") {
  MemcachedServer server;
  for (const Protocol protocol : {Protocol::Text, Protocol::Binary}) {
    Exchange exchange(configFor(server.spec(), protocol));
    auto raw = configFor(server.spec(), protocol);
    raw->inflate = false;
    Exchange stored(raw);
    Batch batch;
    std::vector<std::string> values;
    for (std::size_t index = 0; index < 60; ++index) {
      values.push_back(std::string(index * 401, static_cast<char>('a' + index % 26)) + noise(index));
      Request& request =
          batch.add(index % 2 == 0 ? Op::Set : Op::Add, "c" + std::to_string(index), values.back());
      request.minCompress = 100;
      request.flags = 16;
    }
    exchange.one(Op::Flush, "");
    exchange.run(batch);
    Batch reads;
    for (std::size_t index = 0; index < 60; ++index) reads.add(Op::Get, "c" + std::to_string(index));
    exchange.run(reads);
    REQUIRE(exchange.answers.complete(60));
    for (std::uint32_t slot = 0; slot < 60; ++slot) {
      CHECK(exchange.answers[slot].status == MEMCACHED_SUCCESS);
      CHECK((exchange.answers[slot].value == values[slot]));
      CHECK((exchange.answers[slot].flags & ~kZlibFlag) == 16);
    }
    const Answer asStored = stored.one(Op::Get, "c50");
    CHECK(asStored.flags == (16 | kZlibFlag));
    CHECK(asStored.value.size() < values[50].size());
    CHECK((inflated(asStored.value) == values[50]));
  }
}

TEST_CASE("compression: a value that only claims to be compressed arrives as it is stored") {
  MemcachedServer server;
  for (const Protocol protocol : {Protocol::Text, Protocol::Binary}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{20000}}) {
      Exchange exchange(configFor(server.spec(), protocol));
      const std::string value(size, '!');
      Batch batch;
      batch.add(Op::Set, "liar", value).flags = kZlibFlag;
      exchange.run(batch);
      Batch reads;
      reads.add(Op::Get, "liar");
      reads.add(Op::Get, "liar");
      reads.add(Op::Get, "none");
      exchange.run(reads);
      for (const std::uint32_t slot : {0u, 1u}) {
        CHECK(exchange.answers[slot].status == status::kBadCompression);
        CHECK((exchange.answers[slot].value == value));
      }
      CHECK(exchange.one(Op::Get, "liar").status == status::kBadCompression);
    }
  }
}
