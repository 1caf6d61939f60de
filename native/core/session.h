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

  // Sends what a fetch step asks and leaves the answers for finish(), so that the next step runs while the
  // server works. False: this session cannot do that now; nothing was done.
  virtual bool begin(const Plan& plan, const Step& step, std::span<Request> requests, double patienceMs,
                     CompletionBatch& results, Deliverer& deliverer) = 0;
  // Completes what begin() began; only execute() may be called in between. `wait` false: the server has just
  // failed, its answers are not waited for.
  virtual Contact finish(bool wait) = 0;

  // Other settings from here on, see Op::Configure.
  virtual void configure(std::shared_ptr<const void> settings) = 0;

  // The server failed: forget the connection without waiting for it.
  virtual void discard() = 0;

  // What goes before every key on the wire, in bytes.
  virtual std::uint32_t prefixBytes() const { return 0; }

  // How many connections it has made.
  virtual std::uint64_t connects() const { return 0; }
};

inline Contact worseOf(Contact one, Contact other) {
  for (const Contact contact : {Contact::Failed, Contact::Lost, Contact::Answered}) {
    if (one == contact || other == contact) return contact;
  }
  return Contact::Nothing;
}

// Carries out the step at `position` of the plan; a fetch together with the step behind it where their keys
// differ (then `position` moves on): a load of reads and writes would otherwise wait for the server twice.
inline Contact carryOut(Session& session, const Plan& plan, std::size_t& position,
                        std::span<Request> requests, double patienceMs, CompletionBatch& results,
                        Deliverer& deliverer) {
  const Step& step = plan.steps[position];
  const Step* next = position + 1 < plan.steps.size() ? &plan.steps[position + 1] : nullptr;
  const bool hasPartner =
      step.kind == StepKind::Fetch && next != nullptr && next->kind != StepKind::Fetch && next->independent;
  if (!hasPartner || !session.begin(plan, step, requests, patienceMs, results, deliverer))
    return session.execute(plan, step, requests, patienceMs, results, deliverer);
  ++position;
  const Contact partner = session.execute(plan, *next, requests, patienceMs, results, deliverer);
  return worseOf(session.finish(partner != Contact::Failed), partner);
}

// Makes the session of a connection when its thread starts.
using SessionFactory = std::function<std::unique_ptr<Session>()>;

}  // namespace lmc
