#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "memcached/step_run.h"

namespace lmc {

// Carries out a store or count step in the binary protocol, pipelined, through libmemcached's public
// interface.
//
// set and delete are buffered by libmemcached; their answers are read afterwards, one by one. The other
// writes cannot be buffered: each call sends its request and then reads *the oldest* outstanding answer. So
// if answers are outstanding already, a call does not wait for its own: it comes some calls later ("skewed"
// pipelining), and the tail is read at the end. Where nothing is outstanding yet, throw-away deletes prime
// the skew.
//
// A counter that is no number, or another answer that libmemcached takes for the end of the connection, loses
// the answers behind it. After one of those counters are sent one at a time for a while: so a bad one spoils
// others' at most once in that time.
//
// The accounting is exact: after every call libmemcached's count of outstanding answers must be what it has
// to be. If it is not, the connection was closed under us: everything outstanding has an unknown outcome.
//
// Connection thread only.
class Pipeline {
 public:
  Contact run(StepRun& run);

  // From so many writes on the skew pays.
  static constexpr std::size_t kWorthPriming = 4;

 private:
  static constexpr std::uint32_t kPrimer = UINT32_MAX;

  bool reopen(StepRun& run);
  bool prime(StepRun& run, std::size_t position);
  bool send(StepRun& run, std::uint32_t index);
  bool drain(StepRun& run, std::size_t downTo);
  bool goesOn(StepRun& run);
  void answered(StepRun& run, std::uint32_t index, memcached_return_t rc, std::uint64_t number);
  bool settle(StepRun& run, std::uint32_t index, bool alive);
  void broken(StepRun& run, memcached_return_t rc, bool oldestIsRefused = false);
  bool goesAlone(Op op) const;
  std::size_t outstanding() const { return sent_.size() - oldest_; }

  // Requests whose answers are to come, in the order in which they were sent; kPrimer for primers.
  std::vector<std::uint32_t> sent_;
  std::size_t oldest_ = 0;
  bool ownPrimers_ = false;  // every write of this step reads the answer to a primer of its own
  std::size_t primersLeft_ = 0;
  std::size_t unreadBytes_ = 0;  // sent by buffered writes since answers were read
  int breaks_ = 0;
  double carefulUntilMs_ = 0;
  std::vector<std::uint32_t> doubtful_;  // counters whose answer may have had no number
  memcached_return_t failure_ = MEMCACHED_SUCCESS;
};

}  // namespace lmc
