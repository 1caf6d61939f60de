#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "memcached/step_run.h"

namespace lmc {

// Carries out a fetch step: one multi-get for all its keys. Keeps its arrays between calls.
// Connection thread only.
class Fetcher {
 public:
  // The link is open. `wasOpen`: it was so before this step, so that it may be stale without our knowing.
  Contact run(StepRun& run, bool wasOpen) {
    begin(run, wasOpen);
    return finish(run);
  }

  // The two halves of run(), for who has something else to do while the server works.
  void begin(StepRun& run, bool wasOpen);
  Contact finish(StepRun& run);
  // Instead of finish(): the server is not waited for.
  void abandon(StepRun& run);

 private:
  // A value as libmemcached received it. `owned`: malloc'd, to be handed on or freed; else the result's.
  struct Received {
    const char* bytes;
    std::size_t size;
    std::uint32_t flags;
    std::uint64_t cas;
    char* owned;
  };

  void gather(StepRun& run);
  bool isSingle(StepRun& run) const { return run.link.isBinary() && heads_.size() == 1; }
  memcached_return_t ask(StepRun& run);
  memcached_return_t readAnswers(StepRun& run);
  memcached_return_t fetchOne(StepRun& run);
  memcached_return_t fetchMany(StepRun& run);
  bool findAsked(const memcached_result_st& result);
  void found(StepRun& run, std::uint32_t head, Received received);
  void finishRest(StepRun& run, std::int32_t status, Outcome outcome, std::string_view message);

  // The requests that ask, one for each distinct key, in the order in which they ask; kNone once answered.
  std::vector<std::uint32_t> heads_;
  std::vector<const char*> keys_;
  std::vector<std::size_t> lengths_;
  // Servers answer in the order of the keys: the next answer is most likely for this one or one behind it.
  std::size_t next_ = 0;
  std::size_t answered_ = 0;
  bool wantsCas_ = false;
  bool wasOpen_ = false;
  memcached_return_t asked_ = MEMCACHED_SUCCESS;
};

}  // namespace lmc
