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
  std::uint64_t connects() const override { return link_.connects(); }

 private:
  Contact disconnect(StepRun& run);
  void failAll(StepRun& run, const Link::Opened& opened);
  bool isWorthSkewing(const Step& step) const;
  Link* skewLink(double patienceMs);

  Link link_;
  // A second connection, opened when writes of the skewed kind come in numbers, on which Nagle's algorithm
  // gathers what libmemcached sends one by one (see pipeline.h). Every step has read all its answers before
  // the next one begins, so operations on one key keep their order across the two.
  std::unique_ptr<Link> skewLink_;
  Fetcher fetcher_;
  Pipeline pipeline_;
};

}  // namespace lmc
