#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace lmc {

// When a server counts as failed, and when it is tried again. pylibmc's documented meaning (its "Failover"
// chapter); libmemcached's own back-off is not used: it never sees a hung server, and it counts in seconds
// per handle, where we have several handles for one server.
struct FailurePolicy {
  double retryTimeoutMs = 2000;    // retry_timeout
  double deadTimeoutMs = 0;        // dead_timeout; 0: as long as retry_timeout
  std::uint32_t failureLimit = 5;  // failures in a row until a server is dead: remove_failed, else failure_limit
  bool ejects = false;             // remove_failed or auto_eject: dead servers leave the distribution
};

enum class ServerState : std::uint8_t {
  Up,
  Down,     // failed; not tried until the retry time
  Probing,  // one request is on its way to find out
  Dead,     // failed too often; out of the distribution until the dead time is over
};

// The failure state of one server.
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
  enum class Admission : std::uint8_t { Allow, Probe, RefuseDown, RefuseDead };

  // May a request be sent now? Probe: yes, and it is the one that finds out.
  Admission admit(double nowMs);

  void succeeded();
  // `reason`: in words, if there are any.
  void failed(double nowMs, std::string reason = {});

  // The probe never reached the server (it was cancelled, or expired unsent).
  void probeAbandoned(double nowMs);

  void setPolicy(const FailurePolicy& policy);
  void reset();
  // Called after every change of state, with the state before.
  void onChange(std::function<void(ServerState)> listener) { onChange_ = std::move(listener); }
  // Of the last failure.
  const std::string& reason() const { return reason_; }

  // A dead server is due for a probe at retry_timeout, and not at dead_timeout: for when no server is left.
  void hasten();

  ServerState state() const { return state_; }
  bool isDead() const { return ejected_; }
  // When a Down or Dead server is due for a probe, in milliseconds of the steady clock.
  double retryAt() const { return retryAt_; }

 private:
  void enter(ServerState state);

  ServerState state_ = ServerState::Up;
  std::string reason_;
  std::function<void(ServerState)> onChange_;
  bool ejected_ = false;
  FailurePolicy policy_;
  std::uint32_t failures_ = 0;  // in a row
  double failedAt_ = 0;
  double retryAt_ = 0;
  double probeUntil_ = 0;
};

}  // namespace lmc
