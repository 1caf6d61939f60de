#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/key_table.h"
#include "core/request.h"

namespace lmc {

// One call of libmemcached: a multi-get, or one other request.
struct Step {
  // Of a multi-get: one request for each distinct key, linked by `next` and `previous`, in the order in which
  // they are asked; those that want the same key hang at it by `nextSame`.
  Request* first = nullptr;
  std::uint32_t keys = 1;
  bool wantsCas = false;
};

// Makes multi-gets of the gets in a batch. Pure: no sockets, no libmemcached, no Node.
//
// Answers come in the order of the requests, so the call order is kept as it is, whatever the keys. Only a
// get may move: forward into the multi-get that is open, unless its key was written since that one began.
class Planner {
 public:
  // Caps of a multi-get. 16 KB of keys is what managed services take in one.
  static constexpr std::uint32_t kMaxFetchKeys = 1024;
  static constexpr std::uint32_t kMaxKeyBytes = 16 * 1024;

  // Before the requests of a batch: at most so many follow.
  void begin(std::size_t requests);
  void add(std::unique_ptr<Request> request);
  // The caller owns the requests in them from here on.
  std::vector<Step>& steps() { return steps_; }
  // Reads that were merged with another one of the same key.
  std::uint32_t coalesced() const { return coalesced_; }

 private:
  void addFetch(Request* request);

  static constexpr std::uint32_t kNone = KeyTable::kNone;

  KeyTable keys_;
  std::vector<Step> steps_;
  std::uint32_t open_ = kNone;  // the multi-get that gets may join
  Request* last_ = nullptr;     // of it
  std::uint32_t openBytes_ = 0;
  std::uint32_t coalesced_ = 0;
  std::size_t expected_ = 0;
  bool hasKeys_ = false;
};

}  // namespace lmc
