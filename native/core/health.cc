#include "core/health.h"

namespace lmc {

namespace {

// A probe that nothing is heard of for so long is lost: somebody else is sent. A net, should one be
// forgotten.
constexpr double kLongestProbeMs = 60'000;

}  // namespace

Health::Verdict Health::admit(double nowMs) {
  if (state_.load(std::memory_order_acquire) == ServerState::Up) return Verdict::Allow;
  std::lock_guard lock(mutex_);
  switch (state_.load(std::memory_order_relaxed)) {
    case ServerState::Up:
      return Verdict::Allow;
    case ServerState::Probing:
      if (nowMs >= probeUntil_) break;
      return ejected_ ? Verdict::RefuseDead : Verdict::RefuseDown;
    case ServerState::Down:
    case ServerState::Dead:
      break;
  }
  if (nowMs < retryAt_) return ejected_ ? Verdict::RefuseDead : Verdict::RefuseDown;
  probeUntil_ = nowMs + kLongestProbeMs;
  state_.store(ServerState::Probing, std::memory_order_release);
  return Verdict::Probe;
}

void Health::succeeded() {
  if (state_.load(std::memory_order_acquire) == ServerState::Up) return;
  std::lock_guard lock(mutex_);
  failures_ = 0;
  ejected_.store(false, std::memory_order_release);
  state_.store(ServerState::Up, std::memory_order_release);
}

void Health::failed(double nowMs) {
  std::lock_guard lock(mutex_);
  // Several connections may report the same outage, or one may report it late: while nobody was sent out to
  // probe, a server that is down cannot fail again.
  const ServerState state = state_.load(std::memory_order_relaxed);
  if (state == ServerState::Down || state == ServerState::Dead) return;
  ++failures_;
  if (policy_.ejects && failures_ >= policy_.failureLimit) {
    const double deadMs = policy_.deadTimeoutMs > 0 ? policy_.deadTimeoutMs : policy_.retryTimeoutMs;
    retryAt_ = nowMs + deadMs;
    // libmemcached: a dead server is retried once, and dead again if that fails.
    failures_ = policy_.failureLimit - 1;
    ejected_.store(true, std::memory_order_release);
    state_.store(ServerState::Dead, std::memory_order_release);
    return;
  }
  retryAt_ = nowMs + policy_.retryTimeoutMs;
  state_.store(ServerState::Down, std::memory_order_release);
}

void Health::probeAbandoned(double nowMs) {
  std::lock_guard lock(mutex_);
  if (state_.load(std::memory_order_relaxed) != ServerState::Probing) return;
  retryAt_ = nowMs;
  state_.store(ejected_ ? ServerState::Dead : ServerState::Down, std::memory_order_release);
}

void Health::setPolicy(const FailurePolicy& policy) {
  std::lock_guard lock(mutex_);
  policy_ = policy;
  if (!policy_.ejects && ejected_) {
    ejected_.store(false, std::memory_order_release);
    state_.store(ServerState::Down, std::memory_order_release);
  }
}

void Health::reset() {
  std::lock_guard lock(mutex_);
  failures_ = 0;
  ejected_.store(false, std::memory_order_release);
  state_.store(ServerState::Up, std::memory_order_release);
}

double Health::retryAt() {
  std::lock_guard lock(mutex_);
  return retryAt_;
}

}  // namespace lmc
