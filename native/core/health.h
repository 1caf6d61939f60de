#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace lmc {

// When a server counts as failed, and when it is tried again. pylibmc's documented meaning (its "Failover"
// chapter); libmemcached's own back-off is not used: it never sees a hung server, and it counts in seconds
// per handle, where we have several handles for one server.
struct FailurePolicy {
  double retryTimeoutMs = 2000;  // retry_timeout
  double deadTimeoutMs = 0;      // dead_timeout; 0: as long as retry_timeout
  std::uint32_t failureLimit =
      5;                // failures in a row until a server is dead: remove_failed, else failure_limit
  bool ejects = false;  // remove_failed or auto_eject: dead servers leave the distribution
};

enum class ServerState : std::uint8_t {
  Up,
  Down,     // failed; not tried until the retry time
  Probing,  // one request is on its way to find out
  Dead,     // failed too often; out of the distribution until the dead time is over
};

// The failure state of one server, shared by its connections and the JavaScript thread.
//
//   Up ──failure──▶ Down ──retry time──▶ Probing ──answer──▶ Up
//                    ▲                      │
//                    └──────failure─────────┤
//                                           └─failure no. failureLimit, if ejecting─▶ Dead ──dead time──▶
//                                           Probing
//
// With a failureLimit of 1 the first failure leads from Up to Dead at once.
class Health {
 public:
  enum class Verdict : std::uint8_t { Allow, Probe, RefuseDown, RefuseDead };

  // JavaScript thread. May a request be sent now? Probe: yes, and it is the one that finds out.
  Verdict admit(double nowMs);

  // Connection threads.
  void succeeded();
  void failed(double nowMs);

  // Any thread: the probe never reached the server (it was cancelled, or expired unsent).
  void probeAbandoned(double nowMs);

  // JavaScript thread.
  void setPolicy(const FailurePolicy& policy);
  void reset();

  ServerState state() const { return state_.load(std::memory_order_acquire); }
  bool isDead() const { return ejected_.load(std::memory_order_acquire); }
  // When a Down or Dead server is due for a probe, in milliseconds of the steady clock.
  double retryAt();

 private:
  // Written under the mutex; read without it, because a healthy server must cost one load a request.
  std::atomic<ServerState> state_{ServerState::Up};
  std::atomic<bool> ejected_{false};
  std::mutex mutex_;  // guards all below
  FailurePolicy policy_;
  std::uint32_t failures_ = 0;  // in a row
  double retryAt_ = 0;
  double probeUntil_ = 0;
};

}  // namespace lmc
