#pragma once

#include <netdb.h>

#include <functional>
#include <string>

#include "memcached/config.h"
#include "transport/fiber.h"
#include "transport/loop.h"

namespace lmc {

// Connects for real: libmemcached looks the name up, tries the addresses and sets the socket up; where it would wait,
// the fiber that this runs on waits. Nothing is sent.
class Connector final {
 public:
  // `wake`: resumes the fiber, from outside. It takes `timeoutMs` at most.
  Connector(Loop& loop, Fiber& fiber, std::function<void()> wake, const ConnectionConfig& config, double timeoutMs);
  ~Connector();

  // On the fiber. A descriptor that is the caller's; -1: what `rc` and `message` say.
  int connect();
  memcached_return_t rc = MEMCACHED_SUCCESS;
  std::string message;
  // From outside, before the fiber is resumed for the last time: nothing is waited for any longer.
  void cancel() { isCancelled_ = true; }

  // What libmemcached's calls to the system do meanwhile (system_calls.h): as ever, but for those that would wait, and
  // for those behind a connection that stands.
  int resolve(const char* host, const char* service, const addrinfo* hints, addrinfo** found);
  void opened(int descriptor);
  // As poll() for one descriptor.
  int wait(int descriptor, short events, int timeoutMs, short* happened);
  // What it would send says that the connection stands.
  void connected() { isConnected_ = true; }
  void close(int descriptor);

 private:
  double remainingMs() const;
  void suspend();

  Loop& loop_;
  Fiber& fiber_;
  const std::function<void()> wake_;
  const ConnectionConfig config_;
  const double deadline_;
  bool isCancelled_ = false;
  bool isConnected_ = false;  // the socket is no longer libmemcached's
  int descriptor_ = -1;       // the last one that it opened and has not closed
  bool isConnecting_ = false;
  std::size_t addresses_ = 1;  // that are left to be tried
};

}  // namespace lmc
