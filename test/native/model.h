#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <set>
#include <span>
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
  std::string value;
  std::uint64_t number = 0;
  std::uint64_t generation = 0;  // of the settings it was executed under
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
    const auto answer = [&](Status status) { return Reply{status, {}, 0, generation_}; };
    switch (request.op) {
      case Op::Get:
      case Op::Gets:
        if (!exists) return answer(Missing);
        return Reply{Done, found->second, versions_[key], generation_};
      case Op::Delete:
        if (!exists) return answer(Missing);
        items_.erase(found);
        return answer(Done);
      case Op::Touch:
        return answer(exists ? Done : Missing);
      case Op::Set:
        return store(key, value);
      case Op::Add:
        return exists ? answer(Exists) : store(key, value);
      case Op::Replace:
        return exists ? store(key, value) : answer(Missing);
      case Op::Append:
        return exists ? store(key, found->second + value) : answer(Missing);
      case Op::Prepend:
        return exists ? store(key, value + found->second) : answer(Missing);
      case Op::Cas:
        if (!exists) return answer(Missing);
        return versions_[key] == request.number ? store(key, value) : answer(Exists);
      case Op::Incr:
      case Op::Decr:
      case Op::IncrInitial:
      case Op::DecrInitial:
        return count(request, key, exists ? &found->second : nullptr);
      case Op::Flush:
        items_.clear();
        return answer(Done);
      case Op::Configure:
        generation_ = request.number;
        return answer(Done);
      case Op::Stats:
        return Reply{Done, std::to_string(items_.size()), 0, generation_};
      case Op::Version:
      case Op::Disconnect:
        return answer(Done);
    }
    return answer(Done);
  }

 private:
  Reply store(const std::string& key, const std::string& value) {
    items_[key] = value;
    ++versions_[key];
    return Reply{Done, {}, 0, generation_};
  }

  Reply count(const Request& request, const std::string& key, const std::string* current) {
    if (current == nullptr) {
      if (request.op == Op::Incr || request.op == Op::Decr) return Reply{Missing, {}, 0, generation_};
      store(key, std::to_string(request.initial));
      return Reply{Done, {}, request.initial, generation_};
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(current->data(), current->data() + current->size(), number);
    if (error != std::errc() || end != current->data() + current->size())
      return Reply{NotANumber, {}, 0, generation_};
    const bool up = request.op == Op::Incr || request.op == Op::IncrInitial;
    number = up ? number + request.number : number - std::min(number, request.number);
    store(key, std::to_string(number));
    return Reply{Done, {}, number, generation_};
  }

  std::map<std::string, std::string> items_;
  // CAS tokens. Of each key its own count: the tokens of a real server depend on the order between keys,
  // which is free.
  std::map<std::string, std::uint64_t> versions_;
  std::uint64_t generation_ = 0;
};

inline std::vector<Reply> executeInCallOrder(std::span<const Request> requests) {
  ModelServer server;
  std::vector<Reply> replies;
  for (const Request& request : requests) replies.push_back(server.execute(request));
  return replies;
}

// As a session does: step after step, and who waits for the same key gets the same answer. `swapPartners`: of
// a fetch and what may run beside it (carryOut) the fetch comes last.
inline std::vector<Reply> executePlan(const Plan& plan, std::span<const Request> requests,
                                      bool swapPartners = false) {
  ModelServer server;
  std::vector<Reply> replies(requests.size());
  std::vector<Step> steps = plan.steps;
  if (swapPartners) {
    for (std::size_t number = 1; number < steps.size(); ++number) {
      if (steps[number].independent && steps[number - 1].kind == StepKind::Fetch &&
          steps[number].kind != StepKind::Fetch)
        std::swap(steps[number - 1], steps[number]);
    }
  }
  for (const Step& step : steps) {
    for (const std::uint32_t head : plan.of(step)) {
      const Reply reply = server.execute(requests[head]);
      for (std::uint32_t index = head; index != kNone; index = plan.nextSame[index]) replies[index] = reply;
    }
  }
  return replies;
}

inline StepKind stepKindOf(Op op) {
  if (op == Op::Get || op == Op::Gets) return StepKind::Fetch;
  if (op >= Op::Incr && op <= Op::DecrInitial) return StepKind::Count;
  if (op >= Op::Flush) return StepKind::Admin;
  return op == Op::Set || op == Op::Delete ? StepKind::Store : StepKind::Skew;
}

// What every plan must be, whatever the requests. Empty: it is so; else what is wrong.
inline std::string faultOf(const Plan& plan, std::span<const Request> requests) {
  const auto at = [](const char* what, std::size_t where) { return what + (" at " + std::to_string(where)); };
  std::vector<int> seen(requests.size(), 0);
  std::set<std::string_view> touched[5];  // by the steps so far, of each kind
  std::uint32_t expectedBegin = 0;
  if (plan.nextSame.size() != requests.size()) return "nextSame has another size";
  for (std::size_t number = 0; number < plan.steps.size(); ++number) {
    const Step& step = plan.steps[number];
    if (step.begin != expectedBegin) return at("a gap between steps", number);
    if (step.end <= step.begin || step.end > plan.order.size())
      return at("an empty or overlong step", number);
    expectedBegin = step.end;
    const std::size_t size = step.end - step.begin;
    if (step.kind == StepKind::Fetch && size > Planner::kMaxFetchKeys) return at("too many keys", number);
    if (step.kind == StepKind::Store && size > Planner::kMaxWrites) return at("too many stores", number);
    if (step.kind == StepKind::Skew && size > Planner::kMaxWrites)
      return at("too many skewed writes", number);
    if (step.kind == StepKind::Count && size > Planner::kMaxWrites) return at("too many counters", number);
    if (step.kind == StepKind::Admin && size != 1) return at("an admin step of several", number);
    if (step.kind == StepKind::Admin && step.independent) return at("an independent barrier", number);
    for (std::size_t kind = 0; kind < std::size(touched); ++kind) {
      if (!step.independent || kind == static_cast<std::size_t>(step.kind)) continue;
      for (const std::uint32_t head : plan.of(step)) {
        if (touched[kind].contains(requests[head].keyView()))
          return at("an independent step with a key of an earlier one", number);
      }
    }
    std::set<std::string_view>& own = touched[static_cast<std::size_t>(step.kind)];
    for (const std::uint32_t head : plan.of(step)) {
      if (step.kind != StepKind::Admin) own.insert(requests[head].keyView());
    }
    std::set<std::string_view> keys;
    std::size_t keyBytes = 0;
    for (const std::uint32_t head : plan.of(step)) {
      if (head >= requests.size()) return at("no such request", number);
      // The last key may go over the cap: a step holds at least one.
      if (keyBytes >= Planner::kMaxKeyBytes) return at("too many bytes of keys", number);
      keyBytes += requests[head].keyLength;
      if (step.kind == StepKind::Fetch && !keys.insert(requests[head].keyView()).second)
        return at("a key fetched twice", number);
      for (std::uint32_t index = head; index != kNone; index = plan.nextSame[index]) {
        if (index >= requests.size()) return at("no such waiting request", number);
        if (stepKindOf(requests[index].op) != step.kind) return at("a step of another kind", number);
        if (index != head && step.kind != StepKind::Fetch) return at("a waiting write", number);
        if (requests[index].keyView() != requests[head].keyView()) return at("waits for another key", number);
        if (plan.nextSame[index] != kNone && plan.nextSame[index] <= index)
          return at("a chain that runs backwards", number);
        if (++seen[index] != 1) return at("a request twice", index);
      }
    }
  }
  if (expectedBegin != plan.order.size()) return "requests outside of the steps";
  for (std::size_t index = 0; index < seen.size(); ++index) {
    if (seen[index] != 1) return at("a lost request", index);
  }
  return {};
}

// faultOf, and that every request gets the answer that it would get in the order of the calls.
inline std::string faultOfMeaning(const Plan& plan, std::span<const Request> requests) {
  std::string fault = faultOf(plan, requests);
  if (!fault.empty()) return fault;
  const std::vector<Reply> expected = executeInCallOrder(requests);
  const std::vector<Reply> actual = executePlan(plan, requests);
  const std::vector<Reply> swapped = executePlan(plan, requests, true);
  for (std::size_t index = 0; index < requests.size(); ++index) {
    if (expected[index] == actual[index] && expected[index] == swapped[index]) continue;
    return "another answer for request " + std::to_string(index) + ", op " +
           std::to_string(static_cast<int>(requests[index].op)) + ", key " +
           std::string(requests[index].keyView());
  }
  return {};
}

}  // namespace lmc::test
