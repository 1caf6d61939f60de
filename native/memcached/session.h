#pragma once

#include <memory>
#include <optional>

#include "core/session.h"
#include "memcached/fetch.h"
#include "memcached/link.h"
#include "memcached/pipeline.h"
#include "memcached/side_links.h"

namespace lmc {

// A connection's session over libmemcached: opens the link when it is needed and hands each step to the
// executor for its kind and protocol. Connection thread only.
class MemcachedSession final : public Session {
 public:
  explicit MemcachedSession(std::shared_ptr<const ConnectionConfig> config);

  Contact execute(const Plan& plan, const Step& step, std::span<Request> requests, double patienceMs,
                  CompletionBatch& results, Deliverer& deliverer) override;
  bool begin(const Plan& plan, const Step& step, std::span<Request> requests, double patienceMs,
             CompletionBatch& results, Deliverer& deliverer) override;
  Contact finish(bool wait) override;
  void configure(std::shared_ptr<const void> settings) override;
  void discard() override;
  std::uint32_t prefixBytes() const override {
    return static_cast<std::uint32_t>(link_.config().keyNamespace.size());
  }
  // Of the first connection only: those beside it come and go with the work that they are for.
  std::uint64_t connects() const override { return link_.connects(); }

 private:
  Contact disconnect(StepRun& run);
  void failAll(StepRun& run, const Link::Opened& opened);

  Link link_;
  SideLinks side_;
  Fetcher fetcher_;
  Pipeline pipeline_;
  std::optional<StepRun> begun_;  // the fetch that finish() is to complete
};

}  // namespace lmc
