#pragma once

#include <netdb.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "memcached/handle.h"
#include "transport/fiber.h"
#include "transport/loop.h"

namespace lmc {

struct Opened {
  memcached_return_t rc = MEMCACHED_SUCCESS;
  // Whoever says something, even nonsense or "no", is there; a refused, reset or silent connection is not.
  bool isReached = false;
  int descriptor = -1;
  std::string message;
  bool ok() const { return descriptor >= 0; }
};

// Opens a connection for real: libmemcached looks the name up, connects, sets the socket up, authenticates
// and asks for the version; where it would wait, the fiber that this runs on waits. Nothing of a request has
// been sent before it returns, so a failure here never leaves an outcome unknown.
class Opener final {
 public:
  // `wake`: resumes the fiber, from outside. It takes `timeoutMs` at most.
  Opener(Loop& loop, Fiber& fiber, std::function<void()> wake, const ConnectionConfig& config, double timeoutMs);
  ~Opener();

  // On the fiber.
  Opened open();
  // From outside, before the fiber is resumed for the last time: nothing is waited for any longer.
  void cancel() { isCancelled_ = true; }

  std::uint64_t bytesSent() const { return bytesSent_; }
  std::uint64_t bytesReceived() const { return bytesReceived_; }

  // What libmemcached's calls to the system do meanwhile (system_calls.h): as ever, but for those that would
  // wait.
  int resolve(const char* host, const char* service, const addrinfo* hints, addrinfo** found);
  void opened(int descriptor);
  // As poll() for one descriptor.
  int wait(int descriptor, short events, int timeoutMs, short* happened);
  // Whether bytes for this descriptor go nowhere.
  bool swallows(int descriptor) const;
  void sent(std::size_t size) { bytesSent_ += size; }
  // As recv(), but nothing that libmemcached could choke on.
  ssize_t receive(int descriptor, char* into, std::size_t room);
  void close(int descriptor);

 private:
  memcached_return_t greet();
  memcached_return_t askAnything();
  Opened judge(memcached_return_t rc);
  Opened refuse(memcached_return_t rc, std::string message);
  Opened keep();
  bool saysItIsThere() const;
  std::size_t missingBytes() const;
  bool isSafe() const;
  double remainingMs() const;
  void suspend();
  std::string lastMessage() const;

  Loop& loop_;
  Fiber& fiber_;
  const std::function<void()> wake_;
  const ConnectionConfig config_;
  const double timeoutMs_;
  const double deadline_;
  bool isCancelled_ = false;
  bool isReleased_ = false;  // the socket is no longer libmemcached's
  int descriptor_ = -1;      // the last one that it opened, and has not closed, or closed for what it was told
  bool isConnecting_ = false;
  std::size_t addresses_ = 1;  // that are left to be tried
  std::string heard_;          // the last line or frame that the server said on `descriptor_`
  std::size_t fed_ = 0;        // of it, to libmemcached
  bool isWhole_ = false;       // it is not being received any longer
  bool isNonsense_ = false;    // nothing that a memcached says
  std::uint64_t bytesSent_ = 0;
  std::uint64_t bytesReceived_ = 0;
  Handle handle_;
};

}  // namespace lmc
