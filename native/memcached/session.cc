#include "memcached/session.h"

#include <utility>

#include "memcached/admin.h"
#include "memcached/plain.h"

namespace lmc {

MemcachedSession::MemcachedSession(std::shared_ptr<const ConnectionConfig> config)
    : link_(std::move(config)), side_(link_) {}

Contact MemcachedSession::execute(const Plan& plan, const Step& step, std::span<Request> requests,
                                  double patienceMs, CompletionBatch& results, Deliverer& deliverer) {
  StepRun run(link_, plan, step, requests, patienceMs, results, deliverer);
  if (requests[plan.order[step.begin]].op == Op::Disconnect) return disconnect(run);

  const bool wasOpen = link_.isOpen();
  const bool writes = step.kind != StepKind::Fetch && step.kind != StepKind::Admin;
  const Link::Opened opened = writes ? link_.openForWriting(patienceMs) : link_.open(patienceMs);
  if (!wasOpen) side_.drop();  // they went to the same server that hung up
  if (!opened.ok()) {
    failAll(run, opened);
    return opened.reached ? Contact::Answered : Contact::Failed;
  }
  if (step.kind == StepKind::Fetch) {
    if (begin(plan, step, requests, patienceMs, results, deliverer)) return finish(true);
    return fetcher_.run(run, wasOpen);
  }
  if (step.kind == StepKind::Admin) return runAdmin(run);
  const bool pipelined = link_.isBinary() && !link_.isUdp() && !link_.config().noReply;
  if (!pipelined) return runPlain(run);
  if (Link* gathering = side_.forWrites(step, patienceMs)) {
    StepRun there(*gathering, plan, step, requests, patienceMs, results, deliverer);
    const Contact contact = pipeline_.run(there);
    if (contact == Contact::Lost) link_.doubt();
    return contact;
  }
  return pipeline_.run(run);
}

bool MemcachedSession::begin(const Plan& plan, const Step& step, std::span<Request> requests,
                             double patienceMs, CompletionBatch& results, Deliverer& deliverer) {
  if (!link_.isOpen()) return false;
  bool wasOpen = false;
  Link* text = side_.forFetch(plan, step, requests, patienceMs, wasOpen);
  if (text == nullptr) return false;
  if (!wasOpen) link_.doubt();  // nothing has been heard on it, while a new connection found the server
  begun_.emplace(*text, plan, step, requests, patienceMs, results, deliverer);
  fetcher_.begin(*begun_, wasOpen);
  return true;
}

Contact MemcachedSession::finish(bool wait) {
  Contact contact = Contact::Failed;
  const std::uint64_t connects = begun_->link.connects();
  if (wait) {
    contact = fetcher_.finish(*begun_);
  } else {
    fetcher_.abandon(*begun_);
  }
  if (contact == Contact::Lost || begun_->link.connects() != connects) {  // then so may be the others
    link_.doubt();
    side_.dropGathering();
  }
  begun_.reset();
  return contact;
}

Contact MemcachedSession::disconnect(StepRun& run) {
  Request& request = run.at(run.order()[0]);
  if (!run.claim(request)) return Contact::Nothing;
  link_.forget();
  side_.forget();
  run.answer(request, status::kSuccess);
  return Contact::Nothing;
}

void MemcachedSession::configure(std::shared_ptr<const void> settings) {
  side_.forget();
  link_.configure(std::static_pointer_cast<const ConnectionConfig>(std::move(settings)));
}

void MemcachedSession::discard() {
  link_.drop();
  side_.drop();
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
