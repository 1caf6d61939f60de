#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace lmc {

class Stream;

// What the event loop does for connections. Implemented over libuv by the binding, over poll() by the native
// tests. Everything is called, and calls back, on the one thread of the loop; nothing calls back before it
// has returned to the loop.
class Loop {
 public:
  virtual ~Loop() = default;

  // Watches a descriptor while it exists; must go before the descriptor is closed.
  class Watch {
   public:
    virtual ~Watch() = default;
    virtual void set(bool readable, bool writable) = 0;
  };
  struct Readiness {
    bool readable = false;
    bool writable = false;
  };
  virtual std::unique_ptr<Watch> watch(int descriptor, std::function<void(Readiness)> onReady) = 0;

  // A stream that connects over TLS, from now on; not to be called on a fiber. `onReady` as for a descriptor: writable
  // once it is connected, readable also when it ends.
  virtual std::unique_ptr<Stream> connectSecurely(const std::string& host, std::uint16_t port,
                                                  std::function<void(Readiness)> onReady) = 0;

  class Timer {
   public:
    virtual ~Timer() = default;
    virtual void start(double milliseconds) = 0;  // again: from now on
    virtual void stop() = 0;
  };
  virtual std::unique_ptr<Timer> timer(std::function<void()> onTime) = 0;

  // Runs `job` in a pool of threads, then `done` on the loop; `job` must not touch anything that is not its
  // own. When the loop ends, `done` may never be called.
  virtual void work(std::function<void()> job, std::function<void()> done) = 0;
};

}  // namespace lmc
