#include "core/planner.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "model.h"
#include "requests.h"

using namespace lmc;
using namespace lmc::test;

namespace {

// Plans what was added, and owns what comes of it.
class Planned {
 public:
  ~Planned() {
    for (const Step& step : planner.steps()) {
      for (Request* head = step.first; head != nullptr;) {
        Request* const next = head->next;
        for (std::unique_ptr<Request> same(head); same;) same = takeNextSame(*same);
        head = next;
      }
    }
  }

  Request& add(Op op, const std::string& key = {}, const std::string& keyNamespace = {}) {
    requests_.push_back(makeRequest(op, key, "v", static_cast<std::uint32_t>(requests_.size())));
    if (!keyNamespace.empty()) requests_.back()->settings = settingsWith(keyNamespace);
    return *requests_.back();
  }

  // Each step as its keys: "get a b | set a".
  std::string plan() {
    planner.begin(requests_.size());
    for (auto& request : requests_) planner.add(std::move(request));
    CHECK(findFaultInSteps(planner.steps()) == "");
    std::string text;
    for (const Step& step : planner.steps()) {
      if (!text.empty()) text += " | ";
      text += isFetch(step.first->op) ? "get" : "op" + std::to_string(static_cast<int>(step.first->op));
      for (const Request* head = step.first; head != nullptr; head = head->next) {
        text += ' ' + std::string(head->keyView());
        for (const Request* same = head->nextSame; same != nullptr; same = same->nextSame) text += '+';
      }
    }
    return text;
  }

  Planner planner;

 private:
  std::vector<std::unique_ptr<Request>> requests_;
};

}  // namespace

TEST_CASE("planner: no requests make no steps") {
  Planned planned;
  CHECK(planned.plan() == "");
}

TEST_CASE("planner: one request is one step") {
  for (int op = 0; op <= static_cast<int>(Op::LastPublic); ++op) {
    Planned planned;
    planned.add(static_cast<Op>(op), "k");
    planned.plan();
    REQUIRE(planned.planner.steps().size() == 1);
    CHECK(planned.planner.steps()[0].first->op == static_cast<Op>(op));
    CHECK(planned.planner.steps()[0].wantsCas == (static_cast<Op>(op) == Op::Gets));
  }
}

TEST_CASE("planner: gets are gathered and a key wanted twice is asked once") {
  Planned planned;
  for (const char* key : {"a", "b", "a", "c", "a", "b"}) planned.add(Op::Get, key);
  CHECK(planned.plan() == "get a++ b+ c");
  CHECK(planned.planner.coalesced() == 3);
}

TEST_CASE("planner: a get joins the multi-get that is open across writes of other keys") {
  Planned planned;
  planned.add(Op::Get, "a");
  planned.add(Op::Set, "x");
  planned.add(Op::Get, "b");
  planned.add(Op::Delete, "y");
  planned.add(Op::Get, "a");
  CHECK(planned.plan() == "get a+ b | op4 x | op2 y");
}

TEST_CASE("planner: a get does not pass the write of its key") {
  Planned planned;
  planned.add(Op::Get, "a");
  planned.add(Op::Get, "b");
  planned.add(Op::Set, "a");
  planned.add(Op::Get, "a");
  planned.add(Op::Get, "b");
  planned.add(Op::Get, "a");
  CHECK(planned.plan() == "get a b | op4 a | get a+ b");
  CHECK(planned.planner.coalesced() == 1);
}

TEST_CASE("planner: a write before the first get of its key costs it nothing") {
  Planned planned;
  planned.add(Op::Set, "a");
  planned.add(Op::Get, "b");
  planned.add(Op::Get, "a");
  CHECK(planned.plan() == "op4 a | get b a");
}

TEST_CASE("planner: a key that was never asked but written meanwhile is asked behind the write") {
  Planned planned;
  planned.add(Op::Get, "a");
  planned.add(Op::Set, "b");
  planned.add(Op::Get, "b");
  planned.add(Op::Get, "a");
  CHECK(planned.plan() == "get a | op4 b | get b a");
}

TEST_CASE("planner: writes keep the order of the calls and are never merged") {
  Planned planned;
  for (const Op op : {Op::Set, Op::Set, Op::Append, Op::Incr, Op::Delete, Op::Touch}) planned.add(op, "a");
  CHECK(planned.plan() == "op4 a | op4 a | op7 a | op10 a | op2 a | op3 a");
}

TEST_CASE("planner: nothing passes what concerns every key") {
  for (const Op op : {Op::Flush, Op::Stats, Op::Version}) {
    Planned planned;
    planned.add(Op::Get, "a");
    planned.add(op);
    planned.add(Op::Get, "a");
    planned.add(Op::Get, "b");
    CHECK(planned.plan() == "get a | op" + std::to_string(static_cast<int>(op)) + "  | get a b");
  }
}

TEST_CASE("planner: one who wants a CAS token gets it for all") {
  Planned planned;
  planned.add(Op::Get, "a");
  planned.add(Op::Gets, "b");
  CHECK(planned.plan() == "get a b");
  CHECK(planned.planner.steps()[0].wantsCas);

  Planned coalesced;
  coalesced.add(Op::Get, "a");
  coalesced.add(Op::Gets, "a");
  CHECK(coalesced.plan() == "get a+");
  CHECK(coalesced.planner.steps()[0].wantsCas);

  Planned none;
  none.add(Op::Get, "a");
  none.add(Op::Get, "b");
  none.plan();
  CHECK_FALSE(none.planner.steps()[0].wantsCas);
}

TEST_CASE("planner: the behavior cas makes every get want its token") {
  for (const int count : {1, 2}) {
    Planned planned;
    RequestSettings settings;
    settings.casForAll = true;
    for (int index = 0; index < count; ++index)
      planned.add(Op::Get, std::to_string(index)).settings = std::make_shared<const RequestSettings>(settings);
    planned.plan();
    CHECK(planned.planner.steps()[0].wantsCas);
  }
}

TEST_CASE("planner: at most 1024 keys in one multi-get") {
  Planned planned;
  for (int index = 0; index < 2500; ++index) planned.add(Op::Get, "k" + std::to_string(index));
  for (int index = 0; index < 2500; index += 7) planned.add(Op::Get, "k" + std::to_string(index));
  planned.plan();
  REQUIRE(planned.planner.steps().size() >= 3);
  CHECK(planned.planner.steps()[0].keys == Planner::kMaxFetchKeys);
  CHECK(planned.planner.steps()[1].keys == Planner::kMaxFetchKeys);
}

TEST_CASE("planner: at most 16 KB of keys in one multi-get with their namespaces") {
  for (const std::string& keyNamespace : {std::string(), std::string(49, 'n')}) {
    Planned planned;
    for (int index = 0; index < 400; ++index)
      planned.add(Op::Get, std::string(196, 'k') + std::to_string(100 + index), keyNamespace);
    planned.plan();
    // A key counts with its namespace and a blank.
    CHECK(planned.planner.steps()[0].keys == Planner::kMaxKeyBytes / (200 + keyNamespace.size()));
  }
}

TEST_CASE("planner: what one batch leaves behind does not matter for the next") {
  Planner planner;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Request>> requests;
    requests.push_back(makeRequest(Op::Get, "a", {}, 0));
    requests.push_back(makeRequest(Op::Set, "a", "1", 1));
    requests.push_back(makeRequest(Op::Get, "a", {}, 2));
    CHECK(findFaultOfPlan(planner, std::move(requests)) == "");
    CHECK(planner.steps().size() == 3);
    std::vector<std::unique_ptr<Request>> single;
    single.push_back(makeRequest(Op::Get, "a", {}, 0));
    CHECK(findFaultOfPlan(planner, std::move(single)) == "");
  }
}

TEST_CASE("planner: every mix of four operations on two keys answers as in the order of the calls") {
  constexpr Op kOps[] = {Op::Get, Op::Gets, Op::Set, Op::Delete, Op::Incr, Op::Flush};
  constexpr std::size_t kChoices = std::size(kOps) * 2;
  Planner planner;
  std::size_t wrong = 0;
  for (std::size_t mix = 0; mix < kChoices * kChoices * kChoices * kChoices; ++mix) {
    std::vector<std::unique_ptr<Request>> requests;
    std::size_t left = mix;
    for (std::uint32_t slot = 0; slot < 4; ++slot, left /= kChoices) {
      const std::size_t choice = left % kChoices;
      requests.push_back(makeRequest(kOps[choice / 2], choice % 2 == 0 ? "a" : "b", std::to_string(slot), slot));
      requests.back()->number = slot;
    }
    wrong += findFaultOfPlan(planner, std::move(requests)).empty() ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("planner: random batches answer as in the order of the calls") {
  std::mt19937 random(2);
  Planner planner;
  for (int round = 0; round < 500; ++round) {
    const std::size_t count = round % 100 == 0 ? 1024 : random() % 120;
    const std::uint32_t keys = 1 + random() % 60;
    const std::size_t keyBytes = random() % 8 == 0 ? 200 : 0;
    std::vector<std::unique_ptr<Request>> requests;
    for (std::uint32_t slot = 0; slot < count; ++slot) {
      // Mostly gets: there is nothing else to merge.
      const Op op = random() % 2 == 0 ? Op::Get : static_cast<Op>(random() % (static_cast<int>(Op::Version) + 1));
      if (op >= Op::Flush && random() % 8 != 0) continue;
      const std::string key = std::to_string(random() % keys) + std::string(keyBytes, 'k');
      requests.push_back(makeRequest(op, isAdmin(op) ? "" : key, std::to_string(random() % 9),
                                     static_cast<std::uint32_t>(requests.size())));
      requests.back()->number = random() % 5;
    }
    const std::string fault = findFaultOfPlan(planner, std::move(requests));
    CAPTURE(round);
    REQUIRE(fault == "");
  }
}
