#include "memcached/pipeline.h"

#include <doctest/doctest.h>

#include <csignal>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/slot_table.h"
#include "exchange.h"
#include "memcached_server.h"
#include "proxy.h"

using namespace lmc;
using namespace lmc::test;

namespace {

// On TCP the skewed writes have a connection of their own.
constexpr Listen kBothSockets[] = {Listen::Unix, Listen::Tcp};

std::string keyOf(std::size_t index) { return "k" + std::to_string(index); }

// A mix in which neighbours have different answers, so that an answer given to the wrong request shows. Each
// request has a key of its own, prepared by prepare().
void addMixed(Batch& batch, std::size_t index) {
  const std::string key = keyOf(index);
  switch (index % 8) {
    case 0:
      batch.add(Op::Set, key, "set" + key);
      break;
    case 1:
      batch.add(Op::Add, key, "never");  // exists
      break;
    case 2:
      batch.add(Op::Delete, key);  // missing
      break;
    case 3:
      batch.add(Op::Append, key, "+" + key);
      break;
    case 4:
      batch.add(Op::Touch, key);  // missing
      break;
    case 5:
      batch.add(Op::Replace, key, "new" + key);
      break;
    case 6:
      batch.add(Op::Cas, key, "never", 1);  // another token
      break;
    case 7:
      batch.add(Op::Add, key, "added" + key);
      break;
  }
}

bool isPrepared(std::size_t index) {
  return index % 8 == 1 || index % 8 == 3 || index % 8 == 5 || index % 8 == 6;
}

void prepare(Exchange& exchange, std::size_t count) {
  exchange.one(Op::Flush, "");
  Batch batch;
  for (std::size_t index = 0; index < count; ++index) {
    if (isPrepared(index)) batch.add(Op::Set, keyOf(index), "old");
  }
  exchange.run(batch);
}

std::int32_t expectedStatus(std::size_t index) {
  switch (index % 8) {
    case 1:
    case 6:
      return MEMCACHED_DATA_EXISTS;
    case 2:
    case 4:
      return MEMCACHED_NOTFOUND;
    default:
      return MEMCACHED_SUCCESS;
  }
}

// Before and after: what the key of a request holds if it was applied, and if not. Empty: nothing there.
std::string valueAfter(std::size_t index, bool applied) {
  const std::string key = keyOf(index);
  switch (index % 8) {
    case 0:
      return applied ? "set" + key : "";
    case 3:
      return applied ? "old+" + key : "old";
    case 5:
      return applied ? "new" + key : "old";
    case 7:
      return applied ? "added" + key : "";
    default:
      return isPrepared(index) ? "old" : "";
  }
}

// How many of the answers to a mixed batch are not true, going by what the server holds now.
int liesOf(Answers& answers, Exchange& direct, std::size_t count) {
  int lies = answers.complete(count) ? 0 : 1000;
  Batch reads;
  for (std::size_t index = 0; index < count; ++index) reads.add(Op::Get, keyOf(index));
  direct.run(reads);
  for (std::uint32_t index = 0; index < count; ++index) {
    const Answer& answer = answers[index];
    const std::string& now = direct.answers[index].value;
    const bool applied = now == valueAfter(index, true);
    const bool notApplied = now == valueAfter(index, false);
    if (!applied && !notApplied) ++lies;
    if (answer.outcome == Outcome::Definite && answer.status != expectedStatus(index)) ++lies;
    if (answer.outcome == Outcome::Definite && !applied) ++lies;
    if (answer.outcome == Outcome::NotSent && !notApplied) ++lies;
    if (answer.outcome != Outcome::Definite && answer.status == MEMCACHED_SUCCESS) ++lies;
  }
  return lies;
}

}  // namespace

TEST_CASE("pipeline: each kind of write with each of its answers") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec()));
  CHECK(exchange.one(Op::Set, "k", "v").status == MEMCACHED_SUCCESS);
  CHECK(exchange.get("k") == "v");
  CHECK(exchange.one(Op::Add, "k", "other").status == MEMCACHED_DATA_EXISTS);
  CHECK(exchange.one(Op::Add, "new", "v").status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Replace, "k", "w").status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Replace, "missing", "w").status == MEMCACHED_NOTFOUND);
  CHECK(exchange.one(Op::Append, "k", ">").status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Prepend, "k", "<").status == MEMCACHED_SUCCESS);
  CHECK(exchange.get("k") == "<w>");
  CHECK(exchange.one(Op::Append, "missing", ">").status == MEMCACHED_NOTSTORED);
  CHECK(exchange.one(Op::Prepend, "missing", "<").status == MEMCACHED_NOTSTORED);
  const std::uint64_t token = exchange.one(Op::Gets, "k").number;
  CHECK(exchange.one(Op::Cas, "k", "cas", token).status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Cas, "k", "cas", token).status == MEMCACHED_DATA_EXISTS);
  CHECK(exchange.one(Op::Cas, "missing", "cas", token).status == MEMCACHED_NOTFOUND);
  CHECK(exchange.one(Op::Touch, "k").status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Touch, "missing").status == MEMCACHED_NOTFOUND);
  CHECK(exchange.one(Op::Delete, "k").status == MEMCACHED_SUCCESS);
  CHECK(exchange.one(Op::Delete, "k").status == MEMCACHED_NOTFOUND);
  exchange.one(Op::Set, "n", "10");
  CHECK(exchange.one(Op::Incr, "n", "", 5).number == 15);
  CHECK(exchange.one(Op::Decr, "n", "", 20).number == 0);
  CHECK(exchange.one(Op::Incr, "missing", "", 1).status == MEMCACHED_NOTFOUND);
  CHECK(exchange.one(Op::IncrInitial, "m", "", 1, 1ull << 40).number == 1ull << 40);
  CHECK(exchange.one(Op::IncrInitial, "m", "", 1ull << 41, 0).number == (1ull << 40) + (1ull << 41));
  CHECK(exchange.one(Op::DecrInitial, "d", "", 1, 7).number == 7);
  CHECK(exchange.one(Op::DecrInitial, "d", "", 2, 7).number == 5);
  CHECK(exchange.one(Op::Incr, "m", "", UINT64_MAX).number == (1ull << 40) + (1ull << 41) - 1);  // wraps
}

TEST_CASE("pipeline: expiry and flags arrive") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec()));
  Batch batch;
  for (int index = 0; index < 20; ++index) {
    Request& request =
        batch.add(index % 2 == 0 ? Op::Set : Op::Add, keyOf(static_cast<std::size_t>(index)), "v");
    request.flags = 0xffff0000u + static_cast<std::uint32_t>(index) * 16;
    request.expiry = index < 10 ? 0 : 2592001;  // a time that is long over
  }
  exchange.run(batch);
  for (std::uint32_t index = 0; index < 20; ++index) {
    CHECK(exchange.answers[index].status == MEMCACHED_SUCCESS);
  }
  for (std::uint32_t index = 0; index < 20; ++index) {
    const Answer answer = exchange.one(Op::Get, keyOf(index));
    CHECK(answer.status == (index < 10 ? MEMCACHED_SUCCESS : MEMCACHED_NOTFOUND));
    if (index < 10) CHECK(answer.flags == 0xffff0000u + index * 16);
  }
}

TEST_CASE("pipeline: a mix of all writes has every answer at its request") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    Exchange exchange(configFor(server.spec()));
    for (const std::size_t count : {1u, 2u, 3u, 4u, 5u, 8u, 17u, 64u, 256u, 257u, 2000u}) {
      prepare(exchange, count);
      Batch batch;
      for (std::size_t index = 0; index < count; ++index) addMixed(batch, index);
      for (const Contact contact : exchange.run(batch)) CHECK(contact == Contact::Answered);
      Exchange direct(configFor(server.spec()));
      CHECK(liesOf(exchange.answers, direct, count) == 0);
      for (std::uint32_t index = 0; index < count; ++index)
        CHECK(exchange.answers[index].outcome == Outcome::Definite);
    }
  }
}

TEST_CASE("pipeline: starting with any kind of write") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    Exchange exchange(configFor(server.spec()));
    Exchange direct(configFor(server.spec()));
    for (std::size_t start = 0; start < 8; ++start) {
      prepare(exchange, 60);
      // Rotated: the first call decides whether the skew is primed.
      Batch batch;
      std::vector<std::size_t> indices;
      for (std::size_t at = 0; at < 40; ++at) {
        indices.push_back(start + at);
        addMixed(batch, indices.back());
      }
      exchange.run(batch);
      REQUIRE(exchange.answers.complete(40));
      for (std::uint32_t slot = 0; slot < 40; ++slot)
        CHECK(exchange.answers[slot].status == expectedStatus(indices[slot]));
    }
  }
}

TEST_CASE("pipeline: only misses and only one kind at a time") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    Exchange exchange(configFor(server.spec()));
    for (const Op op :
         {Op::Delete, Op::Touch, Op::Replace, Op::Append, Op::Prepend, Op::Cas, Op::Incr, Op::Decr}) {
      for (const std::size_t count : {1u, 3u, 50u, 300u}) {
        Batch batch;
        for (std::size_t index = 0; index < count; ++index)
          batch.add(op, "none" + std::to_string(index), "v", 3);
        exchange.run(batch);
        REQUIRE(exchange.answers.complete(count));
        const bool appends = op == Op::Append || op == Op::Prepend;
        for (std::uint32_t slot = 0; slot < count; ++slot)
          CHECK(exchange.answers[slot].status == (appends ? MEMCACHED_NOTSTORED : MEMCACHED_NOTFOUND));
      }
    }
  }
}

TEST_CASE("pipeline: writes to one key are applied in the order of the calls") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    Exchange exchange(configFor(server.spec()));
    Batch batch;
    batch.add(Op::Set, "k", "0");
    std::string expected = "0";
    for (int index = 1; index < 1500; ++index) {
      const std::string part = "," + std::to_string(index);
      if (index % 100 == 0) {
        batch.add(Op::Set, "k", part);
        expected = part;
      } else if (index % 3 == 0) {
        batch.add(Op::Prepend, "k", part);
        expected = part + expected;
      } else {
        batch.add(Op::Append, "k", part);
        expected += part;
      }
    }
    exchange.run(batch);
    REQUIRE(exchange.answers.complete(1500));
    CHECK(exchange.get("k") == expected);
  }
}

TEST_CASE("pipeline: every counter gets its own number") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    Exchange exchange(configFor(server.spec()));
    for (const std::size_t count : {2u, 3u, 4u, 5u, 64u, 65u, 1000u}) {
      exchange.one(Op::Flush, "");
      Batch batch;
      for (std::size_t index = 0; index < count; ++index) {
        switch (index % 4) {
          case 0:
            batch.add(Op::IncrInitial, keyOf(index), "", 1).initial = (1ull << 33) + index;
            break;
          case 1:
            batch.add(Op::IncrInitial, "shared", "", 2).initial = 1;
            break;
          case 2:
            batch.add(Op::Incr, "missing", "", 1);
            break;
          case 3:
            batch.add(Op::DecrInitial, keyOf(index), "", 1).initial = index;
            break;
        }
      }
      exchange.run(batch);
      REQUIRE(exchange.answers.complete(count));
      std::uint64_t shared = 1;
      for (std::uint32_t slot = 0; slot < count; ++slot) {
        const Answer& answer = exchange.answers[slot];
        CHECK(answer.status == (slot % 4 == 2 ? MEMCACHED_NOTFOUND : MEMCACHED_SUCCESS));
        if (slot % 4 == 0) CHECK(answer.number == (1ull << 33) + slot);
        if (slot % 4 == 1) CHECK(answer.number == std::exchange(shared, shared + 2));
        if (slot % 4 == 3) CHECK(answer.number == slot);
      }
    }
  }
}

TEST_CASE("pipeline: a batch says the same as its requests one by one") {
  MemcachedServer together({}, Listen::Tcp);
  MemcachedServer apart;
  Exchange batched(configFor(together.spec()));
  Exchange single(configFor(apart.spec()));
  std::mt19937 random(31);
  std::size_t different = 0;
  for (int round = 0; round < 60; ++round) {
    Batch batch;
    std::vector<Answer> expected;
    const std::size_t count = 1 + random() % 300;
    for (std::size_t index = 0; index < count; ++index) {
      const auto op = static_cast<Op>(random() % 14);
      // Counters have keys of their own, or a number that is not one would close the connection.
      const std::string key = (isCounter(op) ? "n" : "k") + std::to_string(random() % 30);
      const std::string value = "v" + std::to_string(random() % 1000);
      const std::uint64_t number = op == Op::Cas ? 1 : random() % 100;
      const std::uint64_t initial = random() % 1000;
      batch.add(op, key, value, number).initial = initial;
      expected.push_back(single.one(op, key, value, number, initial));
    }
    batched.run(batch);
    if (!batched.answers.complete(count)) different += 1000;
    for (std::uint32_t slot = 0; slot < count; ++slot) {
      const Answer& answer = batched.answers[slot];
      if (answer.status != expected[slot].status || answer.value != expected[slot].value) ++different;
      if (isCounter(batch[slot].op) && answer.status == 0 && answer.number != expected[slot].number)
        ++different;
    }
  }
  CHECK(different == 0);
}

TEST_CASE("pipeline: a value over the limit fails alone") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec()));
  const std::string large(1100000, 'x');  // the limit is 1 MiB
  for (const Op op : {Op::Set, Op::Add}) {
    exchange.one(Op::Flush, "");
    Batch batch;
    for (std::size_t index = 0; index < 40; ++index)
      batch.add(op, keyOf(index), index % 20 == 7 ? large : "small");
    exchange.run(batch);
    REQUIRE(exchange.answers.complete(40));
    for (std::uint32_t slot = 0; slot < 40; ++slot) {
      CHECK(exchange.answers[slot].status == (slot % 20 == 7 ? MEMCACHED_E2BIG : MEMCACHED_SUCCESS));
      CHECK(exchange.answers[slot].outcome == Outcome::Definite);
    }
    for (std::size_t index = 0; index < 40; ++index)
      CHECK(exchange.get(keyOf(index)) == (index % 20 == 7 ? "" : "small"));
  }
}

TEST_CASE("pipeline: large values in large batches do not deadlock") {
  for (const Listen listen : {Listen::Unix, Listen::Tcp}) {
    MemcachedServer server({"-m", "256"}, listen);
    Exchange exchange(configFor(server.spec()));
    const std::string large(200000, 'L');
    Batch batch;
    for (std::size_t index = 0; index < 400; ++index)
      batch.add(index % 2 == 0 ? Op::Set : Op::Add, keyOf(index), index % 4 < 2 ? large : "s");
    const double started = nowMs();
    exchange.run(batch, 20000);
    CHECK(nowMs() - started < 15000);
    REQUIRE(exchange.answers.complete(400));
    for (std::uint32_t slot = 0; slot < 400; ++slot)
      CHECK(exchange.answers[slot].status == MEMCACHED_SUCCESS);
  }
}

TEST_CASE("pipeline: a step full of small values does not deadlock") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    Exchange exchange(configFor(server.spec()));
    for (const Op op : {Op::Set, Op::Delete}) {
      Batch batch;
      for (std::uint32_t index = 0; index < Planner::kMaxWrites; ++index) batch.add(op, keyOf(index), "v");
      exchange.run(batch, 2000);
      REQUIRE(exchange.answers.complete(Planner::kMaxWrites));
      for (std::uint32_t slot = 0; slot < Planner::kMaxWrites; ++slot)
        CHECK(exchange.answers[slot].status == MEMCACHED_SUCCESS);
    }
  }
}

TEST_CASE("pipeline: a server out of memory says so and the others are told the truth") {
  // The second: more than may be left unread, so that the connection breaks while there is more to write.
  for (const auto& [count, size] : {std::pair{120u, 100000u}, std::pair{1000u, 12000u}}) {
    CAPTURE(count);
    MemcachedServer server({"-M", "-m", "8"});
    Exchange exchange(configFor(server.spec()));
    Exchange direct(configFor(server.spec()));
    const std::string large(size, 'x');
    Batch batch;
    for (std::size_t index = 0; index < count; ++index) batch.add(Op::Set, keyOf(index), large);
    exchange.run(batch, 5000);
    REQUIRE(exchange.answers.complete(count));
    std::size_t stored = 0;
    int lies = 0;
    for (std::uint32_t slot = 0; slot < count; ++slot) {
      const Answer& answer = exchange.answers[slot];
      const bool there = direct.one(Op::Get, keyOf(slot)).status == MEMCACHED_SUCCESS;
      if (answer.status == MEMCACHED_SUCCESS) ++stored;
      if ((answer.status == MEMCACHED_SUCCESS) != there && answer.outcome == Outcome::Definite) ++lies;
      if (there && answer.outcome == Outcome::NotSent) ++lies;
    }
    CHECK(lies == 0);
    CHECK(stored > 0);
    CHECK(stored < count);
    CHECK(exchange.one(Op::Get, "missing").status == MEMCACHED_NOTFOUND);  // and goes on
  }
}

TEST_CASE("pipeline: counters that reach the largest number there is") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec()));
  for (const std::size_t count : {1u, 3u, 40u}) {
    Batch prepared;
    for (std::size_t index = 0; index < count; ++index)
      prepared.add(Op::Set, keyOf(index), std::to_string(UINT64_MAX - index % 3));
    exchange.run(prepared);
    Batch batch;
    for (std::size_t index = 0; index < count; ++index) batch.add(Op::Incr, keyOf(index), "", index % 3);
    exchange.run(batch);
    REQUIRE(exchange.answers.complete(count));
    for (std::uint32_t slot = 0; slot < count; ++slot) {
      CHECK(exchange.answers[slot].status == MEMCACHED_SUCCESS);
      CHECK(exchange.answers[slot].number == UINT64_MAX);
    }
  }
}

TEST_CASE("pipeline: a counter that is not a number spoils no answer of the others") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    Exchange exchange(configFor(server.spec()));
    Exchange direct(configFor(server.spec()));
    for (const std::size_t count : {1u, 2u, 3u, 4u, 10u, 64u, 200u}) {
      for (const std::size_t poison : {std::size_t{0}, count / 2, count - 1}) {
        Batch prepared;
        for (std::size_t index = 0; index < count; ++index)
          prepared.add(Op::Set, keyOf(index), index == poison ? "text" : std::to_string(1000 * index));
        direct.run(prepared);
        Batch batch;
        for (std::size_t index = 0; index < count; ++index) batch.add(Op::Incr, keyOf(index), "", index + 1);
        exchange.run(batch);
        REQUIRE(exchange.answers.complete(count));
        for (std::uint32_t slot = 0; slot < count; ++slot) {
          const Answer& answer = exchange.answers[slot];
          const std::string now = direct.get(keyOf(slot));
          const std::uint64_t applied = 1000ull * slot + slot + 1;
          if (slot == poison) {
            CHECK(answer.status != MEMCACHED_SUCCESS);
            CHECK(now == "text");
            continue;
          }
          if (answer.status == MEMCACHED_SUCCESS) {
            CHECK(answer.number == applied);
            CHECK(now == std::to_string(applied));
          } else {
            CHECK(answer.outcome != Outcome::Definite);
            if (answer.outcome == Outcome::NotSent) CHECK(now == std::to_string(1000ull * slot));
          }
        }
        // Other runs are not touched.
        CHECK(exchange.one(Op::Set, "after", "fine").status == MEMCACHED_SUCCESS);
      }
    }
  }
}

TEST_CASE("pipeline: a counter that is not a number does not keep those behind it from being sent") {
  MemcachedServer server;
  Exchange direct(configFor(server.spec()));
  for (const Op op : {Op::Incr, Op::IncrInitial}) {
    for (const std::size_t poison : {0u, 10u, 63u, 64u, 199u}) {
      Exchange exchange(configFor(server.spec()));
      for (int round = 0; round < 3; ++round) {
        Batch prepared;
        for (std::size_t index = 0; index < 200; ++index)
          prepared.add(Op::Set, keyOf(index), index == poison ? "text" : "1000");
        direct.run(prepared);
        Batch batch;
        for (std::size_t index = 0; index < 200; ++index) batch.add(op, keyOf(index), "", 1);
        exchange.run(batch);
        REQUIRE(exchange.answers.complete(200));
        std::size_t spoiled = 0;
        for (std::uint32_t slot = 0; slot < 200; ++slot) {
          const Answer& answer = exchange.answers[slot];
          if (slot == poison || answer.status == MEMCACHED_SUCCESS) continue;
          CHECK(answer.outcome == Outcome::Unknown);
          ++spoiled;
        }
        // After the first time they are sent one by one for a while.
        CHECK(spoiled <= (round == 0 ? 64u : 0u));
        const Answer& refused = exchange.answers[static_cast<std::uint32_t>(poison)];
        if (round > 0) CHECK(refused.outcome == Outcome::Definite);
        CHECK(refused.status != MEMCACHED_SUCCESS);
      }
    }
  }
}

TEST_CASE("pipeline: more than 2^30 bytes of writes in one step") {
  // Not stored: refused as too large, after they were read.
  MemcachedServer server({"-m", "64"});
  Exchange exchange(configFor(server.spec()));
  const std::string value(std::size_t{5} << 20, 'v');
  Batch batch;
  for (std::size_t index = 0; index < 220; ++index) batch.add(Op::Set, keyOf(index), value);
  exchange.run(batch, 60000);
  REQUIRE(exchange.answers.complete(220));
  for (std::uint32_t slot = 0; slot < 220; ++slot) {
    CHECK(exchange.answers[slot].outcome == Outcome::Definite);
    CHECK(exchange.answers[slot].status == MEMCACHED_E2BIG);
  }
}

TEST_CASE("pipeline: a counter that is not a number alone is a definite failure") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec()));
  exchange.one(Op::Set, "text", "not a number");
  for (const Op op : {Op::Incr, Op::Decr, Op::IncrInitial, Op::DecrInitial}) {
    const Answer answer = exchange.one(op, "text", "", 1);
    CHECK(answer.status != MEMCACHED_SUCCESS);
    CHECK(answer.status != MEMCACHED_NOTFOUND);
    CHECK(answer.outcome == Outcome::Definite);
  }
}

TEST_CASE("pipeline: requests given up are not sent and the others keep their answers") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    Exchange exchange(configFor(server.spec()));
    Exchange direct(configFor(server.spec()));
    prepare(direct, 400);
    SlotTable slots;
    Batch batch;
    for (std::uint32_t slot = 0; slot < 400; ++slot) {
      addMixed(batch, slot);
      batch[slot].claim = slots.open(slot);
      if (slot % 3 == 1) slots.cancel(slot);
      if (slot % 3 == 2) batch[slot].deadline = nowMs() - 1;
    }
    exchange.run(batch);
    CHECK(liesOf(exchange.answers, direct, 400) == 0);
    for (std::uint32_t slot = 0; slot < 400; ++slot) {
      if (slot % 3 == 1) CHECK(exchange.answers[slot].status == status::kCancelled);
      if (slot % 3 == 2) CHECK(exchange.answers[slot].status == status::kExpired);
      if (slot % 3 == 0) CHECK(exchange.answers[slot].status == expectedStatus(slot));
    }
  }
}

TEST_CASE("pipeline: cut at any byte of the answers nobody is told a lie") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    CuttingProxy proxy(server.spec());
    Exchange direct(configFor(server.spec()));
    Exchange exchange(configFor(proxy.spec()));
    int lies = 0;
    int unknown = 0;
    for (std::size_t cut = 1; cut < 2200; cut += 23) {
      prepare(direct, 80);
      proxy.never();
      exchange.get("connect");
      proxy.cutAfterAnswers(cut);
      Batch batch;
      for (std::size_t index = 0; index < 80; ++index) addMixed(batch, index);
      exchange.run(batch, 3000);
      lies += liesOf(exchange.answers, direct, 80);
      for (std::uint32_t slot = 0; slot < 80; ++slot)
        unknown += exchange.answers[slot].outcome == Outcome::Unknown;
    }
    CHECK(lies == 0);
    CHECK(unknown > 0);
  }
}

TEST_CASE("pipeline: cut at any byte of the requests nobody is told a lie") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    CuttingProxy proxy(server.spec());
    Exchange direct(configFor(server.spec()));
    Exchange exchange(configFor(proxy.spec()));
    int lies = 0;
    int unknown = 0;
    for (std::size_t cut = 1; cut < 3200; cut += 37) {
      prepare(direct, 80);
      proxy.never();
      exchange.get("connect");
      proxy.cutAfterRequests(cut);
      Batch batch;
      for (std::size_t index = 0; index < 80; ++index) addMixed(batch, index);
      exchange.run(batch, 3000);
      // The server may still be at what passed before the cut.
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      lies += liesOf(exchange.answers, direct, 80);
      for (std::uint32_t slot = 0; slot < 80; ++slot)
        unknown += exchange.answers[slot].outcome == Outcome::Unknown;
    }
    CHECK(lies == 0);
    CHECK(unknown > 0);
  }
}

TEST_CASE("pipeline: counters cut at any byte keep their numbers") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    CuttingProxy proxy(server.spec());
    Exchange direct(configFor(server.spec()));
    Exchange exchange(configFor(proxy.spec()));
    int lies = 0;
    for (std::size_t cut = 1; cut < 1500; cut += 13) {
      direct.one(Op::Flush, "");
      Batch prepared;
      for (std::size_t index = 0; index < 30; ++index)
        prepared.add(Op::Set, keyOf(index), std::to_string(index * 1000));
      direct.run(prepared);
      proxy.never();
      exchange.get("connect");
      proxy.cutAfterAnswers(cut);
      Batch batch;
      for (std::size_t index = 0; index < 30; ++index) batch.add(Op::Incr, keyOf(index), "", 7);
      exchange.run(batch, 3000);
      if (!exchange.answers.complete(30)) ++lies;
      for (std::uint32_t slot = 0; slot < 30; ++slot) {
        const Answer& answer = exchange.answers[slot];
        const std::string now = direct.get(keyOf(slot));
        const bool applied = now == std::to_string(slot * 1000 + 7);
        if (answer.outcome == Outcome::Definite &&
            (answer.status != 0 || answer.number != slot * 1000 + 7 || !applied))
          ++lies;
        if (answer.outcome == Outcome::NotSent && applied) ++lies;
      }
    }
    CHECK(lies == 0);
  }
}

TEST_CASE("pipeline: a server stopped in the middle and continued later has not been lied about") {
  for (const Listen listen : kBothSockets) {
    for (int round = 0; round < 5; ++round) {
      MemcachedServer server({}, listen);
      Exchange direct(configFor(server.spec()));
      prepare(direct, 800);
      Exchange exchange(configFor(server.spec()));
      exchange.get("connect");
      std::thread stopper([&] {
        std::this_thread::sleep_for(std::chrono::microseconds(100 + round * 300));
        server.suspend();
      });
      Batch batch;
      for (std::size_t index = 0; index < 800; ++index) addMixed(batch, index);
      exchange.run(batch, 100);
      stopper.join();
      server.resume();
      std::this_thread::sleep_for(
          std::chrono::milliseconds(20));  // it does what it was sent before it stopped
      CHECK(liesOf(exchange.answers, direct, 800) == 0);
      // And no later request reads an answer that came too late.
      exchange.one(Op::Set, "later", "value");
      CHECK(exchange.get("later") == "value");
    }
  }
}

TEST_CASE("pipeline: a server that is silent from the start leaves nothing definite") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    Exchange direct(configFor(server.spec()));
    prepare(direct, 100);
    Exchange exchange(configFor(server.spec()));
    exchange.get("connect");
    server.suspend();
    Batch batch;
    for (std::size_t index = 0; index < 100; ++index) addMixed(batch, index);
    const double started = nowMs();
    const auto contacts = exchange.run(batch, 100);
    CHECK(nowMs() - started < 2000);
    CHECK(contacts.front() == Contact::Failed);
    for (std::uint32_t slot = 0; slot < 100; ++slot)
      CHECK(exchange.answers[slot].outcome != Outcome::Definite);
    server.resume();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(liesOf(exchange.answers, direct, 100) == 0);
  }
}

TEST_CASE(
    "pipeline: a server killed in the middle answers everything once and nothing that it does not hold") {
  for (const Listen listen : kBothSockets) {
    for (int round = 0; round < 6; ++round) {
      MemcachedServer server({}, listen);
      Exchange exchange(configFor(server.spec()));
      prepare(exchange, 2000);
      std::thread killer([&] {
        std::this_thread::sleep_for(std::chrono::microseconds(200 + round * 700));
        server.kill();
      });
      Batch batch;
      for (std::size_t index = 0; index < 2000; ++index) addMixed(batch, index);
      exchange.run(batch, 1000);
      killer.join();
      REQUIRE(exchange.answers.complete(2000));
      int wrong = 0;
      for (std::uint32_t slot = 0; slot < 2000; ++slot) {
        const Answer& answer = exchange.answers[slot];
        if (answer.outcome == Outcome::Definite && answer.status != expectedStatus(slot)) ++wrong;
        if (answer.outcome != Outcome::Definite && answer.status >= 0 &&
            !memcached_fatal(static_cast<memcached_return_t>(answer.status)))
          ++wrong;
      }
      CHECK(wrong == 0);
      server.start();
      exchange.get(
          "connect");  // all may have been answered before the kill: a read notices and connects anew
      CHECK(exchange.one(Op::Add, "k1", "again").status == MEMCACHED_SUCCESS);
      CHECK(exchange.get("k1") == "again");
    }
  }
}

TEST_CASE("pipeline: a server that restarted gets the writes after it") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec()));
  CHECK(exchange.one(Op::Set, "a", "1").status == MEMCACHED_SUCCESS);
  server.start();
  const Answer stale = exchange.one(Op::Set, "a", "2");
  if (stale.status != MEMCACHED_SUCCESS) CHECK(stale.outcome != Outcome::Definite);
  CHECK(exchange.one(Op::Set, "a", "3").status == MEMCACHED_SUCCESS);
  CHECK(exchange.get("a") == "3");
}

TEST_CASE("pipeline: the keys of the caller under a namespace and binary ones") {
  MemcachedServer server;
  auto config = configFor(server.spec());
  config->keyNamespace = "ns:";
  Exchange exchange(config);
  Batch batch;
  for (std::size_t index = 0; index < 100; ++index)
    batch.add(index % 2 == 0 ? Op::Set : Op::Add, std::string("\0\r\n ", 4) + std::to_string(index),
              keyOf(index));
  exchange.run(batch);
  for (std::uint32_t slot = 0; slot < 100; ++slot) CHECK(exchange.answers[slot].status == MEMCACHED_SUCCESS);
  Exchange direct(configFor(server.spec()));
  CHECK(direct.get(std::string("ns:\0\r\n 7", 8)) == keyOf(7));
}

namespace {

// Whether the process lived through it: in a child, since libmemcached's assertions end it.
template <typename Work>
bool survives(Work work) {
  std::cout.flush();  // or the child writes it, too
  const pid_t child = fork();
  if (child == 0) {
    const int null = open("/dev/null", O_RDWR);
    dup2(null, STDERR_FILENO);
    for (const int signal : {SIGABRT, SIGSEGV})
      std::signal(signal, SIG_DFL);  // doctest's would report it twice
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("pipeline: writes on a connection that is reset do not abort the process") {
  for (const Listen listen : kBothSockets) {
    MemcachedServer server({}, listen);
    for (const Op op :
         {Op::Set, Op::Delete, Op::Touch, Op::Add, Op::Append, Op::Cas, Op::Incr, Op::IncrInitial}) {
      for (const std::size_t count : {std::size_t{1}, std::size_t{40}}) {
        CAPTURE(static_cast<int>(op));
        CAPTURE(count);
        CHECK(survives([&] {
          CuttingProxy proxy(server.spec());
          Exchange exchange(configFor(proxy.spec()));
          for (std::size_t cut = 1; cut < 1500; cut += 31) {
            exchange.get("connect");
            proxy.cutAfterRequests(cut);
            Batch batch;
            for (std::size_t index = 0; index < count; ++index) batch.add(op, keyOf(index), "value", 1);
            exchange.run(batch, 2000);
          }
        }));
      }
    }
  }
}

TEST_CASE("pipeline: writes to a server that is killed meanwhile do not abort the process") {
  for (const Listen listen : kBothSockets) {
    for (const Op op : {Op::Set, Op::Delete, Op::Touch, Op::Add, Op::Incr}) {
      CAPTURE(static_cast<int>(op));
      MemcachedServer server({}, listen);
      for (int round = 0; round < 5; ++round) {
        std::thread killer([&] {
          std::this_thread::sleep_for(std::chrono::milliseconds(3 + 3 * round));
          server.kill();
        });
        const bool lived = survives([&] {
          Exchange exchange(configFor(server.spec()));
          for (int turn = 0; turn < 40; ++turn) {
            Batch batch;
            for (std::size_t index = 0; index < 200; ++index) batch.add(op, keyOf(index), "value", 1);
            exchange.run(batch, 1000);
          }
        });
        killer.join();
        CHECK(lived);
        server.start();
      }
    }
  }
}
