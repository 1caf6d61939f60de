#include "core/health.h"

#include <algorithm>
#include <utility>

namespace lmc {

namespace {

// A probe that nothing is heard of for so long is lost: somebody else is sent. A net, should one be
// forgotten.
constexpr double kLongestProbeMs = 60'000;

}  // namespace

void Health::enter(ServerState state) {
  if (const ServerState previous = std::exchange(state_, state); previous != state && onChange_) onChange_(previous);
}

Health::Admission Health::admit(double nowMs) {
  if (state_ == ServerState::Up) return Admission::Allow;
  switch (state_) {
    case ServerState::Up:
      return Admission::Allow;
    case ServerState::Probing:
      if (nowMs >= probeUntil_) break;
      return ejected_ ? Admission::RefuseDead : Admission::RefuseDown;
    case ServerState::Down:
    case ServerState::Dead:
      break;
  }
  if (nowMs < retryAt_) return ejected_ ? Admission::RefuseDead : Admission::RefuseDown;
  probeUntil_ = nowMs + kLongestProbeMs;
  enter(ServerState::Probing);
  return Admission::Probe;
}

void Health::succeeded() {
  if (state_ == ServerState::Up) return;
  failures_ = 0;
  ejected_ = false;
  enter(ServerState::Up);
}

void Health::failed(double nowMs, std::string reason) {
  // While nobody was sent out to probe, a server that is down cannot fail again.
  if (state_ == ServerState::Down || state_ == ServerState::Dead) return;
  ++failures_;
  reason_ = std::move(reason);
  failedAt_ = nowMs;
  if (policy_.ejects && failures_ >= policy_.failureLimit) {
    const double deadMs = policy_.deadTimeoutMs > 0 ? policy_.deadTimeoutMs : policy_.retryTimeoutMs;
    retryAt_ = nowMs + deadMs;
    // libmemcached: a dead server is retried once, and dead again if that fails.
    failures_ = policy_.failureLimit - 1;
    ejected_ = true;
    enter(ServerState::Dead);
    return;
  }
  retryAt_ = nowMs + policy_.retryTimeoutMs;
  enter(ServerState::Down);
}

void Health::probeAbandoned(double nowMs) {
  if (state_ != ServerState::Probing) return;
  retryAt_ = nowMs;
  enter(ejected_ ? ServerState::Dead : ServerState::Down);
}

void Health::setPolicy(const FailurePolicy& policy) {
  policy_ = policy;
  if (!policy_.ejects && ejected_) {
    ejected_ = false;
    enter(ServerState::Down);
  }
}

void Health::reset() {
  failures_ = 0;
  ejected_ = false;
  enter(ServerState::Up);
}

void Health::hasten() {
  if (state_ != ServerState::Dead) return;
  retryAt_ = std::min(retryAt_, failedAt_ + policy_.retryTimeoutMs);
}

}  // namespace lmc
