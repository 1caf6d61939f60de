#include "core/connection.h"

#include <doctest/doctest.h>
#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "batch.h"
#include "core/clock.h"
#include "core/slot_table.h"
#include "model.h"

using namespace lmc;
using namespace lmc::test;

namespace {

// What the fake sessions of a test did and shall do. Shared by the test and the connection thread.
class Script {
 public:
  // Called for every step before it is carried out, on the connection thread, without the lock.
  std::function<Contact(const Step&, std::span<const std::uint32_t>)> onStep;
  std::function<void()> onDiscard;
  std::function<void()> onEnd;

  void hold() {
    std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  void waitUntilHeld() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return inside_; });
  }
  void passGate() {
    std::unique_lock lock(mutex_);
    inside_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    inside_ = false;
  }

  void note(const std::string& event) {
    std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  std::vector<std::string> events() {
    std::lock_guard lock(mutex_);
    return events_;
  }
  int count(std::string_view prefix) {
    int found = 0;
    for (const std::string& event : events()) found += event.starts_with(prefix) ? 1 : 0;
    return found;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  bool inside_ = false;
  std::vector<std::string> events_;
};

// Carries steps out on a model of a server. A step that the script lets fail is not carried out.
class FakeSession final : public Session {
 public:
  explicit FakeSession(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  ~FakeSession() override {
    script_->note("end");
    if (script_->onEnd) script_->onEnd();
  }

  Contact execute(const Plan& plan, const Step& step, std::span<Request> requests, double patienceMs,
                  CompletionBatch& results, Deliverer& deliverer) override {
    script_->passGate();
    script_->note("step patience " + std::to_string(static_cast<int>(patienceMs)));
    Contact contact = script_->onStep ? script_->onStep(step, plan.of(step)) : Contact::Answered;
    bool any = false;
    for (const std::uint32_t head : plan.of(step)) {
      Reply reply;
      bool executed = false;
      for (std::uint32_t index = head; index != kNone; index = plan.nextSame[index]) {
        Request& request = requests[index];
        if (!request.claimForSending()) {
          results.add(request.slot, status::kCancelled).outcome = Outcome::NotSent;
          continue;
        }
        any = true;
        if (contact == Contact::Failed || contact == Contact::Lost) {
          results.add(request.slot, 99).outcome = Outcome::Unknown;
          continue;
        }
        if (!std::exchange(executed, true)) reply = server_.execute(request);
        script_->note("did " + std::to_string(request.slot));
        Completion& completion = results.add(request.slot, reply.status);
        completion.isRead = isFetch(request.op);
        completion.number = reply.number;
        completion.flags = generation_;
        results.attach(completion, reply.value);
        if (results.items.size() >= 50) deliverer.deliver(results);
      }
    }
    return any ? contact : Contact::Nothing;
  }

  // Fetches that may run beside the next step come after it: the order that would show a wrong plan.
  bool begin(const Plan& plan, const Step& step, std::span<Request> requests, double patienceMs,
             CompletionBatch& results, Deliverer& deliverer) override {
    if (script_->onStep) return false;
    script_->note("begin");
    begun_ = [&plan, &step, requests, patienceMs, &results, &deliverer, this] {
      return execute(plan, step, requests, patienceMs, results, deliverer);
    };
    return true;
  }
  Contact finish(bool) override { return std::exchange(begun_, nullptr)(); }

  void configure(std::shared_ptr<const void> settings) override {
    generation_ = *std::static_pointer_cast<const std::uint32_t>(settings);
    script_->note("configure " + std::to_string(generation_));
  }

  void discard() override {
    script_->note("discard");
    if (script_->onDiscard) script_->onDiscard();
  }

 private:
  std::shared_ptr<Script> script_;
  std::function<Contact()> begun_;
  ModelServer server_;
  std::uint32_t generation_ = 0;
};

struct Answer {
  std::int32_t status;
  Outcome outcome;
  std::string value;
  std::uint64_t number;
  std::uint32_t generation;
  std::size_t place;  // in the order in which answers came
};

// A connection with everything around it, as a cluster makes it.
class Rig {
 public:
  explicit Rig(double patienceMs = 1000) {
    connection =
        std::make_shared<Connection>([script = script] { return std::make_unique<FakeSession>(script); },
                                     health, outbox, threads, patienceMs);
  }
  ~Rig() {
    script->release();
    if (connection) connection->stop();
    CHECK(threads->waitForNone(20000));
  }

  void submit(Batch& batch) { connection->submit(batch.requests()); }

  // Every answer to come: exactly one for each slot, or it fails.
  std::map<std::uint32_t, Answer> answers(std::size_t count) {
    std::unique_lock lock(mutex_);
    CHECK(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return answers_.size() >= count; }));
    CHECK(answers_.size() == count);
    CHECK(doubled_ == 0);
    return answers_;
  }

  std::shared_ptr<Script> script = std::make_shared<Script>();
  std::shared_ptr<Health> health = std::make_shared<Health>();
  std::shared_ptr<ThreadCount> threads = std::make_shared<ThreadCount>();
  std::shared_ptr<Outbox> outbox = std::make_shared<Outbox>([this] { receive(); });
  std::shared_ptr<Connection> connection;

 private:
  void receive() {
    std::lock_guard lock(mutex_);
    for (CompletionBatch& batch : outbox->take()) {
      for (const Completion& item : batch.items) {
        const Answer answer{item.status, item.outcome, batch.bytes.substr(item.offset, item.length),
                            item.number, item.flags,   answers_.size()};
        if (item.slot != kNoSlot && !answers_.emplace(item.slot, answer).second) ++doubled_;
      }
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint32_t, Answer> answers_;
  int doubled_ = 0;
};

// Holds the connection at one request of its own, with the slot 1000000, so that what follows gathers.
void occupy(Rig& rig) {
  rig.script->hold();
  std::vector<Request> first(1);
  first[0].slot = 1000000;
  first[0].key = "occupied";  // lives as long as anybody looks at it
  first[0].keyLength = 8;
  first[0].deadline = std::numeric_limits<double>::infinity();
  rig.connection->submit(first);
  rig.script->waitUntilHeld();
}

}  // namespace

TEST_CASE("thread count: waits for none and for the last") {
  ThreadCount threads;
  CHECK(threads.waitForNone(0));
  threads.entered();
  CHECK_FALSE(threads.waitForNone(5));
  std::thread leaver([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    threads.left();
  });
  CHECK(threads.waitForNone(20000));
  leaver.join();
}

TEST_CASE("connection: an unused one has no thread") {
  Rig rig;
  CHECK(rig.threads->waitForNone(0));
  rig.connection->configure(std::make_shared<const std::uint32_t>(1));
  CHECK(rig.threads->waitForNone(0));
}

TEST_CASE("connection: a request is answered and the thread stays until it is stopped") {
  Rig rig;
  Batch batch;
  batch.add(Op::Get, "k");
  rig.submit(batch);
  CHECK(rig.answers(1).at(0).status == ModelServer::Missing);
  CHECK_FALSE(rig.threads->waitForNone(20));
  rig.connection->stop();
  CHECK(rig.threads->waitForNone(20000));
  CHECK(rig.script->events().back() == "end");  // the session ends on the thread
}

TEST_CASE("connection: everything is answered exactly once with the answer of the call order") {
  std::mt19937 random(5);
  Rig rig;
  Batch all;  // as one, for the model
  std::vector<Batch> parts(60);
  std::uint32_t slot = 0;
  for (Batch& part : parts) {
    const std::uint32_t count = 1 + random() % 200;
    for (std::uint32_t index = 0; index < count; ++index) {
      const auto op = static_cast<Op>(random() % (static_cast<std::uint32_t>(Op::DecrInitial) + 1));
      const std::string key = std::to_string(random() % 20);
      const std::string value = std::to_string(random() % 100);
      const std::uint64_t number = random() % 5;
      part.add(op, key, value, number).slot = slot++;
      all.add(op, key, value, number);
    }
  }
  for (Batch& part : parts) {
    rig.submit(part);
    if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const auto answers = rig.answers(slot);
  const std::vector<Reply> expected = executeInCallOrder(all.view());
  std::uint32_t wrong = 0;
  for (std::uint32_t index = 0; index < slot; ++index) {
    const Answer& answer = answers.at(index);
    if (answer.status != expected[index].status || answer.value != expected[index].value ||
        answer.number != expected[index].number)
      ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("connection: a batch larger than one plan keeps the order") {
  Rig rig;
  occupy(rig);
  Batch batch;
  for (int index = 0; index < 10000; ++index) batch.add(Op::IncrInitial, "n", "", 1);
  rig.submit(batch);
  rig.script->release();
  const auto answers = rig.answers(10001);
  std::uint32_t wrong = 0;
  for (std::uint32_t index = 0; index < 10000; ++index) wrong += answers.at(index).number == index ? 0 : 1;
  CHECK(wrong == 0);
}

TEST_CASE("connection: stopped with work waiting answers all of it as closed") {
  Rig rig;
  occupy(rig);
  Batch batch;
  for (int index = 0; index < 500; ++index) batch.add(Op::Set, std::to_string(index), "v");
  rig.submit(batch);
  rig.connection->stop();
  rig.script->release();
  const auto answers = rig.answers(501);
  CHECK(answers.at(1000000).status == ModelServer::Missing);  // what it was at is finished
  for (std::uint32_t index = 0; index < 500; ++index) {
    REQUIRE(answers.at(index).status == status::kClosed);
    REQUIRE(answers.at(index).outcome == Outcome::NotSent);
  }
  CHECK(rig.threads->waitForNone(20000));
}

TEST_CASE("connection: stopped in the middle of a batch of several plans does not go on to the next") {
  Rig rig;
  occupy(rig);
  Batch batch;
  for (int index = 0; index < 8192; ++index) batch.add(Op::Stats);  // one step each
  int steps = 0;
  rig.script->onStep = [&](const Step&, std::span<const std::uint32_t>) {
    if (++steps == 2) rig.connection->stop();  // the first was the occupying one
    return Contact::Answered;
  };
  rig.submit(batch);
  rig.script->release();
  const auto answers = rig.answers(8193);
  std::uint32_t closed = 0;
  for (std::uint32_t index = 4096; index < 8192; ++index)
    closed += answers.at(index).status == status::kClosed;
  CHECK(closed == 4096);
}

TEST_CASE("connection: stopped in the middle of a plan ends after the exchange it is at") {
  Rig rig;
  occupy(rig);
  Batch batch;
  for (int index = 0; index < 100; ++index) batch.add(Op::Stats);
  int steps = 0;
  rig.script->onStep = [&](const Step&, std::span<const std::uint32_t>) {
    if (++steps == 2) rig.connection->stop();
    return Contact::Answered;
  };
  rig.submit(batch);
  rig.script->release();
  const auto answers = rig.answers(101);
  CHECK(answers.at(0).status == ModelServer::Done);
  std::uint32_t closed = 0;
  for (std::uint32_t index = 1; index < 100; ++index) closed += answers.at(index).status == status::kClosed;
  CHECK(closed == 99);
}

TEST_CASE("connection: stopped right after the first request") {
  for (int round = 0; round < 100; ++round) {
    Rig rig;
    Batch batch;
    batch.add(Op::Set, "k", "v");
    rig.submit(batch);
    rig.connection->stop();
    rig.answers(1);
  }
}

TEST_CASE("connection: let go by its owner the thread ends by itself") {
  Rig rig;
  Batch batch;
  batch.add(Op::Set, "k", "v");
  rig.submit(batch);
  rig.connection->stop();
  rig.connection.reset();
  CHECK(rig.threads->waitForNone(20000));
  rig.answers(1);
}

TEST_CASE("connection: many connections share an outbox and end together") {
  Rig rig;
  std::vector<std::shared_ptr<Connection>> connections;
  for (int count = 0; count < 8; ++count) {
    connections.push_back(
        std::make_shared<Connection>([script = rig.script] { return std::make_unique<FakeSession>(script); },
                                     rig.health, rig.outbox, rig.threads, 1000.0));
  }
  std::uint32_t slot = 0;
  std::vector<Batch> batches(80);
  for (std::size_t index = 0; index < batches.size(); ++index) {
    for (int count = 0; count < 20; ++count) batches[index].add(Op::Set, "k", "v").slot = slot++;
    connections[index % connections.size()]->submit(batches[index].requests());
  }
  rig.answers(slot);
  for (auto& connection : connections) connection->stop();
  CHECK(rig.threads->waitForNone(20000));
}

TEST_CASE("connection: counts what it did before anybody can have the result") {
  Rig rig;
  Batch first;
  first.add(Op::Set, "k", "v");
  first.add(Op::Get, "k");
  first.add(Op::Get, "k");
  first.add(Op::Get, "other");
  for (Request& request : first.requests()) request.submittedMs = nowMs();
  rig.submit(first);
  rig.answers(4);
  ServerCounts counts;
  rig.connection->addTo(counts);
  CHECK(counts.hits == 2);
  CHECK(counts.misses == 1);
  CHECK(counts.coalesced == 1);
  CHECK(counts.batches == 3);  // the miss, the write, and what was read after it
  CHECK(counts.batched == 3);
  CHECK(counts.queued == 0);
  CHECK(counts.inFlight == 0);
  CHECK(counts.latency.sumNs() > 0);
}

TEST_CASE("connection: what waits and what is being worked on are told apart") {
  Rig rig;
  occupy(rig);
  Batch batch;
  for (std::uint32_t slot = 0; slot < 10; ++slot) batch.add(Op::Get, "k");
  rig.submit(batch);
  rig.connection->configure(std::make_shared<const std::uint32_t>(1));
  ServerCounts counts;
  rig.connection->addTo(counts);
  CHECK(counts.inFlight == 1);
  CHECK(counts.queued == 11);
  rig.script->release();
  rig.answers(11);
  Batch last;  // behind the settings: when it is answered, they were taken
  last.add(Op::Get, "k").slot = 11;
  rig.submit(last);
  rig.answers(12);
  ServerCounts after;
  rig.connection->addTo(after);
  CHECK(after.inFlight == 0);
  CHECK(after.queued == 0);
}

TEST_CASE("connection: what a failed exchange refuses is not in flight, and neither a hit nor a miss") {
  Rig rig;
  rig.script->onStep = [](const Step&, std::span<const std::uint32_t>) { return Contact::Failed; };
  Batch batch;
  batch.add(Op::Get, "k");
  batch.add(Op::Set, "k", "v");
  rig.submit(batch);
  rig.answers(2);
  ServerCounts counts;
  rig.connection->addTo(counts);
  CHECK(counts.inFlight == 0);
  CHECK(counts.hits + counts.misses == 0);
  CHECK(counts.batches == 1);
}

TEST_CASE("connection: cancelled requests are never sent") {
  Rig rig;
  SlotTable slots;
  occupy(rig);
  Batch batch;
  for (std::uint32_t slot = 0; slot < 100; ++slot) {
    batch.add(Op::Append, std::to_string(slot / 2), "x").claim = slots.open(slot);
  }
  rig.submit(batch);
  for (std::uint32_t slot = 0; slot < 100; slot += 3) REQUIRE(slots.cancel(slot));
  rig.script->release();
  const auto answers = rig.answers(101);
  for (std::uint32_t slot = 0; slot < 100; ++slot) {
    const bool cancelled = slot % 3 == 0;
    CHECK((answers.at(slot).status == status::kCancelled) == cancelled);
    CHECK(rig.script->count("did " + std::to_string(slot)) >= (cancelled ? 0 : 1));
    if (cancelled) CHECK(answers.at(slot).outcome == Outcome::NotSent);
    if (!cancelled) CHECK_FALSE(slots.cancel(slot));
  }
  for (const std::string& event : rig.script->events()) {
    if (event.starts_with("did ") && event != "did 1000000") CHECK(std::stoi(event.substr(4)) % 3 != 0);
  }
}

TEST_CASE("connection: cancelled at any moment a request is either sent or not") {
  Rig rig;
  SlotTable slots;
  constexpr std::uint32_t kSlots = 5000;
  std::vector<char> cancelled(kSlots, 0);
  Batch batches[50];
  std::uint32_t slot = 0;
  for (Batch& batch : batches) {
    for (std::uint32_t count = 0; count < kSlots / 50; ++count, ++slot) {
      Request& request = batch.add(Op::Set, "k" + std::to_string(slot), "v");
      request.slot = slot;
      request.claim = slots.open(slot);
    }
  }
  std::uint32_t next = 0;
  for (Batch& batch : batches) {
    rig.submit(batch);
    for (const std::uint32_t end = next + kSlots / 50; next < end; ++next) {
      if (next % 2 == 0) cancelled[next] = slots.cancel(next) ? 1 : 0;
    }
  }
  const auto answers = rig.answers(kSlots);
  std::vector<char> did(kSlots, 0);
  for (const std::string& event : rig.script->events()) {
    if (event.starts_with("did ")) did[std::stoul(event.substr(4))] = 1;
  }
  std::uint32_t wrong = 0;
  for (std::uint32_t index = 0; index < kSlots; ++index) {
    if (did[index] == cancelled[index]) ++wrong;
    if ((answers.at(index).status == status::kCancelled) != (cancelled[index] == 1)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("connection: requests whose time is over are never sent") {
  Rig rig;
  occupy(rig);
  Batch batch;
  const double now = nowMs();
  for (std::uint32_t slot = 0; slot < 60; ++slot)
    batch.add(Op::Set, std::to_string(slot), "v").deadline = slot % 2 == 0 ? now + 5 : now + 60000;
  rig.submit(batch);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  rig.script->release();
  const auto answers = rig.answers(61);
  for (std::uint32_t slot = 0; slot < 60; ++slot) {
    CHECK(answers.at(slot).status == (slot % 2 == 0 ? status::kExpired : status::kSuccess));
    if (slot % 2 == 0) CHECK(answers.at(slot).outcome == Outcome::NotSent);
    CHECK(rig.script->count("did " + std::to_string(slot)) >= (slot % 2 == 0 ? 0 : 1));
  }
  int executed = 0;
  for (const std::string& event : rig.script->events()) executed += event.starts_with("did ") ? 1 : 0;
  CHECK(executed == 31);
}

TEST_CASE("connection: a batch of which nothing is left does not reach the session") {
  Rig rig;
  Batch batch;
  for (int count = 0; count < 10; ++count) batch.add(Op::Get, "k").deadline = nowMs() - 1;
  rig.submit(batch);
  const auto answers = rig.answers(10);
  CHECK(answers.at(9).status == status::kExpired);
  CHECK(rig.script->count("step") == 0);
}

TEST_CASE("connection: waits as long as the longest deadline and at least the client's timeout") {
  {
    Rig rig(1000);
    Batch batch;
    batch.add(Op::Get, "a").deadline = nowMs() + 50;
    rig.submit(batch);
    rig.answers(1);
    CHECK(rig.script->events().front() == "step patience 1000");
  }
  {
    Rig rig(1000);
    Batch batch;
    batch.add(Op::Get, "a").deadline = nowMs() + 50;
    batch.add(Op::Get, "b").deadline = nowMs() + 500000;
    rig.submit(batch);
    rig.answers(2);
    const std::string event = rig.script->events().front();
    CHECK(std::stoi(event.substr(14)) > 400000);
    CHECK(std::stoi(event.substr(14)) <= 500000);
  }
}

TEST_CASE("connection: a failed exchange refuses the rest as server down without trying") {
  Rig rig;
  occupy(rig);
  Batch batch;
  for (int round = 0; round < 50; ++round) {
    batch.add(Op::Set, "k", "v");
    batch.add(Op::Get, "k");
    batch.add(Op::Get, "k");
  }
  int steps = 0;
  rig.script->onStep = [&](const Step&, std::span<const std::uint32_t>) {
    return ++steps == 4 ? Contact::Failed : Contact::Answered;  // the occupying one, set, get, set
  };
  rig.submit(batch);
  rig.script->release();
  const auto answers = rig.answers(151);
  CHECK(answers.at(0).status == ModelServer::Done);
  CHECK(answers.at(2).value == "v");
  CHECK(answers.at(3).status == 99);
  for (std::uint32_t slot = 4; slot < 150; ++slot) {
    REQUIRE(answers.at(slot).status == status::kServerDown);
    REQUIRE(answers.at(slot).outcome == Outcome::NotSent);
  }
  CHECK(rig.health->state() == ServerState::Down);
  CHECK(rig.script->count("discard") == 1);
  CHECK(rig.script->count("step") == 4);
}

TEST_CASE("connection: what gathered behind a failed exchange is refused too") {
  Rig rig;
  rig.script->onStep = [](const Step&, std::span<const std::uint32_t>) { return Contact::Failed; };
  occupy(rig);
  Batch batch;
  for (int count = 0; count < 20; ++count) batch.add(Op::Set, std::to_string(count), "v");
  rig.submit(batch);
  rig.script->release();
  const auto answers = rig.answers(21);
  for (std::uint32_t slot = 0; slot < 20; ++slot) CHECK(answers.at(slot).status == status::kServerDown);
  CHECK(rig.script->count("step") == 1);
}

TEST_CASE("connection: a failed exchange refuses the whole rest of a batch of several plans") {
  Rig rig;
  occupy(rig);
  Batch batch;
  for (int index = 0; index < 10000; ++index) batch.add(Op::Get, std::to_string(index));
  int steps = 0;
  rig.script->onStep = [&](const Step&, std::span<const std::uint32_t>) {
    return ++steps == 1 ? Contact::Answered : Contact::Failed;  // the occupying one
  };
  rig.submit(batch);
  rig.script->release();
  const auto answers = rig.answers(10001);
  CHECK(answers.at(9999).status == status::kServerDown);
  CHECK(rig.script->count("step") == 2);
}

TEST_CASE("connection: after a failure the next submission is tried again") {
  Rig rig;
  bool fail = true;
  rig.script->onStep = [&](const Step&, std::span<const std::uint32_t>) {
    return std::exchange(fail, false) ? Contact::Failed : Contact::Answered;
  };
  Batch first;
  first.add(Op::Get, "a");
  rig.submit(first);
  rig.answers(1);
  // What arrives before the failure is dealt with is refused with it.
  std::uint32_t slot = 0;
  std::int32_t status = status::kServerDown;
  while (status == status::kServerDown && slot < 100) {
    Batch next;
    next.add(Op::Get, "a").slot = ++slot;
    rig.submit(next);
    status = rig.answers(slot + 1).at(slot).status;
  }
  CHECK(status == ModelServer::Missing);
  rig.connection->stop();
  REQUIRE(rig.threads->waitForNone(20000));
  CHECK(rig.health->state() == ServerState::Up);
}

TEST_CASE("connection: a lost connection is no failure of the server and the rest goes on") {
  Rig rig;
  occupy(rig);
  Batch batch;
  for (int round = 0; round < 3; ++round) {
    batch.add(Op::Set, "k", "v");
    batch.add(Op::Get, "k");
  }
  int steps = 0;
  rig.script->onStep = [&](const Step&, std::span<const std::uint32_t>) {
    return ++steps == 2 ? Contact::Lost : Contact::Answered;
  };
  rig.submit(batch);
  rig.script->release();
  const auto answers = rig.answers(7);
  CHECK(answers.at(0).status == 99);
  CHECK(answers.at(5).value == "v");
  CHECK(rig.health->state() == ServerState::Up);
}

TEST_CASE("connection: a probe whose connection is lost does not leave the server probing forever") {
  Rig rig;
  FailurePolicy policy;
  policy.retryTimeoutMs = 1;
  rig.health->setPolicy(policy);
  rig.health->failed(nowMs() - 100);
  REQUIRE(rig.health->admit(nowMs()) == Health::Verdict::Probe);
  rig.script->onStep = [](const Step&, std::span<const std::uint32_t>) { return Contact::Lost; };
  Batch batch;
  batch.add(Op::Incr, "k", "", 1);
  rig.submit(batch);
  rig.answers(1);
  rig.connection->stop();
  REQUIRE(rig.threads->waitForNone(20000));
  CHECK(rig.health->state() != ServerState::Probing);
  const Health::Verdict later = rig.health->admit(nowMs() + 3600000);
  CHECK((later == Health::Verdict::Allow || later == Health::Verdict::Probe));
}

TEST_CASE(
    "connection: a probe that is refused with what gathered does not leave the server probing forever") {
  // Another connection's failure put the server down; its retry time comes just when this one notices, too,
  // so that the probe is already waiting behind the failed exchange.
  Rig rig;
  FailurePolicy policy;
  policy.retryTimeoutMs = 1;
  rig.health->setPolicy(policy);
  rig.script->onStep = [](const Step&, std::span<const std::uint32_t>) { return Contact::Failed; };
  Batch probe;
  probe.add(Op::Get, "probe").slot = 1;
  Health::Verdict verdict = Health::Verdict::Allow;
  rig.script->onDiscard = [&] {  // as the JavaScript thread might, between the report and the clearing
    verdict = rig.health->admit(nowMs() + 100);
    rig.connection->submit(probe.requests());
  };
  Batch first;
  first.add(Op::Get, "first");
  rig.submit(first);
  const auto answers = rig.answers(2);
  REQUIRE(verdict == Health::Verdict::Probe);
  CHECK(answers.at(0).status == 99);
  rig.connection->stop();
  REQUIRE(rig.threads->waitForNone(20000));
  const Health::Verdict later = rig.health->admit(nowMs() + 3600000);
  CHECK((later == Health::Verdict::Allow || later == Health::Verdict::Probe));
}

TEST_CASE("connection: a probe that expired or was cancelled unsent is abandoned") {
  for (const bool cancelled : {false, true}) {
    Rig rig;
    SlotTable slots;
    FailurePolicy policy;
    policy.retryTimeoutMs = 1;
    rig.health->setPolicy(policy);
    rig.health->failed(nowMs() - 100);
    REQUIRE(rig.health->admit(nowMs()) == Health::Verdict::Probe);
    Batch batch;
    Request& request = batch.add(Op::Get, "k");
    request.claim = slots.open(0);
    if (cancelled) slots.cancel(0);
    if (!cancelled) request.deadline = nowMs() - 1;
    rig.submit(batch);
    rig.answers(1);
    rig.connection->stop();
    REQUIRE(rig.threads->waitForNone(20000));
    CHECK(rig.health->state() == ServerState::Down);
    CHECK(rig.health->admit(nowMs() + 1) == Health::Verdict::Probe);
  }
}

TEST_CASE("connection: a probe that is given up beside a change of settings is abandoned") {
  Rig rig;
  SlotTable slots;
  FailurePolicy policy;
  policy.retryTimeoutMs = 1;
  rig.health->setPolicy(policy);
  occupy(rig);
  rig.health->failed(nowMs() - 100);
  REQUIRE(rig.health->admit(nowMs()) == Health::Verdict::Probe);
  Batch batch;
  batch.add(Op::Get, "k").claim = slots.open(0);
  slots.cancel(0);
  rig.submit(batch);
  rig.connection->configure(std::make_shared<int>(1));
  rig.script->onStep = [](const Step&, std::span<const std::uint32_t>) { return Contact::Nothing; };
  rig.script->release();
  rig.answers(2);
  rig.connection->stop();
  REQUIRE(rig.threads->waitForNone(20000));
  CHECK(rig.health->state() == ServerState::Down);
}

TEST_CASE("connection: a probe that is cancelled at the last moment is abandoned") {
  Rig rig;
  SlotTable slots;
  FailurePolicy policy;
  policy.retryTimeoutMs = 1;
  rig.health->setPolicy(policy);
  rig.health->failed(nowMs() - 100);
  REQUIRE(rig.health->admit(nowMs()) == Health::Verdict::Probe);
  rig.script->onStep = [&](const Step&, std::span<const std::uint32_t>) {
    slots.cancel(0);
    return Contact::Answered;
  };
  Batch batch;
  batch.add(Op::Get, "k").claim = slots.open(0);
  rig.submit(batch);
  CHECK(rig.answers(1).at(0).status == status::kCancelled);
  rig.connection->stop();
  REQUIRE(rig.threads->waitForNone(20000));
  CHECK(rig.health->state() == ServerState::Down);
}

TEST_CASE("connection: disconnecting resets the health") {
  Rig rig;
  rig.health->failed(nowMs());
  Batch batch;
  batch.add(Op::Disconnect);
  rig.submit(batch);
  rig.answers(1);
  CHECK(rig.health->state() == ServerState::Up);
}

TEST_CASE("connection: disconnecting behind an exchange that fails forgets that failure too") {
  for (const bool inOneBatch : {false, true}) {
    CAPTURE(inOneBatch);
    Rig rig;
    occupy(rig);
    bool occupying = true;
    rig.script->onStep = [&](const Step& step, std::span<const std::uint32_t>) {
      if (std::exchange(occupying, false) && inOneBatch) return Contact::Answered;
      return step.kind == StepKind::Admin ? Contact::Nothing : Contact::Failed;
    };
    Batch batch;
    if (inOneBatch) batch.add(Op::Set, "a", "v").slot = 1;
    batch.add(Op::Disconnect).slot = 2;
    batch.add(Op::Get, "b").slot = 3;
    rig.submit(batch);
    rig.script->release();
    const auto answers = rig.answers(inOneBatch ? 4 : 3);
    CHECK(answers.at(2).status == status::kSuccess);
    CHECK(answers.at(3).status == status::kServerDown);
    CHECK(rig.health->state() == ServerState::Up);
  }
}

TEST_CASE("connection: settings change between the requests before and after") {
  Rig rig;
  std::uint32_t slot = 0;
  Batch batches[40];
  occupy(rig);
  for (std::uint32_t round = 0; round < 40; ++round) {
    batches[round].add(Op::Set, "k", "v").slot = slot++;
    batches[round].add(Op::Get, "k").slot = slot++;
    rig.submit(batches[round]);
    rig.connection->configure(std::make_shared<const std::uint32_t>(round + 1));
    if (round == 20) rig.script->release();
  }
  Batch last;
  last.add(Op::Get, "k").slot = slot++;
  rig.submit(last);
  const auto answers = rig.answers(slot + 1);
  std::uint32_t wrong = 0;
  for (std::uint32_t index = 0; index < slot; ++index)
    wrong += answers.at(index).generation == index / 2 ? 0 : 1;
  CHECK(wrong == 0);
}

TEST_CASE("connection: settings before the first request are in force for it") {
  Rig rig;
  rig.connection->configure(std::make_shared<const std::uint32_t>(7));
  Batch batch;
  batch.add(Op::Get, "k");
  rig.submit(batch);
  CHECK(rig.answers(1).at(0).generation == 7);
}

TEST_CASE("connection: settings are not lost with the requests that are refused") {
  Rig rig;
  bool fail = true;
  rig.script->onStep = [&](const Step&, std::span<const std::uint32_t>) {
    return std::exchange(fail, false) ? Contact::Failed : Contact::Answered;
  };
  occupy(rig);
  Batch gathered;
  gathered.add(Op::Get, "a");
  rig.submit(gathered);
  rig.connection->configure(std::make_shared<const std::uint32_t>(3));
  rig.script->release();
  rig.answers(2);
  Batch after;
  after.add(Op::Get, "b").slot = 5;
  rig.submit(after);
  CHECK(rig.answers(3).at(5).generation == 3);
}

TEST_CASE("connection: its thread takes no signals and the submitting thread keeps its own") {
  Rig rig;
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  sigset_t inside;
  sigemptyset(&inside);
  rig.script->onStep = [&](const Step&, std::span<const std::uint32_t>) {
    pthread_sigmask(SIG_SETMASK, nullptr, &inside);
    return Contact::Answered;
  };
  Batch batch;
  batch.add(Op::Get, "k");
  rig.submit(batch);
  rig.answers(1);
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGCHLD, SIGALRM}) {
    CHECK(sigismember(&inside, signal) == 1);
    CHECK(sigismember(&before, signal) == sigismember(&after, signal));
  }
}

TEST_CASE("connection: bytes of a submission live until the last request is answered") {
  Rig rig;
  occupy(rig);
  {
    Payload* payload = Payload::allocate(5 * 100);
    PayloadRef own = PayloadRef::adopt(payload);
    std::vector<Request> requests(100);
    for (std::uint32_t slot = 0; slot < 100; ++slot) {
      char* key = payload->bytes() + slot * 5;
      std::snprintf(key, 5, "k%03u", slot);
      Request& request = requests[slot];
      request.op = Op::Append;
      request.slot = slot;
      request.key = key;
      request.keyLength = 4;
      request.value = key;
      request.valueLength = 4;
      request.deadline = std::numeric_limits<double>::infinity();
      request.keyBytes = PayloadRef::share(payload);
    }
    rig.connection->submit(requests);
  }
  rig.script->release();
  CHECK(rig.answers(101).at(99).status == ModelServer::Missing);
}
