#include "transport/virtual_socket.h"

#include <vector>

namespace lmc {

namespace {

// Above every limit of open files, and below what libmemcached takes for invalid.
constexpr int kFirst = 1 << 28;

thread_local std::vector<VirtualSocket*> sockets;

}  // namespace

VirtualSocket::VirtualSocket() {
  std::size_t index = 0;
  while (index < sockets.size() && sockets[index] != nullptr) ++index;
  if (index == sockets.size()) sockets.push_back(nullptr);
  sockets[index] = this;
  descriptor_ = kFirst + static_cast<int>(index);
}

VirtualSocket::~VirtualSocket() {
  // The thread's own objects may be gone already when a client outlives it.
  const auto index = static_cast<std::size_t>(descriptor_ - kFirst);
  if (index < sockets.size()) sockets[index] = nullptr;
}

VirtualSocket* VirtualSocket::find(int descriptor) {
  if (descriptor < kFirst) return nullptr;
  const auto index = static_cast<std::size_t>(descriptor - kFirst);
  return index < sockets.size() ? sockets[index] : nullptr;
}

}  // namespace lmc
