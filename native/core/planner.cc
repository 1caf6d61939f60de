#include "core/planner.h"

#include <algorithm>

namespace lmc {

namespace {

constexpr std::uint32_t kKinds = 5;

StepKind kindOf(Op op) {
  if (isFetch(op)) return StepKind::Fetch;
  if (isCounter(op)) return StepKind::Count;
  if (isAdmin(op)) return StepKind::Admin;
  return isBuffered(op) ? StepKind::Store : StepKind::Skew;
}

std::uint32_t firstLevelOf(StepKind kind, std::uint32_t from) {
  const auto wanted = static_cast<std::uint32_t>(kind);
  return from + (wanted + kKinds - from % kKinds) % kKinds;
}

// A binary get's header; the text protocol needs less.
constexpr std::uint32_t kBytesPerKey = 24;

}  // namespace

const Plan& Planner::plan(std::span<const Request> requests, std::uint32_t prefixBytes) {
  plan_.steps.clear();
  plan_.order.clear();
  plan_.nextSame.assign(requests.size(), kNone);
  if (requests.size() == 1) {  // the common case of a quiet client
    plan_.order.push_back(0);
    const StepKind kind = kindOf(requests[0].op);
    plan_.steps.push_back(Step{kind, 0, 1, kind != StepKind::Admin});
    return plan_;
  }
  assignLevels(requests);
  sortByLevel(requests.size());
  cutSteps(requests, prefixBytes);
  return plan_;
}

void Planner::assignLevels(std::span<const Request> requests) {
  keys_.reset(requests.size());
  levels_.resize(requests.size());
  dependent_.clear();
  std::uint32_t floor = 0;    // no request may go below: the last barrier
  std::uint32_t highest = 0;  // level in use
  for (std::uint32_t index = 0; index < requests.size(); ++index) {
    const Request& request = requests[index];
    const StepKind kind = kindOf(request.op);
    if (kind == StepKind::Admin) {
      const std::uint32_t level = firstLevelOf(kind, std::max(floor, highest));
      levels_[index] = level;
      highest = level;
      floor = level + 1;
      continue;
    }
    KeyTable::Entry& entry = keys_.at(request.keyView());
    const std::uint32_t from = entry.fresh ? floor : std::max(floor, entry.level);
    const std::uint32_t level = firstLevelOf(kind, from);
    const bool waitsWithAnother = kind == StepKind::Fetch && !entry.fresh && entry.level == level;
    if (waitsWithAnother) {
      plan_.nextSame[entry.fetchTail] = index;
      levels_[index] = kNone;
    } else {
      levels_[index] = level;
    }
    if (dependent_.size() <= level) dependent_.resize(level + 1, false);
    if (!entry.fresh && entry.level != level) dependent_[level] = true;
    entry.fresh = false;
    entry.level = level;
    entry.fetchTail = index;
    highest = std::max(highest, level);
  }
  starts_.assign(highest + 2, 0);
}

// A counting sort: stable, so that the requests of a level keep the order in which they were called.
void Planner::sortByLevel(std::size_t count) {
  std::uint32_t placed = 0;
  for (std::size_t index = 0; index < count; ++index) {
    if (levels_[index] == kNone) continue;
    ++starts_[levels_[index] + 1];
    ++placed;
  }
  for (std::size_t level = 1; level < starts_.size(); ++level) starts_[level] += starts_[level - 1];
  plan_.order.resize(placed);
  for (std::uint32_t index = 0; index < count; ++index) {
    if (levels_[index] == kNone) continue;
    plan_.order[starts_[levels_[index]]++] = index;
  }
  // starts_[level] is now the end of the level.
}

void Planner::cutSteps(std::span<const Request> requests, std::uint32_t prefixBytes) {
  std::uint32_t begin = 0;
  for (std::uint32_t level = 0; level + 1 < starts_.size(); ++level) {
    const std::uint32_t end = starts_[level];
    const auto kind = static_cast<StepKind>(level % kKinds);
    while (begin < end) {
      std::uint32_t limit = 1;
      if (kind == StepKind::Fetch) limit = kMaxFetchKeys;
      if (kind == StepKind::Store || kind == StepKind::Skew || kind == StepKind::Count) limit = kMaxWrites;
      std::uint32_t stop = begin;
      std::uint32_t bytes = 0;
      while (stop < end && stop - begin < limit && bytes < kMaxKeyBytes) {
        bytes += kBytesPerKey + prefixBytes + requests[plan_.order[stop]].keyLength;
        ++stop;
      }
      const bool independent = kind != StepKind::Admin && !dependent_[level];
      plan_.steps.push_back(Step{kind, begin, stop, independent});
      begin = stop;
    }
  }
}

}  // namespace lmc
