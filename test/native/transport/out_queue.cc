#include "transport/out_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

using namespace lmc;

namespace {

constexpr std::size_t kRoom = 1024;

// All that is in the queue.
std::string contents(const OutQueue& queue) {
  iovec pieces[kRoom];
  std::string bytes;
  for (std::size_t index = 0, count = queue.peek(pieces, kRoom); index < count; ++index)
    bytes.append(static_cast<const char*>(pieces[index].iov_base), pieces[index].iov_len);
  return bytes;
}

PayloadRef payloadOf(const std::string& bytes) {
  PayloadRef payload = PayloadRef::adopt(Payload::allocate(bytes.size()));
  std::memcpy(payload.get()->bytes(), bytes.data(), bytes.size());
  return payload;
}

}  // namespace

TEST_CASE("out queue: small pieces are gathered in one") {
  OutQueue queue;
  CHECK(queue.empty());
  queue.append("one ");
  queue.append("");
  queue.append("two");
  iovec pieces[4];
  CHECK(queue.peek(pieces, 4) == 1);
  CHECK(contents(queue) == "one two");
  CHECK(queue.size() == 7);
}

TEST_CASE("out queue: is consumed in parts") {
  OutQueue queue;
  queue.append("0123456789");
  queue.consume(3);
  CHECK(contents(queue) == "3456789");
  queue.append("abc");
  queue.consume(9);
  CHECK(contents(queue) == "c");
  CHECK(queue.size() == 1);
  queue.consume(1);
  CHECK(queue.empty());
  queue.append("again");
  CHECK(contents(queue) == "again");
}

TEST_CASE("out queue: a large value is sent from where it lies and kept as long as it is needed") {
  OutQueue queue;
  PayloadRef payload = payloadOf("xxVALUExx");
  const char* const value = payload.get()->bytes() + 2;
  queue.append("head ");
  queue.appendShared(payload.get(), {value, 5});
  queue.append(" tail");
  payload.reset();
  iovec pieces[4];
  REQUIRE(queue.peek(pieces, 4) == 3);
  CHECK(pieces[1].iov_base == value);
  CHECK(contents(queue) == "head VALUE tail");
  queue.consume(7);
  CHECK(contents(queue) == "LUE tail");
  CHECK(queue.peek(pieces, 1) == 1);
  queue.consume(3);
  CHECK(contents(queue) == " tail");
}

TEST_CASE("out queue: a value without bytes holds nothing up") {
  OutQueue queue;
  PayloadRef payload = payloadOf("");
  queue.appendShared(payload.get(), {payload.get()->bytes(), 0});
  queue.append("x");
  CHECK(contents(queue) == "x");
  queue.consume(1);
  CHECK(queue.empty());
  CHECK(contents(queue) == "");
}

TEST_CASE("out queue: a full piece is followed by another one and does not move") {
  OutQueue queue;
  queue.append(std::string(60'000, 'a'));
  iovec before[1];
  queue.peek(before, 1);
  queue.append(std::string(10'000, 'b'));
  iovec pieces[4];
  CHECK(queue.peek(pieces, 4) == 2);
  CHECK(pieces[0].iov_base == before[0].iov_base);
  queue.append(std::string(200'000, 'c'));
  CHECK(contents(queue) == std::string(60'000, 'a') + std::string(10'000, 'b') + std::string(200'000, 'c'));
}

TEST_CASE("out queue: cleared it is as new") {
  OutQueue queue;
  PayloadRef payload = payloadOf("value");
  queue.append("0123");
  queue.appendShared(payload.get(), {payload.get()->bytes(), 5});
  queue.consume(2);
  queue.clear();
  CHECK(queue.empty());
  queue.append("next");
  CHECK(contents(queue) == "next");
}

TEST_CASE("out queue: agrees with a string") {
  std::mt19937 random(4);
  OutQueue queue;
  std::string model;
  for (int turn = 0; turn < 4000; ++turn) {
    const std::size_t size = random() % 50 == 0 ? random() % 100'000 : random() % 100;
    const std::string bytes(size, static_cast<char>('a' + turn % 26));
    switch (random() % 4) {
      case 0:
        queue.append(bytes);
        model += bytes;
        break;
      case 1: {
        const PayloadRef payload = payloadOf(bytes);
        queue.appendShared(payload.get(), {payload.get()->bytes(), size});
        model += bytes;
        break;
      }
      default: {
        const std::size_t count = std::min(model.size(), size * 2);
        queue.consume(count);
        model.erase(0, count);
        break;
      }
    }
    REQUIRE(queue.size() == model.size());
    iovec pieces[3];
    std::string first;
    for (std::size_t index = 0, count = queue.peek(pieces, 3); index < count; ++index)
      first.append(static_cast<const char*>(pieces[index].iov_base), pieces[index].iov_len);
    REQUIRE(model.starts_with(first));
    REQUIRE(first.empty() == model.empty());
  }
}
