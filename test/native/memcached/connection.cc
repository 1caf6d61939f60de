// A connection to a real memcached.
#include "memcached/connection.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "connection_rig.h"
#include "memcached/compression.h"

using namespace lmc;
using namespace lmc::test;

TEST_CASE("connection: every operation against a real memcached") {
  MemcachedServer server({}, Listen::Tcp);
  for (const bool isBinary : {false, true}) {
    CAPTURE(isBinary);
    ConnectionRig rig(configFor(server.spec(), isBinary));
    CHECK(rig.one(Op::Flush).status == MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Get, "k").status == MEMCACHED_NOTFOUND);
    CHECK(rig.one(Op::Replace, "k", "1").status != MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Add, "k", "1").status == MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Add, "k", "2").status != MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Append, "k", "2").status == MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Prepend, "k", "0").status == MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Get, "k").value == "012");
    CHECK(rig.one(Op::Incr, "k", {}, 5).number == 17);
    CHECK(rig.one(Op::Decr, "k", {}, 7).number == 10);
    CHECK(rig.one(Op::Incr, "none", {}, 1).status == MEMCACHED_NOTFOUND);
    const std::uint64_t token = rig.one(Op::Gets, "k").number;
    CHECK(token != 0);
    CHECK(rig.one(Op::Cas, "k", "new", token).status == MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Cas, "k", "other", token).status == MEMCACHED_DATA_EXISTS);
    CHECK(rig.one(Op::Cas, "none", "other", token).status == MEMCACHED_NOTFOUND);
    CHECK(rig.one(Op::Incr, "k", {}, 5).status == MEMCACHED_CLIENT_ERROR);
    CHECK(rig.one(Op::Touch, "k").status == MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Touch, "none").status == MEMCACHED_NOTFOUND);
    CHECK(rig.one(Op::Version).value == rig.one(Op::Version).value);
    CHECK(rig.one(Op::Version).value.starts_with("1."));
    CHECK(rig.one(Op::Stats).value.starts_with("pid"));
    CHECK(rig.one(Op::Stats, {}, "nonsense").status != MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Delete, "k").status == MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Delete, "k").status == MEMCACHED_NOTFOUND);
    CHECK(rig.connection->counters().connects == 1);
  }
}

TEST_CASE("connection: operations that nobody awaited keep their order") {
  MemcachedServer server;
  for (const bool isBinary : {false, true}) {
    ConnectionRig rig(configFor(server.spec(), isBinary));
    std::vector<std::uint32_t> reads;
    rig.add(Op::Set, "k", "0");
    for (int number = 1; number <= 300; ++number) {
      rig.add(Op::Set, "k", std::to_string(number));
      reads.push_back(rig.add(Op::Get, "k"));
      if (number % 50 == 0) rig.connection->flush();
    }
    rig.result(reads.back());
    for (std::size_t index = 0; index < reads.size(); ++index)
      CHECK(rig.answers[reads[index]].value == std::to_string(index + 1));
    CHECK(rig.order.size() == 601);
  }
}

TEST_CASE("connection: random operations come to what a model says") {
  MemcachedServer server;
  for (const bool isBinary : {false, true}) {
    std::mt19937 random(6);
    ConnectionRig rig(configFor(server.spec(), isBinary));
    rig.one(Op::Flush);
    std::map<std::string, std::string> model;
    std::map<std::uint32_t, std::string> expected;  // "-": not found
    for (int turn = 0; turn < 3000; ++turn) {
      const std::string key = "k" + std::to_string(random() % 20);
      const bool exists = model.contains(key);
      switch (random() % 6) {
        case 0: {
          const std::string value(random() % 20 == 0 ? random() % 200'000 : random() % 50,
                                  static_cast<char>('a' + turn % 26));
          rig.add(Op::Set, key, value);
          model[key] = value;
          break;
        }
        case 1:
          rig.add(Op::Delete, key);
          model.erase(key);
          break;
        case 2:
          rig.add(Op::Append, key, "+");
          if (exists) model[key] += '+';
          break;
        default:
          expected[rig.add(Op::Get, key)] = exists ? model[key] : "-";
          break;
      }
      if (random() % 40 == 0) rig.connection->flush();
      if (random() % 100 == 0) rig.turn();
    }
    rig.result(rig.add(Op::Version));
    std::size_t wrong = 0;
    for (const auto& [slot, value] : expected) {
      const Result& result = rig.answers[slot];
      const bool isHit = value != "-";
      wrong += result.status == (isHit ? MEMCACHED_SUCCESS : MEMCACHED_NOTFOUND) && (!isHit || result.value == value)
                   ? 0
                   : 1;
    }
    CHECK(wrong == 0);
    CHECK(rig.connection->counters().connects == 1);
  }
}

TEST_CASE("connection: values of every size") {
  MemcachedServer server({"-I", "8m"});
  for (const bool isBinary : {false, true}) {
    ConnectionRig rig(configFor(server.spec(), isBinary));
    std::vector<std::pair<std::uint32_t, std::string>> reads;
    for (const std::size_t size : {0u, 1u, 16'383u, 16'384u, 100'000u, 1'000'000u, 4'000'000u}) {
      std::string value(size, 'v');
      for (std::size_t at = 0; at < size; at += 5) value[at] = static_cast<char>(at * 31 / 5);
      rig.add(Op::Set, "k" + std::to_string(size), value);
      reads.emplace_back(rig.add(Op::Get, "k" + std::to_string(size)), value);
    }
    rig.result(reads.back().first, 20'000);
    for (const auto& [slot, value] : reads) CHECK((rig.answers[slot].value == value));
  }
}

TEST_CASE("connection: a value that the server refuses spoils nothing behind it") {
  MemcachedServer server;
  for (const bool isBinary : {false, true}) {
    ConnectionRig rig(configFor(server.spec(), isBinary));
    rig.add(Op::Set, "k", "before");
    const std::uint32_t large = rig.add(Op::Set, "k", std::string(2'000'000, 'v'));
    const std::uint32_t behind = rig.add(Op::Set, "other", "behind");
    const std::uint32_t read = rig.add(Op::Get, "other");
    CHECK(rig.result(read).value == "behind");
    CHECK(rig.answers[large].status == MEMCACHED_E2BIG);
    CHECK(rig.answers[large].outcome == Outcome::Definite);
    CHECK(rig.answers[behind].status == MEMCACHED_SUCCESS);
  }
}

TEST_CASE("connection: C1 a name with an address at which nobody listens") {
  // Where /etc/hosts has ::1 for it, the first address refuses.
  MemcachedServer server({}, Listen::Tcp);
  ServerSpec spec = server.spec();
  spec.host = "localhost";
  for (const bool isBinary : {false, true}) {
    ConnectionRig rig(configFor(spec, isBinary));
    CHECK(rig.one(Op::Set, "k", "v").status == MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Get, "k").value == "v");
    CHECK(rig.one(Op::Get, "none").status == MEMCACHED_NOTFOUND);
  }
}

TEST_CASE("connection: a name that does not exist says so") {
  ServerSpec spec;
  spec.host = "name.that.does.not.exist.invalid";
  spec.port = 11211;
  ConnectionRig rig(configFor(spec));
  const Result result = rig.one(Op::Get, "k");
  CHECK(result.status != MEMCACHED_SUCCESS);
  CHECK(result.status != MEMCACHED_NOTFOUND);
  CHECK(result.outcome == Outcome::NotSent);
}

TEST_CASE("connection: nobody is there") {
  ServerSpec spec;
  spec.host = "127.0.0.1";
  spec.port = freePort();
  ConnectionRig rig(configFor(spec));
  const Result result = rig.one(Op::Set, "k", "v");
  CHECK(result.status == MEMCACHED_CONNECTION_FAILURE);
  CHECK(result.outcome == Outcome::NotSent);
  CHECK(rig.health.state() == ServerState::Down);
}

TEST_CASE("connection: the server went and came back while it was idle") {
  MemcachedServer server;
  for (const bool isBinary : {false, true}) {
    ConnectionRig rig(configFor(server.spec(), isBinary));
    REQUIRE(rig.one(Op::Set, "k", "v").status == MEMCACHED_SUCCESS);
    server.start();
    // C2: noticed before the write; nothing of it is lost.
    CHECK(rig.one(Op::Set, "k", "again").status == MEMCACHED_SUCCESS);
    CHECK(rig.one(Op::Get, "k").value == "again");
    CHECK(rig.connection->counters().connects == 2);
  }
}

TEST_CASE("connection: behaviors of sockets leave it usable") {
  MemcachedServer server({}, Listen::Tcp);
  const std::pair<memcached_behavior_t, std::uint64_t> values[] = {{MEMCACHED_BEHAVIOR_NO_BLOCK, 1},
                                                                   {MEMCACHED_BEHAVIOR_NO_BLOCK, 0},
                                                                   {MEMCACHED_BEHAVIOR_TCP_NODELAY, 0},
                                                                   {MEMCACHED_BEHAVIOR_TCP_KEEPALIVE, 1},
                                                                   {MEMCACHED_BEHAVIOR_SND_TIMEOUT, 500'000},
                                                                   {MEMCACHED_BEHAVIOR_RCV_TIMEOUT, 500'000},
                                                                   {MEMCACHED_BEHAVIOR_SOCKET_SEND_SIZE, 65'536},
                                                                   {MEMCACHED_BEHAVIOR_SOCKET_RECV_SIZE, 65'536}};
  for (const bool isBinary : {false, true}) {
    for (const auto& value : values) {
      CAPTURE(static_cast<int>(value.first));
      ConnectionConfig config = configFor(server.spec(), isBinary);
      config.behaviors.push_back(value);
      ConnectionRig rig(config);
      std::uint32_t last = 0;
      for (int index = 0; index < 50; ++index) {
        rig.add(Op::Set, "k" + std::to_string(index), "v");
        rig.add(Op::Append, "k" + std::to_string(index), "+");
        last = rig.add(Op::Get, "k" + std::to_string(index));
      }
      rig.result(last);
      for (std::uint32_t slot = 2; slot < 150; slot += 3) CHECK(rig.answers[slot].value == "v+");
    }
  }
}

TEST_CASE("connection: compression keeps the order of a key and lets others pass") {
  MemcachedServer server;
  for (const bool isBinary : {false, true}) {
    ConnectionRig rig(configFor(server.spec(), isBinary));
    rig.one(Op::Set, "large", "before");
    rig.loop.holdsJobs = true;
    auto large = makeRequest(Op::Set, "large", std::string(200'000, 'c'));
    large->minCompress = 100;
    large->flags = 16;
    const std::uint32_t stored = rig.add(std::move(large));
    const std::uint32_t read = rig.add(Op::Get, "large");
    const std::uint32_t appended = rig.add(Op::Delete, "large");
    const std::uint32_t other = rig.add(Op::Get, "other");
    CHECK(rig.result(other).status == MEMCACHED_NOTFOUND);
    CHECK_FALSE(rig.has(stored));
    CHECK_FALSE(rig.has(read));
    rig.loop.holdsJobs = false;
    REQUIRE(rig.until([&] { return rig.has(appended) && rig.has(read); }));
    CHECK(rig.answers[stored].status == MEMCACHED_SUCCESS);
    CHECK((rig.answers[read].value == std::string(200'000, 'c')));
    CHECK(rig.answers[read].flags == 16);
    CHECK(rig.answers[appended].status == MEMCACHED_SUCCESS);
    CHECK(rig.connection->counters().bytesSent < 20'000);
  }
}

TEST_CASE("connection: a flush_all waits for the values that are being compressed and nothing passes it") {
  MemcachedServer server;
  ConnectionRig rig(configFor(server.spec()));
  rig.one(Op::Set, "other", "before");
  rig.loop.holdsJobs = true;
  for (const char* key : {"one", "two"}) {
    auto large = makeRequest(Op::Set, key, std::string(200'000, 'c'));
    large->minCompress = 100;
    rig.add(std::move(large));
  }
  const std::uint32_t flushed = rig.add(Op::Flush);
  const std::uint32_t set = rig.add(Op::Set, "other", "after");
  rig.connection->flush();
  rig.forMs(20);
  CHECK_FALSE(rig.has(flushed));
  CHECK_FALSE(rig.has(set));
  rig.loop.holdsJobs = false;
  CHECK(rig.result(set).status == MEMCACHED_SUCCESS);
  CHECK(rig.answers[flushed].status == MEMCACHED_SUCCESS);
  CHECK(rig.one(Op::Get, "one").status == MEMCACHED_NOTFOUND);
  CHECK(rig.one(Op::Get, "two").status == MEMCACHED_NOTFOUND);
  CHECK(rig.one(Op::Get, "other").value == "after");
}

TEST_CASE("connection: a value that only claims to be compressed arrives as it is stored") {
  MemcachedServer server;
  for (const bool isBinary : {false, true}) {
    ConnectionRig rig(configFor(server.spec(), isBinary));
    for (const std::size_t size : {0u, 5u, 20'000u, 100'000u}) {
      auto set = makeRequest(Op::Set, "liar", std::string(size, '!'));
      set->flags = kZlibFlag;
      rig.add(std::move(set));
      const std::uint32_t one = rig.add(Op::Get, "liar");
      const std::uint32_t other = rig.add(Op::Get, "liar");
      for (const std::uint32_t slot : {one, other}) {
        CHECK(rig.result(slot).status == status::kBadCompression);
        CHECK((rig.answers[slot].value == std::string(size, '!')));
      }
    }
  }
}
