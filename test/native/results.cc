#include "core/results.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "requests.h"

using namespace lmc;
using namespace lmc::test;

namespace {

std::string textOf(const CompletionBatch& batch, std::size_t index) {
  const Completion& completion = batch.items[index];
  return batch.bytes.substr(completion.offset, completion.length);
}

}  // namespace

TEST_CASE("results: a request is completed once") {
  SlotTable slots;
  Results results(slots);
  const auto request = makeRequest(Op::Set, "k", "v", 4);
  request->server = 7;
  slots.open(*request);
  Completion* const completion = results.answer(*request, status::kSuccess);
  REQUIRE(completion != nullptr);
  CHECK(completion->slot == 4);
  CHECK(completion->server == 7);
  CHECK(slots.at(4) == nullptr);
  CHECK(results.answer(*request, status::kNotFound) == nullptr);
  results.fail(*request, status::kClosed, Outcome::Unknown, "text");
  const CompletionBatch batch = results.take();
  REQUIRE(batch.items.size() == 1);
  CHECK(batch.items[0].status == status::kSuccess);
  CHECK(batch.bytes.empty());
}

TEST_CASE("results: what nobody waits for leaves no trace") {
  SlotTable slots;
  Results results(slots);
  const auto request = makeRequest(Op::Set, "k", "v");
  results.fail(*request, status::kClosed, Outcome::Unknown, "text");
  CHECK(results.empty());
}

TEST_CASE("results: small values and texts lie one behind the other and large ones alone") {
  SlotTable slots;
  Results results(slots);
  std::uint32_t slot = 0;
  for (const char* value : {"one", "", "three"}) {
    const auto request = makeRequest(Op::Get, "k", {}, slot++);
    slots.open(*request);
    results.attach(*results.answer(*request, status::kSuccess), value);
  }
  const auto large = makeRequest(Op::Get, "k", {}, slot++);
  slots.open(*large);
  char* const memory = static_cast<char*>(std::malloc(5));
  std::memcpy(memory, "large", 5);
  results.attachBlock(*results.answer(*large, status::kSuccess), memory, 5);
  const auto failed = makeRequest(Op::Get, "k", {}, slot++);
  slots.open(*failed);
  results.fail(*failed, 9, Outcome::NotSent, "why");

  CHECK_FALSE(results.empty());
  const CompletionBatch batch = results.take();
  CHECK(results.empty());
  REQUIRE(batch.items.size() == 5);
  CHECK(textOf(batch, 0) == "one");
  CHECK(textOf(batch, 1) == "");
  CHECK(textOf(batch, 2) == "three");
  CHECK(batch.items[3].isBlock);
  CHECK(std::string(batch.blocks[batch.items[3].offset].bytes.get(), batch.items[3].length) == "large");
  CHECK_FALSE(batch.items[4].isBlock);
  CHECK(textOf(batch, 4) == "why");
  CHECK(batch.items[4].outcome == Outcome::NotSent);
}
