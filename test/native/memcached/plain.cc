#include "memcached/plain.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "core/clock.h"
#include "core/slot_table.h"
#include "exchange.h"
#include "memcached_server.h"
#include "proxy.h"

using namespace lmc;
using namespace lmc::test;

TEST_CASE("plain: each kind of write in text answers as binary does") {
  MemcachedServer server({"-B", "ascii"});
  Exchange exchange(configFor(server.spec(), Protocol::Text));
  CHECK(exchange.one(Op::Set, "k", "v").status == MEMCACHED_SUCCESS);
  CHECK(exchange.get("k") == "v");
  CHECK(exchange.one(Op::Add, "k", "other").status == MEMCACHED_NOTSTORED);
  CHECK(exchange.one(Op::Add, "new", "v").status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Replace, "k", "w").status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Replace, "missing", "w").status == MEMCACHED_NOTSTORED);
  CHECK(exchange.one(Op::Append, "k", ">").status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Prepend, "k", "<").status == MEMCACHED_SUCCESS);
  CHECK(exchange.get("k") == "<w>");
  CHECK(exchange.one(Op::Append, "missing", ">").status == MEMCACHED_NOTSTORED);
  const std::uint64_t token = exchange.one(Op::Gets, "k").number;
  CHECK(exchange.one(Op::Cas, "k", "cas", token).status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Cas, "k", "cas", token).status == MEMCACHED_DATA_EXISTS);
  CHECK(exchange.one(Op::Cas, "missing", "cas", token).status == MEMCACHED_NOTFOUND);
  CHECK(exchange.one(Op::Touch, "k").status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Touch, "missing").status == MEMCACHED_NOTFOUND);
  CHECK(exchange.one(Op::Delete, "k").status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Delete, "k").status == MEMCACHED_NOTFOUND);
  exchange.one(Op::Set, "n", "10");
  CHECK(exchange.one(Op::Incr, "n", "", 1ull << 40).number == (1ull << 40) + 10);
  CHECK(exchange.one(Op::Decr, "n", "", UINT64_MAX).number == 0);
  CHECK(exchange.one(Op::Incr, "missing", "", 1).status == MEMCACHED_NOTFOUND);
  exchange.one(Op::Set, "text", "abc");
  const Answer poison = exchange.one(Op::Incr, "text", "", 1);
  CHECK(poison.status != MEMCACHED_SUCCESS);
  CHECK(poison.outcome == Outcome::Definite);
  const Answer initial = exchange.one(Op::IncrInitial, "n", "", 1, 1);
  CHECK(initial.status == status::kNotInThisProtocol);
  CHECK(initial.outcome == Outcome::NotSent);
  CHECK(exchange.get("text") == "abc");
}

TEST_CASE("plain: a batch of writes in text has every answer at its request") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec(), Protocol::Text));
  const std::string large(1100000, 'x');
  Batch batch;
  for (int index = 0; index < 40; ++index) {
    const std::string key = std::to_string(index);
    if (index % 4 == 0) batch.add(Op::Set, key, large);
    if (index % 4 == 1) batch.add(Op::Set, key, "v" + key);
    if (index % 4 == 2) batch.add(Op::Delete, key);
    if (index % 4 == 3) batch.add(Op::Set, "bad key", "v").textSafe = false;
  }
  exchange.run(batch);
  REQUIRE(exchange.answers.complete(40));
  const std::int32_t expected[] = {MEMCACHED_E2BIG, MEMCACHED_SUCCESS, MEMCACHED_NOTFOUND,
                                   status::kBadTextKey};
  for (std::uint32_t slot = 0; slot < 40; ++slot) {
    CHECK(exchange.answers[slot].status == expected[slot % 4]);
  }
  for (int index = 0; index < 40; ++index) {
    const std::string key = std::to_string(index);
    CHECK(exchange.get(key) == (index % 4 == 1 ? "v" + key : ""));
  }
}

TEST_CASE("plain: text writes given up are not sent") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec(), Protocol::Text));
  SlotTable slots;
  Batch batch;
  for (std::uint32_t slot = 0; slot < 30; ++slot) {
    Request& request = batch.add(Op::Set, std::to_string(slot), "v");
    request.claim = slots.open(slot);
    if (slot % 3 == 0) slots.cancel(slot);
    if (slot % 3 == 1) request.deadline = nowMs() - 1;
  }
  exchange.run(batch);
  REQUIRE(exchange.answers.complete(30));
  Batch reads;
  for (int index = 0; index < 30; ++index) reads.add(Op::Get, std::to_string(index));
  Exchange direct(configFor(server.spec(), Protocol::Text));
  direct.run(reads);
  for (std::uint32_t slot = 0; slot < 30; ++slot) {
    CHECK(direct.answers[slot].value == (slot % 3 == 2 ? "v" : ""));
    CHECK((exchange.answers[slot].status == MEMCACHED_SUCCESS) == (slot % 3 == 2));
  }
}

TEST_CASE("plain: text cut at any byte of the answers nobody is told a lie") {
  MemcachedServer server;
  CuttingProxy proxy(server.spec());
  Exchange direct(configFor(server.spec(), Protocol::Text));
  Exchange exchange(configFor(proxy.spec(), Protocol::Text));
  int lies = 0;
  int unknown = 0;
  for (std::size_t cut = 1; cut < 120; ++cut) {
    direct.one(Op::Flush, "");
    for (const char* key : {"n1", "n2"}) direct.one(Op::Set, key, "100");
    proxy.never();
    exchange.get("connect");
    proxy.cutAfterAnswers(cut);
    Batch batch;
    for (int round = 0; round < 4; ++round) {
      batch.add(Op::Set, "s" + std::to_string(round), "value");
      batch.add(Op::Delete, "missing" + std::to_string(round));
    }
    batch.add(Op::Incr, "n1", "", 11);
    batch.add(Op::Incr, "n2", "", 22);
    exchange.run(batch, 3000);
    if (!exchange.answers.complete(10)) ++lies;
    for (std::uint32_t slot = 0; slot < 10; ++slot) {
      const Answer& answer = exchange.answers[slot];
      const std::string now = direct.get(batch[slot].keyView());
      const bool applied = now == (slot == 8 ? "111" : slot == 9 ? "122" : slot % 2 == 0 ? "value" : "");
      const bool notApplied = now == (slot >= 8 ? "100" : "");
      const std::int32_t right = slot < 8 && slot % 2 == 1 ? MEMCACHED_NOTFOUND : MEMCACHED_SUCCESS;
      if (answer.outcome == Outcome::Definite && (answer.status != right || !applied)) ++lies;
      if (answer.outcome == Outcome::Definite && slot >= 8 && std::to_string(answer.number) != now) ++lies;
      if (answer.outcome == Outcome::NotSent && !notApplied) ++lies;
      unknown += answer.outcome == Outcome::Unknown ? 1 : 0;
    }
  }
  CHECK(lies == 0);
  CHECK(unknown > 0);
}

TEST_CASE("plain: a silent server is waited for once and not for each request") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec(), Protocol::Text));
  exchange.get("connect");
  server.suspend();
  Batch batch;
  for (int index = 0; index < 30; ++index) batch.add(Op::Set, std::to_string(index), "v");
  const double started = nowMs();
  CHECK(exchange.run(batch, 150).back() == Contact::Failed);
  CHECK(nowMs() - started < 1000);
  REQUIRE(exchange.answers.complete(30));
  CHECK(exchange.answers[0].outcome == Outcome::Unknown);
  for (std::uint32_t slot = 1; slot < 30; ++slot) CHECK(exchange.answers[slot].outcome == Outcome::NotSent);
  server.resume();
  CHECK(exchange.one(Op::Set, "after", "v").status == MEMCACHED_SUCCESS);
  CHECK(exchange.get("after") == "v");
}

TEST_CASE("plain: a server killed in the middle of text writes") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec(), Protocol::Text));
  exchange.get("connect");
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    server.kill();
  });
  Batch batch;
  for (int index = 0; index < 2000; ++index)
    batch.add(index % 2 == 0 ? Op::Set : Op::Delete, "k" + std::to_string(index), "v");
  exchange.run(batch, 500);
  killer.join();
  REQUIRE(exchange.answers.complete(2000));
  int wrong = 0;
  for (std::uint32_t slot = 0; slot < 2000; ++slot) {
    const Answer& answer = exchange.answers[slot];
    const std::int32_t right = slot % 2 == 0 ? MEMCACHED_SUCCESS : MEMCACHED_NOTFOUND;
    if (answer.outcome == Outcome::Definite && answer.status != right) ++wrong;
    if (answer.outcome != Outcome::Definite && answer.status == MEMCACHED_SUCCESS) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("plain: noreply writes are done and the answers of the others stay theirs") {
  for (const Protocol protocol : {Protocol::Text, Protocol::Binary}) {
    MemcachedServer server;
    auto config = configFor(server.spec(), protocol);
    config->noReply = true;
    Exchange exchange(config);
    Batch batch;
    for (int index = 0; index < 200; ++index) {
      const std::string key = "k" + std::to_string(index);
      batch.add(Op::Set, key, "v" + key);
      batch.add(Op::Add, key, "never");
      batch.add(Op::Append, key, "+");
      batch.add(Op::Delete, "missing");
    }
    exchange.run(batch);
    REQUIRE(exchange.answers.complete(800));
    for (std::uint32_t slot = 3; slot < 800; slot += 4)
      CHECK(exchange.answers[slot].status == MEMCACHED_NOTFOUND);
    for (std::uint32_t slot = 0; slot < 800; slot += 4)
      CHECK(exchange.answers[slot].status == MEMCACHED_SUCCESS);
    for (int index = 0; index < 200; ++index)
      CHECK(exchange.get("k" + std::to_string(index)) == "vk" + std::to_string(index) + "+");
    exchange.one(Op::Set, "n", "5");
    CHECK(exchange.one(Op::Incr, "n", "", 2).number == 7);
  }
}

TEST_CASE("plain: the answers to refused noreply writes do not fill the connection") {
  MemcachedServer server;
  auto config = configFor(server.spec(), Protocol::Binary);
  config->noReply = true;
  Exchange exchange(config);
  exchange.one(Op::Set, "k", "v");
  for (int round = 0; round < 100; ++round) {
    Batch batch;
    for (int index = 0; index < 2000; ++index) batch.add(Op::Add, "k", "never");
    for (const Contact contact : exchange.run(batch, 2000)) CHECK(contact == Contact::Answered);
  }
  CHECK(exchange.get("k") == "v");
}

TEST_CASE("admin: version and stats and flush in both protocols") {
  for (const Protocol protocol : {Protocol::Text, Protocol::Binary}) {
    MemcachedServer server;
    Exchange exchange(configFor(server.spec(), protocol));
    CHECK(exchange.one(Op::Version, "").value.starts_with("1."));
    const std::string stats = exchange.one(Op::Stats, "").value;
    CHECK(stats.find("curr_items") != std::string::npos);
    CHECK(exchange.one(Op::Stats, "", "settings").value.find("maxbytes") != std::string::npos);
    CHECK(exchange.one(Op::Stats, "", "nosuchgroup").status == MEMCACHED_UNKNOWN_STAT_KEY);
    exchange.one(Op::Set, "k", "v");
    CHECK(exchange.one(Op::Flush, "").status == MEMCACHED_SUCCESS);
    CHECK(exchange.one(Op::Get, "k").status == MEMCACHED_NOTFOUND);
    CHECK(exchange.one(Op::Disconnect, "").status == MEMCACHED_SUCCESS);
    CHECK(exchange.one(Op::Get, "k").status == MEMCACHED_NOTFOUND);
  }
}

TEST_CASE("admin: a batch with barriers between reads and writes") {
  for (const Protocol protocol : {Protocol::Text, Protocol::Binary}) {
    MemcachedServer server;
    Exchange exchange(configFor(server.spec(), protocol));
    Batch batch;
    batch.add(Op::Set, "k", "1");
    batch.add(Op::Get, "k");
    batch.add(Op::Flush);
    batch.add(Op::Get, "k");
    batch.add(Op::Disconnect);
    batch.add(Op::Add, "k", "2");
    batch.add(Op::Version);
    batch.add(Op::Get, "k");
    exchange.run(batch);
    REQUIRE(exchange.answers.complete(8));
    CHECK(exchange.answers[1].value == "1");
    CHECK(exchange.answers[3].status == MEMCACHED_NOTFOUND);
    CHECK(exchange.answers[5].status == MEMCACHED_SUCCESS);
    CHECK(exchange.answers[7].value == "2");
  }
}

TEST_CASE("admin: on a silent server every request fails in time") {
  for (const Protocol protocol : {Protocol::Text, Protocol::Binary}) {
    MemcachedServer server;
    for (const Op op : {Op::Version, Op::Stats, Op::Flush}) {
      Exchange exchange(configFor(server.spec(), protocol));
      exchange.get("connect");
      server.suspend();
      Batch batch;
      batch.add(op);
      const double started = nowMs();
      CHECK(exchange.run(batch, 150).back() == Contact::Failed);
      CHECK(nowMs() - started < 1500);
      CHECK(exchange.answers[0].status != MEMCACHED_SUCCESS);
      server.resume();
    }
  }
}
