#include "core/planner.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "batch.h"
#include "model.h"

using namespace lmc;
using namespace lmc::test;

namespace {

// A plan as text: "F a+2 b | S c | K d | C n | A", where +2 are two more that wait for the same key.
std::string shapeOf(const Plan& plan, std::span<const Request> requests) {
  std::string shape;
  for (const Step& step : plan.steps) {
    if (!shape.empty()) shape += " | ";
    shape += "FSKCA"[static_cast<int>(step.kind)];
    for (const std::uint32_t head : plan.of(step)) {
      if (requests[head].keyLength > 0) shape += " " + std::string(requests[head].keyView());
      int more = 0;
      for (std::uint32_t index = plan.nextSame[head]; index != kNone; index = plan.nextSame[index]) ++more;
      if (more > 0) shape += "+" + std::to_string(more);
    }
  }
  return shape;
}

std::string planned(Batch& batch) {
  Planner planner;
  const Plan& plan = planner.plan(batch.view());
  CHECK(faultOfMeaning(plan, batch.view()) == "");
  return shapeOf(plan, batch.view());
}

}  // namespace

TEST_CASE("planner: no requests make no steps") {
  Batch batch;
  CHECK(planned(batch) == "");
}

TEST_CASE("planner: one request is one step of its kind") {
  const std::pair<Op, const char*> kinds[] = {
      {Op::Get, "F k"},     {Op::Gets, "F k"},      {Op::Delete, "S k"},      {Op::Touch, "K k"},
      {Op::Set, "S k"},     {Op::Add, "K k"},       {Op::Replace, "K k"},     {Op::Append, "K k"},
      {Op::Prepend, "K k"}, {Op::Cas, "K k"},       {Op::Incr, "C k"},        {Op::Decr, "C k"},
      {Op::Flush, "A k"},   {Op::Stats, "A k"},     {Op::IncrInitial, "C k"}, {Op::DecrInitial, "C k"},
      {Op::Version, "A k"}, {Op::Configure, "A k"}, {Op::Disconnect, "A k"}};
  for (const auto& [op, shape] : kinds) {
    Batch batch;
    batch.add(op, "k");
    CHECK(planned(batch) == shape);
  }
}

TEST_CASE("planner: different keys are gathered by kind") {
  Batch batch;
  batch.add(Op::Incr, "n");
  batch.add(Op::Set, "s1");
  batch.add(Op::Get, "g1");
  batch.add(Op::Delete, "s2");
  batch.add(Op::Get, "g2");
  batch.add(Op::Decr, "m");
  CHECK(planned(batch) == "F g1 g2 | S s1 s2 | C n m");
}

TEST_CASE("planner: a key wanted by several is fetched once") {
  Batch batch;
  batch.add(Op::Get, "a");
  batch.add(Op::Get, "b");
  batch.add(Op::Gets, "a");
  batch.add(Op::Get, "a");
  batch.add(Op::Get, "b");
  CHECK(planned(batch) == "F a+2 b+1");
}

TEST_CASE("planner: reads see exactly the writes that were called before them") {
  Batch batch;
  batch.add(Op::Get, "k");
  batch.add(Op::Set, "k", "1");
  batch.add(Op::Get, "k");
  batch.add(Op::Get, "k");
  batch.add(Op::Set, "k", "2");
  batch.add(Op::Get, "k");
  CHECK(planned(batch) == "F k | S k | F k+1 | S k | F k");
}

TEST_CASE("planner: writes of different kinds to one key take turns") {
  Batch batch;
  batch.add(Op::Set, "k", "a");
  batch.add(Op::Set, "other", "x");
  batch.add(Op::Append, "k", "b");
  batch.add(Op::Delete, "k");
  batch.add(Op::Add, "k", "c");
  CHECK(planned(batch) == "S k other | K k | S k | K k");
}

TEST_CASE("planner: writes of one kind to one key stay in one step and in order") {
  Batch batch;
  batch.add(Op::Set, "k", "a");
  batch.add(Op::Delete, "k");
  batch.add(Op::Append, "other", "x");
  batch.add(Op::Set, "k", "b");
  batch.add(Op::Prepend, "other", "y");
  CHECK(planned(batch) == "S k k k | K other other");
}

TEST_CASE("planner: a set and a counter of one key take turns") {
  Batch batch;
  batch.add(Op::Set, "n", "1");
  batch.add(Op::Incr, "n", "", 2);
  batch.add(Op::Incr, "n", "", 3);
  batch.add(Op::Set, "n", "10");
  batch.add(Op::Decr, "n", "", 1);
  CHECK(planned(batch) == "S n | C n n | S n | C n");
}

TEST_CASE("planner: an independent key does not wait for a long chain") {
  Batch batch;
  for (int round = 0; round < 5; ++round) {
    batch.add(Op::Set, "chain", std::to_string(round));
    batch.add(Op::Get, "chain");
  }
  batch.add(Op::Get, "free");
  CHECK(planned(batch).starts_with("F free | S chain | F chain | "));
}

TEST_CASE("planner: every mix of three operations on one key keeps its order") {
  const auto last = static_cast<int>(Op::Configure);
  Planner planner;
  int wrong = 0;
  for (int first = 0; first <= last; ++first) {
    for (int second = 0; second <= last; ++second) {
      for (int third = 0; third <= last; ++third) {
        Batch batch;
        batch.add(Op::Set, "k", "7");
        for (const int op : {first, second, third}) batch.add(static_cast<Op>(op), "k", "5", 1);
        batch.add(Op::Gets, "k");
        if (!faultOfMeaning(planner.plan(batch.view()), batch.view()).empty()) ++wrong;
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("planner: nothing passes a barrier") {
  for (const Op barrier : {Op::Flush, Op::Stats, Op::Version, Op::Disconnect, Op::Configure}) {
    Batch batch;
    batch.add(Op::Set, "a", "1");
    batch.add(Op::Get, "b");
    batch.add(barrier);
    batch.add(Op::Get, "a");
    batch.add(Op::Get, "c");
    batch.add(barrier);
    batch.add(barrier);
    batch.add(Op::Set, "c", "2");
    CHECK(planned(batch) == "F b | S a | A | F a c | A | A | S c");
  }
}

TEST_CASE("planner: the same read on both sides of a barrier is two reads") {
  Batch batch;
  batch.add(Op::Get, "a");
  batch.add(Op::Flush);
  batch.add(Op::Get, "a");
  batch.add(Op::Get, "a");
  CHECK(planned(batch) == "F a | A | F a+1");
}

TEST_CASE("planner: barriers alone") {
  Batch batch;
  for (int count = 0; count < 10; ++count) batch.add(Op::Version);
  CHECK(planned(batch) == "A | A | A | A | A | A | A | A | A | A");
}

TEST_CASE("planner: a step is independent while none of its keys was touched by an earlier one") {
  const auto independent = [](Batch& batch) {
    Planner planner;
    std::string text;
    for (const Step& step : planner.plan(batch.view()).steps) text += step.independent ? 'i' : '-';
    return text;
  };
  const auto batchOf = [](std::initializer_list<std::pair<Op, const char*>> operations) {
    Batch batch;
    for (const auto& [op, key] : operations) batch.add(op, key);
    return batch;
  };
  using enum Op;
  Batch disjoint = batchOf({{Get, "a"}, {Set, "b"}, {Append, "c"}, {Incr, "d"}, {Set, "b"}});
  CHECK(independent(disjoint) == "iiii");
  Batch readThenWritten = batchOf({{Get, "a"}, {Set, "b"}, {Set, "a"}});
  CHECK(independent(readThenWritten) == "i-");
  Batch writtenThenRead = batchOf({{Set, "a"}, {Get, "b"}, {Get, "a"}});
  CHECK(independent(writtenThenRead) == "ii-");  // b is fetched first, a when it was set
  Batch barrier = batchOf({{Get, "a"}, {Flush, ""}, {Get, "b"}, {Set, "c"}});
  CHECK(independent(barrier) == "i-ii");
}

TEST_CASE("planner: caps on the number of requests of a step") {
  const std::tuple<Op, std::uint32_t, std::uint32_t> kinds[] = {
      {Op::Get, Planner::kMaxFetchKeys, 5000},
      {Op::Set, Planner::kMaxWrites, 5000},
      {Op::Append, Planner::kMaxWrites, 5000},
      {Op::Incr, Planner::kMaxWrites, 5000},
  };
  for (const auto& [op, cap, count] : kinds) {
    Batch batch;
    for (std::uint32_t index = 0; index < count; ++index) batch.add(op, "k" + std::to_string(index));
    Planner planner;
    const Plan& plan = planner.plan(batch.view());
    REQUIRE(faultOf(plan, batch.view()) == "");
    CHECK(plan.steps.size() == (count + cap - 1) / cap);
    for (std::size_t number = 0; number + 1 < plan.steps.size(); ++number)
      CHECK(plan.steps[number].end - plan.steps[number].begin == cap);
    for (std::uint32_t index = 0; index < count; ++index) REQUIRE(plan.order[index] == index);
  }
}

TEST_CASE("planner: exactly the cap is one step and one more is two") {
  for (const std::uint32_t extra : {0u, 1u}) {
    Batch batch;
    for (std::uint32_t index = 0; index < Planner::kMaxWrites + extra; ++index)
      batch.add(Op::Set, std::to_string(index));
    Planner planner;
    CHECK(planner.plan(batch.view()).steps.size() == 1 + extra);
  }
}

TEST_CASE("planner: duplicates do not count towards the cap") {
  Batch batch;
  for (std::uint32_t index = 0; index < 4096; ++index) batch.add(Op::Get, std::to_string(index % 1024));
  Planner planner;
  const Plan& plan = planner.plan(batch.view());
  CHECK(faultOf(plan, batch.view()) == "");
  CHECK(plan.steps.size() == 1);
}

TEST_CASE("planner: the bytes of the keys of a step are capped") {
  for (const Op op : {Op::Get, Op::Set}) {
    Batch batch;
    for (int index = 0; index < 1000; ++index) {
      std::string key = std::to_string(index);
      key.resize(250, 'x');
      batch.add(op, key);
    }
    Planner planner;
    const Plan& plan = planner.plan(batch.view());
    CHECK(faultOf(plan, batch.view()) == "");
    for (const Step& step : plan.steps) CHECK((step.end - step.begin) * 250 <= Planner::kMaxKeyBytes);
  }
}

TEST_CASE("planner: what goes before each key on the wire counts towards the cap") {
  Batch batch;
  for (int index = 0; index < 1000; ++index) batch.add(Op::Get, "key" + std::to_string(index));
  Planner planner;
  CHECK(planner.plan(batch.view()).steps.size() == 1);
  const Plan& plan = planner.plan(batch.view(), 127);
  CHECK(faultOf(plan, batch.view()) == "");
  for (const Step& step : plan.steps) CHECK((step.end - step.begin) * 127 <= Planner::kMaxKeyBytes);
}

TEST_CASE("planner: a key longer than the cap on bytes still gets a step") {
  Batch batch;
  batch.add(Op::Get, std::string(65535, 'a'));
  batch.add(Op::Get, std::string(65535, 'b'));
  batch.add(Op::Get, "c");
  Planner planner;
  const Plan& plan = planner.plan(batch.view());
  CHECK(faultOf(plan, batch.view()) == "");
  CHECK(plan.steps.size() == 3);
}

TEST_CASE("planner: empty and binary keys are keys like any other") {
  const std::string zeros(3, '\0');
  const std::string fewerZeros(2, '\0');
  Batch batch;
  batch.add(Op::Set, "", "empty");
  batch.add(Op::Set, zeros, "zeros");
  batch.add(Op::Set, fewerZeros, "fewer");
  batch.add(Op::Set, "\xff\xfe\r\n", "bytes");
  batch.add(Op::Get, "");
  batch.add(Op::Get, zeros);
  batch.add(Op::Get, fewerZeros);
  batch.add(Op::Get, "\xff\xfe\r\n");
  batch.add(Op::Get, "");
  Planner planner;
  const Plan& plan = planner.plan(batch.view());
  CHECK(faultOfMeaning(plan, batch.view()) == "");
  REQUIRE(plan.steps.size() == 2);
  CHECK(plan.of(plan.steps[1]).size() == 4);
}

TEST_CASE("planner: one that is used again remembers nothing") {
  Planner planner;
  Batch first;
  for (int index = 0; index < 3000; ++index) first.add(Op::Set, std::to_string(index % 100), "x");
  planner.plan(first.view());
  Batch second;
  second.add(Op::Get, "1");
  second.add(Op::Get, "2");
  CHECK(shapeOf(planner.plan(second.view()), second.view()) == "F 1 2");
  Batch single;
  single.add(Op::Get, "1");
  CHECK(shapeOf(planner.plan(single.view()), single.view()) == "F 1");
  Batch none;
  CHECK(planner.plan(none.view()).steps.empty());
  CHECK(planner.plan(none.view()).order.empty());
}

TEST_CASE("planner: thousands of random batches mean what they meant in the order of the calls") {
  std::mt19937 random(20240607);
  const auto upTo = [&](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
  Planner planner;  // the same for all: what it leaves behind must not matter
  std::string fault;
  for (int round = 0; round < 4000 && fault.empty(); ++round) {
    // Few keys make long chains, many make wide steps; barriers are rare, or there would be nothing else.
    const std::uint32_t keys = 1 + upTo(round % 3 == 0 ? 3 : round % 3 == 1 ? 20 : 400);
    const std::uint32_t count = round % 100 == 0 ? 4096 : upTo(120);
    const std::uint32_t barriers = upTo(3) == 0 ? 40 : 0;
    const bool onlyFew = upTo(4) == 0;
    Batch batch;
    for (std::uint32_t index = 0; index < count; ++index) {
      std::string key = std::to_string(upTo(keys));
      if (key == "0") key.clear();
      if (key == "1") key = std::string("\0\r\n", 3);
      if (barriers > 0 && upTo(barriers) == 0) {
        batch.add(static_cast<Op>(static_cast<std::uint32_t>(Op::Flush) + upTo(5)), "", "", index);
        continue;
      }
      constexpr Op kFew[] = {Op::Get, Op::Gets, Op::Set, Op::Incr, Op::Append};
      const Op op = onlyFew ? kFew[upTo(5)] : static_cast<Op>(upTo(static_cast<std::uint32_t>(Op::Flush)));
      const std::string value = upTo(2) == 0 ? std::to_string(upTo(50)) : "v" + std::to_string(index);
      batch.add(op, key, value, upTo(6)).initial = upTo(100);
    }
    fault = faultOfMeaning(planner.plan(batch.view()), batch.view());
    if (!fault.empty()) fault = "round " + std::to_string(round) + ": " + fault;
  }
  CHECK(fault == "");
}
