#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/completion.h"
#include "core/planner.h"
#include "core/request.h"

// A memcached in a std::map, and what a plan must fulfil. No doctest in here: the fuzz targets use it too.
namespace lmc::test {

struct Reply {
  int status = 0;
  std::string value{};
  std::uint64_t number = 0;
  bool operator==(const Reply&) const = default;
};

class ModelServer {
 public:
  enum Status { Done, Missing = status::kNotFound, Exists, NotANumber };

  Reply execute(const Request& request) {
    const std::string key(request.keyView());
    const std::string value(request.valueView());
    const auto found = items_.find(key);
    const bool exists = found != items_.end();
    switch (request.op) {
      case Op::Get:
      case Op::Gets:
        return exists ? Reply{Done, found->second, versions_[key]} : Reply{Missing};
      case Op::Delete:
        return Reply{items_.erase(key) > 0 ? Done : Missing};
      case Op::Touch:
        return Reply{exists ? Done : Missing};
      case Op::Set:
        return store(key, value);
      case Op::Add:
        return exists ? Reply{Exists} : store(key, value);
      case Op::Replace:
        return exists ? store(key, value) : Reply{Missing};
      case Op::Append:
        return exists ? store(key, found->second + value) : Reply{Missing};
      case Op::Prepend:
        return exists ? store(key, value + found->second) : Reply{Missing};
      case Op::Cas:
        if (!exists) return Reply{Missing};
        return versions_[key] == request.number ? store(key, value) : Reply{Exists};
      case Op::Incr:
      case Op::Decr:
        return exists ? count(request, key, found->second) : Reply{Missing};
      case Op::Flush:
        items_.clear();
        return Reply{Done};
      case Op::Stats:
        return Reply{Done, std::to_string(items_.size())};
      case Op::Version:
      case Op::Disconnect:
      case Op::Authenticate:
        break;
    }
    return Reply{Done};
  }

 private:
  Reply store(const std::string& key, const std::string& value) {
    items_[key] = value;
    ++versions_[key];
    return Reply{Done};
  }

  Reply count(const Request& request, const std::string& key, const std::string& current) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(current.data(), current.data() + current.size(), number);
    if (error != std::errc() || end != current.data() + current.size()) return Reply{NotANumber};
    number = request.op == Op::Incr ? number + request.number : number - std::min(number, request.number);
    store(key, std::to_string(number));
    return Reply{Done, {}, number};
  }

  std::map<std::string, std::string> items_;
  // CAS tokens. Of each key its own count: the tokens of a real server depend on the order between keys,
  // which the planner may change.
  std::map<std::string, std::uint64_t> versions_;
};

// What is wrong with the structure of a plan; empty: nothing.
inline std::string findFaultInSteps(const std::vector<Step>& steps) {
  const auto at = [](const char* what, std::size_t where) { return what + (" in step " + std::to_string(where)); };
  std::uint32_t lastHead = 0;
  for (std::size_t number = 0; number < steps.size(); ++number) {
    const Step& step = steps[number];
    if (number > 0 && step.first->slot <= lastHead) return at("another order than that of the calls", number);
    lastHead = step.first->slot;
    std::set<std::string_view> keys;
    std::size_t bytes = 0;
    const Request* previous = nullptr;
    for (const Request* head = step.first; head != nullptr; previous = head, head = head->next) {
      if (head->previous != previous) return at("a wrong link back", number);
      if (previous != nullptr && head->slot <= previous->slot) return at("keys out of order", number);
      if (!isFetch(head->op) && step.keys != 1) return at("a write among others", number);
      if (!keys.insert(head->keyView()).second) return at("a key asked twice", number);
      bytes += head->settings->keyNamespace.size() + head->keyLength + 1u;
      for (const Request* same = head; same != nullptr; same = same->nextSame) {
        if (same != head && !isFetch(same->op)) return at("a write that waits for another's answer", number);
        if (same->keyView() != head->keyView()) return at("waits for another key", number);
        if (same->nextSame != nullptr && same->nextSame->slot <= same->slot) return at("waits backwards", number);
        const bool wantsCas = same->op == Op::Gets || (isFetch(same->op) && same->settings->casForAll);
        if (wantsCas && !step.wantsCas) return at("no CAS token for one that wants it", number);
      }
    }
    if (keys.size() != step.keys) return at("another number of keys", number);
    if (step.keys > Planner::kMaxFetchKeys) return at("too many keys", number);
    if (step.keys > 1 && bytes > Planner::kMaxKeyBytes) return at("too many bytes of keys", number);
  }
  return {};
}

// Plans the requests (slots count from 0), and says what is wrong: with the structure, or an answer that is
// another one than in the order of the calls.
inline std::string findFaultOfPlan(Planner& planner, std::vector<std::unique_ptr<Request>> requests) {
  ModelServer inOrder;
  std::vector<Reply> expected;
  for (const auto& request : requests) expected.push_back(inOrder.execute(*request));
  planner.begin(requests.size());
  for (auto& request : requests) planner.add(std::move(request));
  std::string fault = findFaultInSteps(planner.steps());
  ModelServer planned;
  std::vector<int> seen(expected.size(), 0);
  std::uint32_t coalesced = 0;
  for (const Step& step : planner.steps()) {
    for (Request* head = step.first; head != nullptr;) {
      Request* const next = head->next;
      const Reply reply = planned.execute(*head);
      for (std::unique_ptr<Request> same(head); same; same = takeNextSame(*same)) {
        coalesced += same.get() != head ? 1 : 0;
        ++seen[same->slot];
        if (reply != expected[same->slot] && fault.empty())
          fault = "another answer for request " + std::to_string(same->slot);
      }
      head = next;
    }
  }
  if (fault.empty() && std::any_of(seen.begin(), seen.end(), [](int count) { return count != 1; }))
    fault = "a request that was lost or doubled";
  if (fault.empty() && coalesced != planner.coalesced()) fault = "another number of coalesced reads";
  return fault;
}

}  // namespace lmc::test
