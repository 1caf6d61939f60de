#include "core/slot_table.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "requests.h"

using namespace lmc;
using namespace lmc::test;

TEST_CASE("slot table: a slot stands for its request until it is closed") {
  SlotTable slots;
  const auto request = makeRequest(Op::Get, "k", {}, 3);
  CHECK(slots.at(3) == nullptr);
  slots.open(*request);
  CHECK(slots.at(3) == request.get());
  CHECK(slots.at(2) == nullptr);
  slots.close(3);
  CHECK(slots.at(3) == nullptr);
}

TEST_CASE("slot table: a slot that was never opened stands for nothing") {
  SlotTable slots;
  CHECK(slots.at(0) == nullptr);
  CHECK(slots.at(kNoSlot) == nullptr);
}

TEST_CASE("slot table: grows and forgets nothing") {
  SlotTable slots;
  std::vector<std::unique_ptr<Request>> requests;
  for (std::uint32_t slot = 0; slot < 3000; slot += slot % 7 + 1) {
    requests.push_back(makeRequest(Op::Get, "k", {}, slot));
    slots.open(*requests.back());
  }
  const auto far = makeRequest(Op::Get, "k", {}, 100'000);
  slots.open(*far);
  for (const auto& request : requests) CHECK(slots.at(request->slot) == request.get());
  CHECK(slots.at(100'000) == far.get());
}

TEST_CASE("slot table: a slot is used again") {
  SlotTable slots;
  const auto first = makeRequest(Op::Get, "k", {}, 0);
  const auto second = makeRequest(Op::Get, "k", {}, 0);
  slots.open(*first);
  slots.close(0);
  slots.open(*second);
  CHECK(slots.at(0) == second.get());
}
