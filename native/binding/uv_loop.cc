#include "binding/uv_loop.h"

#include <cmath>
#include <utility>

namespace lmc {

struct UvLoop::Shared {
  uv_loop_t* loop;
  std::function<void(bool)> afterEvent;
  bool isClosed = false;
  std::size_t held = 0;  // handles that are not closed, and jobs that are not done
  std::function<void()> onClosed;

  void release() {
    if (--held == 0 && onClosed) std::exchange(onClosed, nullptr)();
  }
};

namespace {

// A handle with what it calls: deleted by its close callback.
template <typename Handle, typename Callback, typename SharedState>
struct Holder {
  Handle handle{};
  int events = 0;  // of a poll handle: what is watched
  Callback callback;
  std::shared_ptr<SharedState> shared;

  Holder(Callback function, std::shared_ptr<SharedState> state)
      : callback(std::move(function)), shared(std::move(state)) {
    handle.data = this;
    ++shared->held;
  }
  // Calls what may close this very handle.
  template <typename... Arguments>
  void call(Arguments... arguments) {
    const std::shared_ptr<SharedState> state = shared;
    if (callback && !state->isClosed) callback(arguments...);
    if (!state->isClosed) state->afterEvent(false);
  }
  void close() {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* closed) {
      auto* const self = static_cast<Holder*>(closed->data);
      const std::shared_ptr<SharedState> state = self->shared;
      delete self;
      state->release();
    });
  }
};

}  // namespace

class UvLoop::UvWatch final : public Loop::Watch {
 public:
  UvWatch(std::shared_ptr<Shared> shared, int descriptor, std::function<void(Readiness)> onReady)
      : holder_(new PollHolder(std::move(onReady), std::move(shared))) {
    uv_poll_init(holder_->shared->loop, &holder_->handle, descriptor);
    uv_unref(reinterpret_cast<uv_handle_t*>(&holder_->handle));
  }
  ~UvWatch() override { holder_->close(); }

  // Started once and left alone: changing what is watched costs a system call.
  void set(bool readable, bool writable) override {
    const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    if (events == holder_->events) return;
    holder_->events = events;
    uv_poll_start(&holder_->handle, events, onPoll);
  }

 private:
  using PollHolder = Holder<uv_poll_t, std::function<void(Readiness)>, Shared>;
  PollHolder* holder_;

  static void onPoll(uv_poll_t* poll, int status, int happened) {
    auto* const holder = static_cast<PollHolder*>(poll->data);
    // libuv stops watching what is broken. There may be bytes before the error, which whoever reads will
    // find.
    const bool isBroken = status < 0;
    if (isBroken) uv_poll_start(poll, holder->events, onPoll);
    holder->call(Readiness{isBroken || (happened & UV_READABLE) != 0, (happened & UV_WRITABLE) != 0});
  }
};

class UvLoop::UvTimer final : public Loop::Timer {
 public:
  UvTimer(std::shared_ptr<Shared> shared, std::function<void()> onTime)
      : holder_(new TimerHolder(std::move(onTime), std::move(shared))) {
    uv_timer_init(holder_->shared->loop, &holder_->handle);
    uv_unref(reinterpret_cast<uv_handle_t*>(&holder_->handle));
  }
  ~UvTimer() override { holder_->close(); }

  void start(double milliseconds) override {
    uv_update_time(holder_->shared->loop);
    uv_timer_start(
        &holder_->handle, [](uv_timer_t* timer) { static_cast<TimerHolder*>(timer->data)->call(); },
        static_cast<std::uint64_t>(std::ceil(milliseconds)), 0);
  }
  void stop() override { uv_timer_stop(&holder_->handle); }

 private:
  using TimerHolder = Holder<uv_timer_t, std::function<void()>, Shared>;
  TimerHolder* holder_;
};

UvLoop::UvLoop(uv_loop_t* loop, std::function<void(bool)> afterEvent, ConnectSecurely connectSecurely)
    : shared_(std::make_shared<Shared>()), connectSecurely_(std::move(connectSecurely)), alive_(new uv_async_t{}) {
  shared_->loop = loop;
  shared_->afterEvent = std::move(afterEvent);
  ++shared_->held;
  uv_async_init(loop, alive_, nullptr);
  alive_->data = new std::shared_ptr<Shared>(shared_);
  keepAlive(false);
}

UvLoop::~UvLoop() { close(nullptr); }

std::unique_ptr<Loop::Watch> UvLoop::watch(int descriptor, std::function<void(Readiness)> onReady) {
  return std::make_unique<UvWatch>(shared_, descriptor, std::move(onReady));
}

std::unique_ptr<Loop::Timer> UvLoop::timer(std::function<void()> onTime) {
  return std::make_unique<UvTimer>(shared_, std::move(onTime));
}

void UvLoop::work(std::function<void()> job, std::function<void()> done) {
  struct Work {
    uv_work_t request{};
    std::function<void()> job;
    std::function<void()> done;
    std::shared_ptr<Shared> shared;
  };
  auto* const work = new Work{{}, std::move(job), std::move(done), shared_};
  work->request.data = work;
  ++shared_->held;
  uv_queue_work(
      shared_->loop, &work->request, [](uv_work_t* request) { static_cast<Work*>(request->data)->job(); },
      [](uv_work_t* request, int) {
        const std::unique_ptr<Work> finished(static_cast<Work*>(request->data));
        const std::shared_ptr<Shared> shared = finished->shared;
        if (!shared->isClosed) finished->done();
        if (!shared->isClosed) shared->afterEvent(true);
        shared->release();
      });
}

void UvLoop::keepAlive(bool alive) {
  if (alive_ == nullptr) return;
  auto* const handle = reinterpret_cast<uv_handle_t*>(alive_);
  alive ? uv_ref(handle) : uv_unref(handle);
}

void UvLoop::close(std::function<void()> onClosed) {
  if (shared_->isClosed) return;
  shared_->isClosed = true;
  shared_->onClosed = std::move(onClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(alive_, nullptr)), [](uv_handle_t* closed) {
    const std::unique_ptr<std::shared_ptr<Shared>> shared(static_cast<std::shared_ptr<Shared>*>(closed->data));
    delete reinterpret_cast<uv_async_t*>(closed);
    (*shared)->release();
  });
}

}  // namespace lmc
