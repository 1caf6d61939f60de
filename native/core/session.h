#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/completion.h"
#include "core/planner.h"
#include "core/request.h"

namespace lmc {

// How an exchange with the server went, as far as the server's health is concerned.
enum class Contact : std::uint8_t {
  Answered,  // whatever it said, it is there
  Lost,      // an established connection broke; a new one may be tried at once
  Failed,    // it could not be reached, or did not answer in time
  Nothing,   // nothing was sent
};

// Where completions go while a step runs, so that JavaScript can work on the first results while the next
// ones are being read.
class Deliverer {
 public:
  virtual ~Deliverer() = default;
  // Hands over what is in the batch, which is empty afterwards.
  virtual void deliver(CompletionBatch& batch) = 0;
};

// One connection to one server, as the connection thread sees it. Implemented by native/memcached; everything
// is called on the connection thread.
class Session {
 public:
  virtual ~Session() = default;

  // Carries out a step: completes every request in it (and those that wait for the same key) exactly once,
  // unless its claim was lost, in which case the request is completed as cancelled.
  // `patienceMs`: how long to wait for a server that says nothing.
  virtual Contact execute(const Plan& plan, const Step& step, std::span<Request> requests, double patienceMs,
                          CompletionBatch& results, Deliverer& deliverer) = 0;

  // Other settings from here on, see Op::Configure.
  virtual void configure(std::shared_ptr<const void> settings) = 0;

  // The server failed: forget the connection without waiting for it.
  virtual void discard() = 0;

  // How many connections it has made.
  virtual std::uint64_t connects() const { return 0; }
};

// Makes the session of a connection when its thread starts.
using SessionFactory = std::function<std::unique_ptr<Session>()>;

}  // namespace lmc
