#pragma once

#include <span>
#include <string_view>

#include "core/clock.h"
#include "core/session.h"
#include "memcached/link.h"

namespace lmc {

// One step on its way: what every executor needs to know, and how it reports. Connection thread only.
class StepRun {
 public:
  StepRun(Link& link, const Plan& plan, const Step& step, std::span<Request> requests, double patienceMs,
          CompletionBatch& results, Deliverer& deliverer)
      : link(link),
        results(results),
        patienceMs(patienceMs),
        plan_(plan),
        order_(plan.of(step)),
        requests_(requests),
        deliverer_(deliverer),
        deliverItems_(step.kind == StepKind::Store ? kDeliverStores : kDeliverItems),
        startedMs_(nowMs()) {}

  Link& link;
  CompletionBatch& results;
  const double patienceMs;

  std::span<const std::uint32_t> order() const { return order_; }
  Request& at(std::uint32_t index) { return requests_[index]; }
  std::uint32_t nextSame(std::uint32_t index) const { return plan_.nextSame[index]; }

  // Last look before a request is sent. False: it was given up, its time is over, or this server cannot be
  // asked that; it is completed.
  bool claim(Request& request) {
    if (!request.claimForSending()) {
      fail(request, status::kCancelled, Outcome::NotSent);
      return false;
    }
    if (request.deadline <= startedMs_) {
      fail(request, status::kExpired, Outcome::NotSent);
      return false;
    }
    if (link.isText() && !isTextKey(request)) {
      fail(request, status::kBadTextKey, Outcome::NotSent);
      return false;
    }
    return true;
  }

  Completion& answer(const Request& request, std::int32_t status) {
    Completion& completion = results.add(request.slot, status);
    completion.server = request.server;
    completion.isRead = isFetch(request.op);
    return completion;
  }

  void fail(const Request& request, std::int32_t status, Outcome outcome, std::string_view message = {}) {
    Completion& completion = results.addFailure(request.slot, request.server, status, outcome);
    completion.isRead = isFetch(request.op);
    if (!message.empty()) results.attach(completion, message);
  }

  // Lets JavaScript start on what is there once it is worth a wake-up.
  void deliverIfMany() {
    if (results.items.size() >= deliverItems_ || results.bytes.size() >= kDeliverBytes ||
        results.blocks.size() >= kDeliverBlocks)
      deliverer_.deliver(results);
  }

 private:
  // Measured, 100 in flight: stores gain a quarter by early results (their answers trickle in), fetches lose
  // a tenth and the other writes a quarter (callers come back in smaller batches, each of which must be
  // primed).
  static constexpr std::size_t kDeliverItems = 256;
  static constexpr std::size_t kDeliverStores = 48;
  static constexpr std::size_t kDeliverBytes = 256 * 1024;
  static constexpr std::size_t kDeliverBlocks = 16;

  bool isTextKey(const Request& request) const {
    if (!request.textSafe) return false;
    if (!link.config().verifyKeys) return true;
    // verify_keys as libmemcached means it: visible ASCII only, so no UTF-8. Checked for each key here, since
    // libmemcached would refuse a whole multi-get for one of them.
    for (const char byte : request.keyView()) {
      if (byte < 0x21 || byte > 0x7e) return false;
    }
    return true;
  }

  const Plan& plan_;
  std::span<const std::uint32_t> order_;
  std::span<Request> requests_;
  Deliverer& deliverer_;
  const std::size_t deliverItems_;
  const double startedMs_;
};

}  // namespace lmc
