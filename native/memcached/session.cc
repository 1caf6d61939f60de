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
  const Link::Opened opened = link_.open(patienceMs);
  if (!opened.ok()) {
    failAll(run, opened);
    return opened.reached ? Contact::Answered : Contact::Failed;
  }
  switch (step.kind) {
    case StepKind::Fetch:
      return fetcher_.run(run, wasOpen);
    case StepKind::Admin:
      return runAdmin(run);
    case StepKind::Store:
    case StepKind::Count:
      break;
  }
  const bool pipelined = link_.isBinary() && !link_.isUdp() && !link_.config().noReply;
  return pipelined ? pipeline_.run(run) : runPlain(run);
}

Contact MemcachedSession::disconnect(StepRun& run) {
  Request& request = run.at(run.order()[0]);
  if (!run.claim(request)) return Contact::Nothing;
  link_.forget();
  run.succeed(request, status::kSuccess);
  return Contact::Nothing;
}

void MemcachedSession::configure(std::shared_ptr<const void> settings) {
  link_.configure(std::static_pointer_cast<const ConnectionConfig>(std::move(settings)));
}

void MemcachedSession::discard() { link_.drop(); }

void MemcachedSession::failAll(StepRun& run, const Link::Opened& opened) {
  for (const std::uint32_t head : run.order()) {
    for (std::uint32_t index = head; index != kNone; index = run.nextSame(index)) {
      if (run.claim(run.at(index))) run.fail(run.at(index), opened.rc, Outcome::NotSent, opened.message);
    }
  }
}

}  // namespace lmc
