#include "core/connection.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

#include "core/clock.h"

namespace lmc {

namespace {

// libmemcached's limit for a namespace (MEMCACHED_PREFIX_KEY_MAX_SIZE).
constexpr std::uint32_t kLongestPrefix = 128;

}  // namespace

void ThreadCount::entered() {
  std::lock_guard lock(mutex_);
  ++running_;
}

void ThreadCount::left() {
  // Notified under the lock: the waiter may destroy nothing of us, it holds a reference.
  std::lock_guard lock(mutex_);
  --running_;
  changed_.notify_all();
}

bool ThreadCount::waitForNone(double milliseconds) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::duration<double, std::milli>(milliseconds),
                           [this] { return running_ == 0; });
}

// Hands completions over, also in the middle of a step, and counts what the reads among them found.
class Connection::Delivery final : public Deliverer {
 public:
  explicit Delivery(Connection& connection) : connection_(connection) {}

  void deliver(CompletionBatch& batch) override {
    count(batch);
    connection_.post(std::move(batch));
    batch = CompletionBatch{};
    counted_ = 0;
  }

  void count(const CompletionBatch& batch) {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    for (; counted_ < batch.items.size(); ++counted_) {
      if (!batch.items[counted_].isRead) continue;
      const std::int32_t found = batch.items[counted_].status;
      hits += found == status::kSuccess || found == status::kBadCompression ? 1 : 0;
      misses += found == status::kNotFound ? 1 : 0;
    }
    connection_.counters_.hits.add(hits);
    connection_.counters_.misses.add(misses);
  }

 private:
  Connection& connection_;
  std::size_t counted_ = 0;  // completions of the batch that were looked at
};

Connection::Connection(SessionFactory sessions, std::shared_ptr<Health> health,
                       std::shared_ptr<Outbox> outbox, std::shared_ptr<ThreadCount> threads,
                       double patienceMs)
    : health_(std::move(health)),
      outbox_(std::move(outbox)),
      threads_(std::move(threads)),
      sessions_(std::move(sessions)),
      patienceMs_(patienceMs) {}

void Connection::submit(std::vector<Request>& requests, std::size_t copyBytes) {
  if (!started_) {
    try {
      start();
    } catch (const std::system_error&) {
      // No thread to be had (a limit of the system): the operations fail, the process lives. The counters are
      // ours meanwhile.
      counters_.taken.add(requests.size());
      refuse(requests, status::kServerDown);
      requests.clear();
      health_->probeAbandoned(nowMs());  // if it was among them
      return;
    }
    if (firstSettings_) configure(std::exchange(firstSettings_, nullptr));
  }
  inbox_.push(requests, copyBytes);
}

void Connection::configure(std::shared_ptr<const void> settings) {
  if (!started_) {  // only the last ones count: there may be many before anything is asked
    firstSettings_ = std::move(settings);
    return;
  }
  std::vector<Request> requests(1);
  requests[0].op = Op::Configure;
  requests[0].slot = kNoSlot;
  requests[0].deadline = std::numeric_limits<double>::infinity();
  requests[0].settings = std::move(settings);
  inbox_.push(requests);
}

void Connection::stop() { inbox_.close(); }

void Connection::addTo(ServerCounts& counts) {
  counts.queued += inbox_.size();
  counts.add(counters_);
}

void Connection::start() {
  // A signal that arrives in libmemcached's poll loop breaks its time-keeping: our threads take none.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    threads_->entered();
    std::thread([self = shared_from_this()] {
      std::shared_ptr<ThreadCount> threads = self->threads_;
      self->run();
      threads->left();
    }).detach();
    started_ = true;
  } catch (...) {
    threads_->left();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Connection::run() {
  session_ = sessions_();
  std::vector<Request> batch;
  while (inbox_.take(batch)) {
    counters_.taken.add(batch.size());
    std::span<Request> left(batch);
    while (!left.empty() && !inbox_.isClosed()) {
      const std::size_t count = std::min(left.size(), kMaxPlanned);
      CompletionBatch results;
      const bool alive = serve(left.first(count), results);
      left = left.subspan(count);
      if (!alive) {
        giveUp(left, results);
        left = {};
      }
      post(std::move(results));
    }
    refuse(left, status::kClosed);
    batch.clear();
  }
  counters_.taken.add(batch.size());
  refuse(batch, status::kClosed);
  batch.clear();
  session_.reset();  // on this thread: it says goodbye to the server
}

// The server failed: what waits was meant for one that was thought to be up. All of it is completed before
// anybody can learn of the failure, so that nothing that is submitted afterwards, a probe least of all, is
// refused with it.
void Connection::giveUp(std::span<Request> rest, CompletionBatch& results) {
  std::vector<Request> gathered;
  inbox_.takeNow(gathered);
  counters_.taken.add(gathered.size());
  for (Request& request : rest) refuse(request, status::kServerDown, results);
  for (Request& request : gathered) refuse(request, status::kServerDown, results);
  session_->discard();
  health_->failed(nowMs());
  // Whoever asked that the failure be forgotten shall have it, as if the question had come a moment later.
  std::vector<Request> disconnects = std::exchange(disconnects_, {});
  if (!disconnects.empty()) serve(disconnects, results);
}

// False: the server failed. Everything in the requests is completed all the same; `results` holds what is not
// delivered.
bool Connection::serve(std::span<Request> requests, CompletionBatch& results) {
  const std::size_t live = dropOverdue(requests, results);
  requests = requests.first(live);
  Delivery delivery(*this);
  if (!results.empty()) delivery.deliver(results);
  if (requests.empty()) return true;

  double latest = 0;
  std::uint32_t prefixBytes = session_->prefixBytes();
  for (const Request& request : requests) {
    if (request.op == Op::Configure) {
      prefixBytes = kLongestPrefix;
    } else {
      latest = std::max(latest, request.deadline);
    }
  }

  const Plan& plan = planner_.plan(requests, prefixBytes);
  bool alive = true;
  for (std::size_t position = 0; position < plan.steps.size(); ++position) {
    const Step& step = plan.steps[position];
    const Request& first = requests[plan.order[step.begin]];
    if (first.op == Op::Configure) {
      session_->configure(first.settings);
      counters_.completed.add(1);
      continue;
    }
    // A server that was found dead a moment ago is not waited for by every step once more.
    if (!alive || inbox_.isClosed()) {
      const std::int32_t reason = alive ? status::kClosed : status::kServerDown;
      for (const std::uint32_t head : plan.of(step)) {
        for (std::uint32_t index = head; index != kNone; index = plan.nextSame[index])
          refuse(requests[index], reason, results);
      }
      continue;
    }
    if (first.op == Op::Disconnect) health_->reset();
    const double patience = std::max(patienceMs_, latest - nowMs());
    const std::size_t from = position;
    const Contact contact = carryOut(*session_, plan, position, requests, patience, results, delivery);
    for (std::size_t done = from; done <= position && contact != Contact::Nothing; ++done)
      countStep(plan, plan.steps[done], requests);
    delivery.count(results);
    // Lost: a connection that had been made broke, so something is there; a new one may be tried at once.
    if (contact == Contact::Answered || contact == Contact::Lost) health_->succeeded();
    if (contact == Contact::Nothing && health_->state() == ServerState::Probing)
      health_->probeAbandoned(nowMs());
    alive = contact != Contact::Failed;
    if (alive) delivery.deliver(results);
  }
  return alive;
}

void Connection::countStep(const Plan& plan, const Step& step, std::span<const Request> requests) {
  counters_.connects.set(session_->connects());
  if (step.kind == StepKind::Admin) return;
  counters_.batches.add(1);
  counters_.batched.add(step.end - step.begin);
  // Those that were handed over together took equally long: one look at the buckets for all of them.
  const double now = nowMs();
  double since = 0;
  std::uint64_t together = 0;
  std::uint64_t coalesced = 0;
  for (const std::uint32_t head : plan.of(step)) {
    for (std::uint32_t index = head; index != kNone; index = plan.nextSame[index]) {
      const Request& request = requests[index];
      if (request.slot == kNoSlot) continue;
      if (index != head) ++coalesced;
      if (request.submittedMs != since) {
        if (together > 0) counters_.latency.record(now - since, together);
        since = request.submittedMs;
        together = 0;
      }
      ++together;
    }
  }
  if (together > 0) counters_.latency.record(now - since, together);
  counters_.coalesced.add(coalesced);
}

// Every completion leaves this way.
void Connection::post(CompletionBatch&& results) {
  counters_.completed.add(results.items.size());
  outbox_->post(std::move(results));
}

// Requests that were given up or whose time is over are never sent. Moves the others to the front, in order.
std::size_t Connection::dropOverdue(std::span<Request> requests, CompletionBatch& results) {
  const double now = nowMs();
  std::size_t kept = 0;
  bool asksNothing = true;
  for (std::size_t index = 0; index < requests.size(); ++index) {
    Request& request = requests[index];
    const bool cancelled =
        request.claim != nullptr && request.claim->load(std::memory_order_relaxed) == Claim::Cancelled;
    if (!cancelled && request.deadline > now) {
      asksNothing = asksNothing && request.op == Op::Configure;
      if (kept != index) requests[kept] = std::move(request);
      ++kept;
      continue;
    }
    results.addFailure(request.slot, request.server, cancelled ? status::kCancelled : status::kExpired,
                       Outcome::NotSent);
  }
  if (asksNothing && kept < requests.size() && health_->state() == ServerState::Probing)
    health_->probeAbandoned(now);
  return kept;
}

void Connection::refuse(std::span<Request> requests, std::int32_t status) {
  CompletionBatch results;
  for (Request& request : requests) refuse(request, status, results);
  post(std::move(results));
}

void Connection::refuse(Request& request, std::int32_t status, CompletionBatch& results) {
  if (request.op == Op::Configure) {
    if (session_) session_->configure(request.settings);
    counters_.completed.add(1);
    return;
  }
  if (request.op == Op::Disconnect && status == status::kServerDown && session_) {
    disconnects_.push_back(std::move(request));
    return;
  }
  const bool ours = request.claimUnsent();
  results.addFailure(request.slot, request.server, ours ? status : status::kCancelled, Outcome::NotSent);
}

}  // namespace lmc
