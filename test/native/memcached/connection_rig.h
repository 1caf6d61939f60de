#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../poll_loop.h"
#include "../requests.h"
#include "fake_server.h"
#include "memcached/connection.h"
#include "memcached/linkage.h"

namespace lmc::test {

// What a caller learns.
struct Result {
  std::int32_t status = 0;
  Outcome outcome = Outcome::Definite;
  std::string value;
  std::uint64_t number = 0;
  std::uint32_t flags = 0;
};

// One connection with all that it needs, on a loop that the test turns.
class ConnectionRig {
 public:
  explicit ConnectionRig(const ConnectionConfig& config, FakeServer* server = nullptr)
      : encoder(protocolOf(config)), server_(server) {
    if (!installLinkage().empty()) std::abort();
    connection = std::make_unique<Connection>(ConnectionContext{loop, encoder, planner, results, jobs}, config, health);
  }

  // Hands a request over; it leaves with flush().
  std::uint32_t add(std::unique_ptr<Request> request) {
    request->slot = nextSlot_++;
    request->submittedMs = nowMs();
    const std::uint32_t slot = request->slot;
    slots.open(*request);
    connection->submit(std::move(request));
    return slot;
  }
  std::uint32_t add(Op op, const std::string& key = {}, const std::string& value = {}, std::uint64_t number = 0) {
    auto request = makeRequest(op, key, value);
    request->number = number;
    return add(std::move(request));
  }
  // As Cluster::cancel does it.
  bool cancel(std::uint32_t slot) {
    Request* const request = slots.at(slot);
    if (request == nullptr) return false;
    if (request->list != nullptr) {
      const std::unique_ptr<Request> owned = request->list->remove(request);
      results.fail(*owned, status::kCancelled, Outcome::NotSent);
      return true;
    }
    request->isGivenUp = !request->isSent;
    const bool isUnsent = request->isGivenUp;
    if (!isUnsent) connection->countGivenUp(*request);
    results.fail(*request, status::kCancelled, isUnsent ? Outcome::NotSent : Outcome::Unknown);
    return isUnsent;
  }

  void turn() {
    if (server_ != nullptr) server_->step();
    loop.turn(2);
    if (server_ != nullptr) server_->step();
    collect();
  }
  bool until(const std::function<bool()>& isDone, double maxMs = 5000) {
    const double end = nowMs() + maxMs;
    while (!isDone()) {
      if (nowMs() > end) return false;
      turn();
    }
    return true;
  }
  void forMs(double milliseconds) {
    until([] { return false; }, milliseconds);
  }
  bool has(std::uint32_t slot) {
    collect();
    return answers.contains(slot);
  }
  // Flushes, and waits for the result.
  Result result(std::uint32_t slot, double maxMs = 5000) {
    connection->flush();
    if (!until([&] { return has(slot); }, maxMs)) return {-1000, Outcome::Definite, "(no result)"};
    return answers[slot];
  }
  Result one(Op op, const std::string& key = {}, const std::string& value = {}, std::uint64_t number = 0) {
    return result(add(op, key, value, number));
  }

  PollLoop loop;
  SlotTable slots;
  Results results{slots};
  Planner planner;
  Encoder encoder;
  ValueJobs jobs{loop, results};
  Health health;
  std::unique_ptr<Connection> connection;
  std::map<std::uint32_t, Result> answers;
  std::vector<std::uint32_t> order;  // in which they came

 private:
  static Encoder::Protocol protocolOf(const ConnectionConfig& config) {
    if (config.isUdp()) return Encoder::Protocol::Udp;
    return config.binary ? Encoder::Protocol::Binary : Encoder::Protocol::Text;
  }

  void collect() {
    if (results.empty()) return;
    const CompletionBatch batch = results.take();
    for (const Completion& item : batch.items) {
      Result result{item.status, item.outcome, {}, item.number, item.flags};
      result.value = item.isBlock ? std::string(batch.blocks[item.offset].bytes.get(), item.length)
                                  : batch.bytes.substr(item.offset, item.length);
      if (!answers.emplace(item.slot, std::move(result)).second) std::abort();  // completed twice
      order.push_back(item.slot);
    }
  }

  FakeServer* server_;
  std::uint32_t nextSlot_ = 0;
};

}  // namespace lmc::test
