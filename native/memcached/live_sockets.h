#pragma once

#include <netdb.h>
#include <sys/types.h>

#include <cstddef>

namespace lmc {

// What libmemcached's calls to the system do while it opens a connection for real: the same as ever, but for
// those that would wait. Called on a fiber.
class LiveSockets {
 public:
  virtual ~LiveSockets() = default;

  virtual int resolve(const char* host, const char* service, const addrinfo* hints, addrinfo** found) = 0;
  virtual void opened(int descriptor) = 0;
  // As poll() for one descriptor.
  virtual int wait(int descriptor, short events, int timeoutMs, short* happened) = 0;
  // Whether bytes for this descriptor go nowhere.
  virtual bool swallows(int descriptor) const = 0;
  virtual void sent(std::size_t size) = 0;
  // As recv(), but nothing that libmemcached could choke on.
  virtual ssize_t receive(int descriptor, char* into, std::size_t room) = 0;
  virtual void close(int descriptor) = 0;
};

}  // namespace lmc
