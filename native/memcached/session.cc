#include "memcached/session.h"

#include <utility>

#include "memcached/admin.h"
#include "memcached/plain.h"

namespace lmc {

MemcachedSession::MemcachedSession(std::shared_ptr<const ConnectionConfig> config)
    : link_(std::move(config)) {}

Contact MemcachedSession::execute(const Plan& plan, const Step& step, std::span<Request> requests,
                                  double patienceMs, CompletionBatch& results, Deliverer& deliverer) {
  StepRun run(link_, plan, step, requests, patienceMs, results, deliverer);
  if (requests[plan.order[step.begin]].op == Op::Disconnect) return disconnect(run);

  const bool wasOpen = link_.isOpen();
  const bool writes = step.kind != StepKind::Fetch && step.kind != StepKind::Admin;
  const Link::Opened opened = writes ? link_.openForWriting(patienceMs) : link_.open(patienceMs);
  if (!wasOpen) skewLink_.reset();  // it went to the same server that hung up
  if (!opened.ok()) {
    failAll(run, opened);
    return opened.reached ? Contact::Answered : Contact::Failed;
  }
  if (step.kind == StepKind::Fetch) return fetcher_.run(run, wasOpen);
  if (step.kind == StepKind::Admin) return runAdmin(run);
  const bool pipelined = link_.isBinary() && !link_.isUdp() && !link_.config().noReply;
  if (!pipelined) return runPlain(run);
  if (isWorthSkewing(step)) {
    if (Link* skewed = skewLink(patienceMs)) {
      StepRun there(*skewed, plan, step, requests, patienceMs, results, deliverer);
      return pipeline_.run(there);
    }
  }
  return pipeline_.run(run);
}

bool MemcachedSession::isWorthSkewing(const Step& step) const {
  return step.kind != StepKind::Store && step.end - step.begin >= Pipeline::kWorthPriming &&
         link_.config().server.transport == Transport::Tcp;
}

// Null: it cannot be had (the server takes no more connections, say). Then the first one does.
Link* MemcachedSession::skewLink(double patienceMs) {
  if (!skewLink_) {
    ConnectionConfig config = link_.config();
    config.protocol = Protocol::Binary;
    std::erase_if(config.behaviors,
                  [](const auto& behavior) { return behavior.first == MEMCACHED_BEHAVIOR_TCP_NODELAY; });
    config.behaviors.emplace_back(MEMCACHED_BEHAVIOR_TCP_NODELAY, 0);
    skewLink_ = std::make_unique<Link>(std::make_shared<const ConnectionConfig>(std::move(config)));
  }
  if (skewLink_->openForWriting(patienceMs).ok()) return skewLink_.get();
  skewLink_.reset();
  return nullptr;
}

Contact MemcachedSession::disconnect(StepRun& run) {
  Request& request = run.at(run.order()[0]);
  if (!run.claim(request)) return Contact::Nothing;
  link_.forget();
  skewLink_.reset();
  run.answer(request, status::kSuccess);
  return Contact::Nothing;
}

void MemcachedSession::configure(std::shared_ptr<const void> settings) {
  skewLink_.reset();
  link_.configure(std::static_pointer_cast<const ConnectionConfig>(std::move(settings)));
}

void MemcachedSession::discard() {
  link_.drop();
  skewLink_.reset();
}

void MemcachedSession::failAll(StepRun& run, const Link::Opened& opened) {
  for (const std::uint32_t head : run.order()) {
    for (std::uint32_t index = head; index != kNone; index = run.nextSame(index)) {
      Request& request = run.at(index);
      const bool ours = request.claimUnsent();
      run.fail(request, ours ? std::int32_t{opened.rc} : status::kCancelled, Outcome::NotSent,
               ours ? opened.message : std::string());
    }
  }
}

}  // namespace lmc
