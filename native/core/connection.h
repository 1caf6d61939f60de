#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/counters.h"
#include "core/health.h"
#include "core/inbox.h"
#include "core/outbox.h"
#include "core/planner.h"
#include "core/session.h"

namespace lmc {

// Counts connection threads that are still running, so that an exiting environment can wait for them (for a
// bounded time; see Cluster::stop).
class ThreadCount {
 public:
  void entered();
  void left();
  // Waits until no thread runs, or until the time is over. True: none runs.
  bool waitForNone(double milliseconds);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t running_ = 0;
};

// One connection to one server with its thread: drains everything that waits, plans it, and carries it out.
//
// The thread owns its Connection through a shared_ptr and is detached, because it may sit in poll() for as
// long as an operation may take, and nobody may wait for that on the JavaScript thread. What it still touches
// after stop() it owns: the inbox, the session, the outbox.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(SessionFactory sessions, std::shared_ptr<Health> health, std::shared_ptr<Outbox> outbox,
             std::shared_ptr<ThreadCount> threads, double patienceMs);

  // JavaScript thread. Starts the thread with the first request: an unused client has none. `copyBytes`: of
  // the requests that nobody waits for.
  void submit(std::vector<Request>& requests, std::size_t copyBytes = 0);
  // JavaScript thread. Of those that wait.
  std::size_t waitingCopyBytes() { return inbox_.copyBytes(); }

  // JavaScript thread. Takes effect between the requests submitted before and after.
  void configure(std::shared_ptr<const void> settings);

  // JavaScript thread. Ends the thread after the exchange it is at; what waits is completed as closed.
  void stop();

  // JavaScript thread. Adds what this connection has done, and what waits for it, to its server's counts.
  void addTo(ServerCounts& counts);

 private:
  class Delivery;

  void start();
  void run();
  bool serve(std::span<Request> requests, CompletionBatch& results);
  void countStep(const Plan& plan, const Step& step, std::span<const Request> requests);
  void post(CompletionBatch&& results);
  void giveUp(std::span<Request> rest, CompletionBatch& results);
  std::size_t dropOverdue(std::span<Request> requests, CompletionBatch& results);
  void refuse(std::span<Request> requests, std::int32_t status);
  void refuse(Request& request, std::int32_t status, CompletionBatch& results);

  // Requests of one plan. More would delay the first of them without making exchanges larger.
  static constexpr std::size_t kMaxPlanned = 4096;

  // JavaScript thread.
  bool started_ = false;
  std::shared_ptr<const void> firstSettings_;  // that were given before the thread started

  // Shared; each says itself which thread may do what.
  Inbox inbox_;
  std::shared_ptr<Health> health_;
  std::shared_ptr<Outbox> outbox_;
  std::shared_ptr<ThreadCount> threads_;
  ConnectionCounters counters_;

  // Connection thread.
  SessionFactory sessions_;
  std::unique_ptr<Session> session_;
  Planner planner_;
  std::vector<Request> disconnects_;  // left over by a failed exchange, see giveUp()
  // How long to wait for a silent server at least: the client's timeout, and not a shorter one of a single
  // operation, or one impatient caller would take the connection away from everybody else.
  const double patienceMs_;
};

}  // namespace lmc
