#pragma once

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "transport/loop.h"
#include "transport/stream.h"

namespace lmc::test {

// A Loop over poll(2), turned by the test. The jobs of the pool run on the one thread that there is, one in a
// turn.
class PollLoop final : public Loop {
 public:
  std::unique_ptr<Watch> watch(int descriptor, std::function<void(Readiness)> onReady) override {
    return std::make_unique<PollWatch>(*this, descriptor, std::move(onReady));
  }
  std::unique_ptr<Stream> connectSecurely(const std::string&, std::uint16_t, std::function<void(Readiness)>) override {
    std::abort();  // Node's, see the tests in JavaScript
  }
  std::unique_ptr<Timer> timer(std::function<void()> onTime) override {
    return std::make_unique<PollTimer>(*this, std::move(onTime));
  }
  void work(std::function<void()> job, std::function<void()> done) override {
    jobs_.push_back({std::move(job), std::move(done)});
  }

  // One turn: waits for at most `maxMs` until something is due, and calls what is.
  void turn(double maxMs = 10) {
    double wait = jobs_.empty() ? maxMs : 0;
    for (const PollTimer* timer : timers_) {
      if (timer->at >= 0) wait = std::min(wait, std::max(0.0, timer->at - nowMs()));
    }
    std::vector<pollfd> polled;
    for (const PollWatch* watch : watches_) polled.push_back({watch->descriptor, watch->events, 0});
    ::poll(polled.data(), polled.size(), static_cast<int>(wait + 0.999));
    runJob();
    callTimers();
    const std::vector<PollWatch*> watches = watches_;
    for (std::size_t index = 0; index < polled.size(); ++index) callWatch(watches, polled[index]);
  }

  // Turns until it is so; false: it took too long.
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

  std::size_t jobs() const { return jobs_.size(); }
  // Whether jobs are kept from running: what happens while one is on its way.
  bool holdsJobs = false;

 private:
  struct Job {
    std::function<void()> job;
    std::function<void()> done;
  };

  class PollWatch final : public Watch {
   public:
    PollWatch(PollLoop& loop, int watched, std::function<void(Readiness)> onReady)
        : descriptor(watched), call(std::move(onReady)), loop_(loop) {
      loop.watches_.push_back(this);
    }
    ~PollWatch() override { std::erase(loop_.watches_, this); }
    void set(bool readable, bool writable) override {
      events = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    }
    const int descriptor;
    short events = 0;
    std::function<void(Readiness)> call;

   private:
    PollLoop& loop_;
  };

  class PollTimer final : public Timer {
   public:
    PollTimer(PollLoop& loop, std::function<void()> onTime) : call(std::move(onTime)), loop_(loop) {
      loop.timers_.push_back(this);
    }
    ~PollTimer() override { std::erase(loop_.timers_, this); }
    void start(double milliseconds) override { at = nowMs() + milliseconds; }
    void stop() override { at = -1; }
    double at = -1;
    std::function<void()> call;

   private:
    PollLoop& loop_;
  };

  void runJob() {
    if (jobs_.empty() || holdsJobs) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    job.job();
    job.done();
  }

  // Callbacks destroy timers and watches, also the one that calls: each is looked for again, and what it
  // calls is a copy.
  void callTimers() {
    const std::vector<PollTimer*> timers = timers_;
    const double now = nowMs();
    for (PollTimer* timer : timers) {
      if (std::find(timers_.begin(), timers_.end(), timer) == timers_.end()) continue;
      if (timer->at < 0 || timer->at > now) continue;
      timer->at = -1;
      const auto call = timer->call;
      call();
    }
  }

  void callWatch(const std::vector<PollWatch*>& watches, const pollfd& polled) {
    if (polled.revents == 0) return;
    for (PollWatch* watch : watches) {
      const bool exists = std::find(watches_.begin(), watches_.end(), watch) != watches_.end();
      if (!exists || watch->descriptor != polled.fd || watch->events == 0) continue;
      const bool isBroken = (polled.revents & (POLLHUP | POLLERR)) != 0;
      Readiness ready;
      ready.readable = (watch->events & POLLIN) != 0 && (isBroken || (polled.revents & POLLIN) != 0);
      ready.writable = (watch->events & POLLOUT) != 0 && (isBroken || (polled.revents & POLLOUT) != 0);
      const auto call = watch->call;
      if (ready.readable || ready.writable) call(ready);
    }
  }

  std::vector<PollWatch*> watches_;
  std::vector<PollTimer*> timers_;
  std::deque<Job> jobs_;
};

}  // namespace lmc::test
