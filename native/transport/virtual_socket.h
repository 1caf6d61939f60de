#pragma once

#include <sys/types.h>

#include <cstddef>

namespace lmc {

// What libmemcached takes for a socket: a descriptor that no real one has, behind which bytes stay in memory.
// It belongs to the thread that made it. libmemcached may close it and connect again at will: nothing of that
// is known here.
class VirtualSocket {
 public:
  VirtualSocket();
  virtual ~VirtualSocket();
  VirtualSocket(const VirtualSocket&) = delete;
  VirtualSocket& operator=(const VirtualSocket&) = delete;

  int descriptor() const { return descriptor_; }
  // The one of this thread with that descriptor; null: a real one.
  static VirtualSocket* find(int descriptor);

  virtual void send(const char* bytes, std::size_t size) = 0;
  // At least one byte, 0 at the end of file.
  virtual std::size_t receive(char* into, std::size_t room) = 0;

 private:
  int descriptor_;
};

}  // namespace lmc
