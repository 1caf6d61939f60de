#include <doctest/doctest.h>

#include <list>
#include <memory>
#include <random>
#include <vector>

#include "core/request.h"
#include "requests.h"

using namespace lmc;
using namespace lmc::test;

namespace {

std::vector<std::uint32_t> slotsOf(const RequestList& list) {
  std::vector<std::uint32_t> slots;
  const Request* previous = nullptr;
  for (const Request* request = list.front(); request != nullptr; previous = request, request = request->next) {
    CHECK(request->previous == previous);
    CHECK(request->list == &list);
    slots.push_back(request->slot);
  }
  CHECK(slots.size() == list.size());
  return slots;
}

}  // namespace

TEST_CASE("request list: a queue that is also filled from the front") {
  RequestList list;
  CHECK(list.empty());
  for (std::uint32_t slot = 0; slot < 3; ++slot) list.pushBack(makeRequest(Op::Get, "k", {}, slot));
  list.pushFront(makeRequest(Op::Get, "k", {}, 9));
  CHECK(slotsOf(list) == std::vector<std::uint32_t>{9, 0, 1, 2});
  CHECK(list.popFront()->slot == 9);
  CHECK(list.popFront()->slot == 0);
  CHECK(slotsOf(list) == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("request list: what is taken out belongs to no list") {
  RequestList list;
  std::vector<Request*> members;
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    auto request = makeRequest(Op::Get, "k", {}, slot);
    members.push_back(request.get());
    list.pushBack(std::move(request));
  }
  for (const std::size_t index : {1u, 3u, 0u, 2u}) {
    const auto taken = list.remove(members[index]);
    CHECK(taken.get() == members[index]);
    CHECK(taken->list == nullptr);
    CHECK(taken->next == nullptr);
    CHECK(taken->previous == nullptr);
    slotsOf(list);
  }
  CHECK(list.empty());
}

TEST_CASE("request list: frees what is left in it") {
  RequestList list;
  for (int count = 0; count < 3; ++count) list.pushBack(makeRequest(Op::Set, "key", "value"));
  list.clear();
  CHECK(list.empty());
  list.pushBack(makeRequest(Op::Set, "key", "value"));
}

TEST_CASE("request list: agrees with std list") {
  std::mt19937 random(3);
  RequestList list;
  std::list<Request*> model;
  for (std::uint32_t turn = 0; turn < 3000; ++turn) {
    const std::uint32_t choice = random() % 5;
    if (choice < 2 || model.empty()) {
      auto request = makeRequest(Op::Get, "k", {}, turn);
      if (choice == 0) {
        model.push_front(request.get());
        list.pushFront(std::move(request));
      } else {
        model.push_back(request.get());
        list.pushBack(std::move(request));
      }
    } else {
      auto at = model.begin();
      std::advance(at, random() % model.size());
      REQUIRE(list.remove(*at).get() == *at);
      model.erase(at);
    }
    if (turn % 100 != 0) continue;
    std::vector<std::uint32_t> expected;
    for (const Request* request : model) expected.push_back(request->slot);
    REQUIRE(slotsOf(list) == expected);
  }
}

TEST_CASE("request: of those that wait for the same key the first owns the others") {
  auto first = makeRequest(Op::Get, "k", {}, 0);
  first->nextSame = makeRequest(Op::Get, "k", {}, 1).release();
  first->nextSame->nextSame = makeRequest(Op::Get, "k", {}, 2).release();
  std::vector<std::uint32_t> slots;
  for (auto same = std::move(first); same; same = takeNextSame(*same)) slots.push_back(same->slot);
  CHECK(slots == std::vector<std::uint32_t>{0, 1, 2});
}
