#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/key_table.h"
#include "core/request.h"

namespace lmc {

enum class StepKind : std::uint8_t {
  Fetch,  // distinct keys for one multi-get
  Store,  // set and delete: libmemcached buffers them, and their answers are read afterwards
  Skew,   // writes that libmemcached sends one by one: pipelined another way, see memcached/pipeline.h
  Count,  // counters: as Skew, in runs of their own: one that is no number breaks the connection
  Admin,  // one request that concerns the whole server
};

struct Step {
  StepKind kind;
  std::uint32_t begin;  // into Plan::order
  std::uint32_t end;
  // None of its keys is touched by a step of another kind before it: it may run beside those.
  bool independent = false;
};

constexpr std::uint32_t kNone = UINT32_MAX;

struct Plan {
  std::vector<Step> steps;
  std::vector<std::uint32_t> order;     // indices of requests, step after step
  std::vector<std::uint32_t> nextSame;  // fetches: the next request that waits for the same key, or kNone

  std::span<const std::uint32_t> of(const Step& step) const {
    return {order.data() + step.begin, order.data() + step.end};
  }
};

// Turns a batch of requests into few, large exchanges. Pure: no threads, no sockets, no Node.
//
// Operations on different keys commute, so they are gathered by kind; operations on one key keep the order in
// which they were called. Every request gets a level: levels of the kinds follow each other in turn (fetch,
// store, skew, count, admin, fetch, …), and a request goes to the first level of its kind that is not before
// the last one that touched its key. Within a level of writes requests keep their order, so the same key may
// appear there twice; within a fetch level a key is fetched once for all that wait for it.
// Requests that concern a whole server are barriers: nothing passes them.
class Planner {
 public:
  // Caps of a step. Of fetches, from measurements of libmemcached, which does not read while it writes: too
  // many unread answers fill both socket buffers and deadlock until the timeout (5,000 keys of one mget). Of
  // writes (see Pipeline for their answers), so that others do not wait long.
  static constexpr std::uint32_t kMaxFetchKeys = 1024;
  static constexpr std::uint32_t kMaxKeyBytes = 64 * 1024;
  static constexpr std::uint32_t kMaxWrites = 1024;

  // The plan refers to `requests` by index and is valid until the next call. `prefixBytes`: before each key
  // on the wire.
  const Plan& plan(std::span<const Request> requests, std::uint32_t prefixBytes = 0);

 private:
  void assignLevels(std::span<const Request> requests);
  void sortByLevel(std::size_t count);
  void cutSteps(std::span<const Request> requests, std::uint32_t prefixBytes);

  KeyTable keys_;
  Plan plan_;
  std::vector<std::uint32_t> levels_;  // of each request; kNone: waits with another (same key, same fetch)
  std::vector<std::uint32_t> starts_;  // of each level, in Plan::order
  std::vector<bool> dependent_;        // of each level: something in it waits for an earlier level
};

}  // namespace lmc
