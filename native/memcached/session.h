#pragma once

#include <memory>

#include "core/session.h"
#include "memcached/fetch.h"
#include "memcached/link.h"
#include "memcached/pipeline.h"

namespace lmc {

// A connection's session over libmemcached: opens the link when it is needed and hands each step to the
// executor for its kind and protocol. Connection thread only.
class MemcachedSession final : public Session {
 public:
  explicit MemcachedSession(std::shared_ptr<const ConnectionConfig> config);

  Contact execute(const Plan& plan, const Step& step, std::span<Request> requests, double patienceMs,
                  CompletionBatch& results, Deliverer& deliverer) override;
  void configure(std::shared_ptr<const void> settings) override;
  void discard() override;

 private:
  Contact disconnect(StepRun& run);
  void failAll(StepRun& run, const Link::Opened& opened);

  Link link_;
  Fetcher fetcher_;
  Pipeline pipeline_;
};

}  // namespace lmc
