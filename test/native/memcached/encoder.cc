#include "memcached/encoder.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "conversation.h"
#include "memcached/linkage.h"

using namespace lmc;
using namespace lmc::test;
using Protocol = Encoder::Protocol;

namespace {

constexpr std::uint32_t kOpaque = 0x01020304;

Operation operationOf(Op op, std::string value = {}) {
  Operation operation;
  operation.op = op;
  operation.value = std::move(value);
  return operation;
}

std::string encoded(Encoder& encoder, const Operation& operation) {
  OwnedStep step(operation);
  OutQueue out;
  const memcached_return_t rc = encoder.encode(*step, kOpaque, out);
  if (rc != MEMCACHED_SUCCESS) CHECK(out.empty());
  return rc == MEMCACHED_SUCCESS ? contentsOf(out) : "refused: " + std::to_string(rc);
}

// A request of the binary protocol.
std::string question(std::uint8_t opcode, const std::string& extras, const std::string& key,
                     const std::string& value = {}, std::uint32_t opaque = kOpaque, std::uint64_t cas = 0) {
  std::string frame =
      frameOf({.opcode = opcode, .opaque = opaque, .extras = extras, .key = key, .value = value, .cas = cas});
  frame[0] = '\x80';
  return frame;
}

}  // namespace

TEST_CASE("encoder: text") {
  REQUIRE(installLinkage() == "");
  Encoder encoder(Protocol::Text);
  for (int round = 0; round < 2; ++round) {  // what came before must not matter
    Operation store = operationOf(Op::Set, "value");
    store.flags = 5;
    store.expiry = 60;
    CHECK(encoded(encoder, store) == "set k 5 60 5\r\nvalue\r\n");
    store.op = Op::Add;
    CHECK(encoded(encoder, store) == "add k 5 60 5\r\nvalue\r\n");
    store.op = Op::Replace;
    CHECK(encoded(encoder, store) == "replace k 5 60 5\r\nvalue\r\n");
    store.op = Op::Append;
    CHECK(encoded(encoder, store) == "append k 5 60 5\r\nvalue\r\n");
    store.op = Op::Prepend;
    CHECK(encoded(encoder, store) == "prepend k 5 60 5\r\nvalue\r\n");
    store.op = Op::Cas;
    store.number = 9'999'999'999'999'999'999u;
    CHECK(encoded(encoder, store) == "cas k 5 60 5 9999999999999999999\r\nvalue\r\n");
    CHECK(encoded(encoder, operationOf(Op::Delete)) == "delete k\r\n");
    Operation touch = operationOf(Op::Touch);
    touch.expiry = 2147483647;
    CHECK(encoded(encoder, touch) == "touch k 2147483647\r\n");
    Operation count = operationOf(Op::Incr);
    count.number = UINT64_MAX;
    CHECK(encoded(encoder, count) == "incr k 18446744073709551615\r\n");
    count.op = Op::Decr;
    CHECK(encoded(encoder, count) == "decr k 18446744073709551615\r\n");
    CHECK(encoded(encoder, operationOf(Op::Version)) == "version\r\n");
    CHECK(encoded(encoder, operationOf(Op::Stats)) == "stats \r\n");
    CHECK(encoded(encoder, operationOf(Op::Stats, "items")) == "stats items\r\n");
    Operation flush = operationOf(Op::Flush);
    CHECK(encoded(encoder, flush) == "flush_all \r\n");
    flush.expiry = 10;
    CHECK(encoded(encoder, flush) == "flush_all 10\r\n");
  }
}

TEST_CASE("encoder: text multi-gets with and without CAS tokens") {
  REQUIRE(installLinkage() == "");
  Encoder encoder(Protocol::Text);
  Operation fetch = operationOf(Op::Get);
  fetch.keys = {"a", "b", "c"};
  CHECK(encoded(encoder, fetch) == "get a b c\r\n");
  fetch.wantsCas = true;
  CHECK(encoded(encoder, fetch) == "gets a b c\r\n");
  fetch.wantsCas = false;
  CHECK(encoded(encoder, fetch) == "get a b c\r\n");
  fetch.keys.assign(1024, std::string(15, 'k'));
  std::string expected = "get";
  for (const std::string& key : fetch.keys) expected += ' ' + key;
  CHECK((encoded(encoder, fetch) == expected + "\r\n"));
}

TEST_CASE("encoder: binary") {
  REQUIRE(installLinkage() == "");
  Encoder encoder(Protocol::Binary);
  for (int round = 0; round < 2; ++round) {
    Operation store = operationOf(Op::Set, "value");
    store.flags = 5;
    store.expiry = 60;
    const std::string extras = bigEndian(5, 4) + bigEndian(60, 4);
    CHECK(encoded(encoder, store) == question(0x01, extras, "k", "value"));
    store.op = Op::Add;
    CHECK(encoded(encoder, store) == question(0x02, extras, "k", "value"));
    store.op = Op::Replace;
    CHECK(encoded(encoder, store) == question(0x03, extras, "k", "value"));
    store.op = Op::Append;
    CHECK(encoded(encoder, store) == question(0x0e, "", "k", "value"));
    store.op = Op::Prepend;
    CHECK(encoded(encoder, store) == question(0x0f, "", "k", "value"));
    store.op = Op::Cas;
    store.number = UINT64_MAX;
    CHECK(encoded(encoder, store) == question(0x03, extras, "k", "value", kOpaque, UINT64_MAX));
    CHECK(encoded(encoder, operationOf(Op::Delete)) == question(0x04, "", "k"));
    Operation touch = operationOf(Op::Touch);
    touch.expiry = 60;
    CHECK(encoded(encoder, touch) == question(0x1c, bigEndian(60, 4), "k"));
    Operation count = operationOf(Op::Incr);
    count.number = UINT64_MAX;
    const std::string counter = bigEndian(UINT64_MAX, 8) + bigEndian(0, 8) + bigEndian(UINT32_MAX, 4);
    CHECK(encoded(encoder, count) == question(0x05, counter, "k"));
    count.op = Op::Decr;
    CHECK(encoded(encoder, count) == question(0x06, counter, "k"));
    CHECK(encoded(encoder, operationOf(Op::Version)) == question(0x0b, "", ""));
    CHECK(encoded(encoder, operationOf(Op::Stats)) == question(0x10, "", ""));
    CHECK(encoded(encoder, operationOf(Op::Stats, "items")) == question(0x10, "", "items"));
    Operation flush = operationOf(Op::Flush);
    flush.expiry = 10;
    CHECK(encoded(encoder, flush) == question(0x08, bigEndian(10, 4), ""));
  }
}

TEST_CASE("encoder: binary multi-gets end with the opaque") {
  REQUIRE(installLinkage() == "");
  Encoder encoder(Protocol::Binary);
  Operation fetch = operationOf(Op::Get);
  fetch.keys = {"a", "bb"};
  const std::string bytes = encoded(encoder, fetch);
  const std::string end = question(0x0a, "", "");
  REQUIRE(bytes.size() == 24u * 3 + 3);
  CHECK(bytes.substr(bytes.size() - 24) == end);
  CHECK(bytes[1] == '\x0d');
  CHECK(bytes.substr(24, 1) == "a");
  CHECK(bytes.substr(24 + 1 + 24, 2) == "bb");
}

TEST_CASE("encoder: large values are referred to and not copied") {
  REQUIRE(installLinkage() == "");
  for (const bool isBinary : {false, true}) {
    Encoder encoder(isBinary ? Protocol::Binary : Protocol::Text);
    for (const std::size_t size : {0u, 1u, 8'190u, 16'383u, 16'384u, 16'385u, 1'000'000u, 5'000'000u}) {
      CAPTURE(size);
      for (const Op op : {Op::Set, Op::Append, Op::Cas}) {
        std::string value(size, '\n');
        for (std::size_t at = 0; at < size; at += 7) value[at] = static_cast<char>(at);
        Operation operation = operationOf(op, value);
        operation.number = 3;
        OwnedStep step(operation);
        OutQueue out;
        REQUIRE(encoder.encode(*step, kOpaque, out) == MEMCACHED_SUCCESS);
        const std::string bytes = contentsOf(out);
        const std::string tail = isBinary ? value : value + "\r\n";
        CHECK(bytes.size() < size + 200);
        CHECK((bytes.ends_with(tail)));
        iovec pieces[8];
        const std::size_t count = out.peek(pieces, 8);
        bool isShared = false;
        for (std::size_t index = 0; index < count; ++index)
          isShared |= pieces[index].iov_base == step->first->value && pieces[index].iov_len == size;
        CHECK(isShared == (size >= 16'384));
      }
    }
  }
}

TEST_CASE("encoder: namespaces change from call to call") {
  REQUIRE(installLinkage() == "");
  Encoder encoder(Protocol::Text);
  Operation fetch = operationOf(Op::Get);
  fetch.keys = {"a", "b"};
  fetch.keyNamespace = "n:";
  CHECK(encoded(encoder, fetch) == "get n:a n:b\r\n");
  fetch.keyNamespace = "other:";
  CHECK(encoded(encoder, fetch) == "get other:a other:b\r\n");
  Operation store = operationOf(Op::Set, std::string(20'000, 'v'));
  store.keyNamespace = "n:";
  CHECK((encoded(encoder, store) == "set n:k 0 0 20000\r\n" + store.value + "\r\n"));
  fetch.keyNamespace = "";
  CHECK(encoded(encoder, fetch) == "get a b\r\n");

  Encoder binary(Protocol::Binary);
  store.value = "v";
  CHECK(encoded(binary, store) == question(0x01, std::string(8, '\0'), "n:k", "v"));
}

TEST_CASE("encoder: what libmemcached refuses leaves nothing behind") {
  REQUIRE(installLinkage() == "");
  Encoder encoder(Protocol::Text);
  Operation bad = operationOf(Op::Set, "v");
  bad.keys = {""};
  CHECK(encoded(encoder, bad).starts_with("refused"));
  CHECK(encoded(encoder, operationOf(Op::Set, "v")) == "set k 0 0 1\r\nv\r\n");
  Operation empty = operationOf(Op::Get);
  empty.keys = {"a", ""};
  CHECK(encoded(encoder, empty).starts_with("refused"));
  CHECK(encoded(encoder, operationOf(Op::Get)) == "get k\r\n");
}

TEST_CASE("encoder: a datagram is one operation in text") {
  REQUIRE(installLinkage() == "");
  Encoder encoder(Protocol::Udp);
  for (int round = 0; round < 3; ++round) {
    OwnedStep step(operationOf(Op::Set, "value"));
    std::string_view datagram;
    REQUIRE(encoder.encodeDatagram(*step, &datagram) == MEMCACHED_SUCCESS);
    REQUIRE(datagram.size() > 8);
    CHECK(datagram.substr(8) == "set k 0 0 5 noreply\r\nvalue\r\n");
    OwnedStep removal(operationOf(Op::Delete));
    REQUIRE(encoder.encodeDatagram(*removal, &datagram) == MEMCACHED_SUCCESS);
    CHECK(datagram.substr(std::min<std::size_t>(8, datagram.size())) == "delete k noreply\r\n");
  }
}

TEST_CASE("encoder: two hundred thousand calls with one handle") {
  REQUIRE(installLinkage() == "");
  for (const Protocol protocol : {Protocol::Text, Protocol::Binary}) {
    Encoder encoder(protocol);
    OwnedStep get(operationOf(Op::Get));
    OwnedStep set(operationOf(Op::Set, "value"));
    OutQueue out;
    int failed = 0;
    for (int turn = 0; turn < 20'000; ++turn) {
      failed += encoder.encode(turn % 2 == 0 ? *get : *set, kOpaque, out) == MEMCACHED_SUCCESS ? 0 : 1;
      if (turn % 100 == 0) out.clear();
    }
    CHECK(failed == 0);
  }
}
