#pragma once

#include <memory>
#include <string>

#include "core/counters.h"
#include "core/planner.h"
#include "core/results.h"
#include "memcached/config.h"
#include "memcached/decoder.h"
#include "memcached/value_jobs.h"

namespace lmc {

// Completes the requests of one connection, and counts what became of them.
class Completer {
 public:
  Completer(Results& results, ValueJobs& jobs, ServerCounters& counters)
      : results_(results), jobs_(jobs), counters_(counters) {}

  // Before the answers of a turn of the loop.
  void beginTurn(double nowMs);
  double turnMs() const { return turnMs_; }

  void complete(Request& request, const Answer& answer);
  void complete(std::unique_ptr<Request> request, const Answer& answer) { complete(*request, answer); }
  // A value that was fetched, for all who wait for it.
  void found(std::unique_ptr<Request> request, ReceivedValue value, const ConnectionConfig& config);
  // What a multi-get asked and did not find; or, if it failed, what was not answered.
  void finishFetch(Step& step, const Answer& answer);
  void fail(Step& step, std::int32_t rc, Outcome outcome, const std::string& message);
  // A request that was sent, and whose caller waits no longer.
  void countGivenUp(const Request& request, double nowMs);

 private:
  template <typename Function>
  static void takeEach(Step& step, Function&& function);

  Results& results_;
  ValueJobs& jobs_;
  ServerCounters& counters_;
  double turnMs_ = 0;
  std::size_t inflateBudget_ = 0;  // of this turn
};

}  // namespace lmc
