#include "transport/virtual_socket.h"

#include <doctest/doctest.h>

#include <climits>
#include <memory>
#include <set>
#include <thread>
#include <vector>

using lmc::VirtualSocket;

namespace {

class Nowhere final : public VirtualSocket {
 public:
  void send(const char*, std::size_t) override {}
  std::size_t receive(char*, std::size_t) override { return 0; }
};

}  // namespace

TEST_CASE("virtual socket: is found by its descriptor while it exists") {
  int descriptor;
  {
    const Nowhere socket;
    descriptor = socket.descriptor();
    CHECK(VirtualSocket::find(descriptor) == &socket);
  }
  CHECK(VirtualSocket::find(descriptor) == nullptr);
}

TEST_CASE("virtual socket: real descriptors and invalid ones are none") {
  const Nowhere socket;
  for (const int descriptor : {INT_MIN, -1, 0, 1, 2, 1023, 65536, 1 << 20, INT_MAX})
    CHECK(VirtualSocket::find(descriptor) == nullptr);
}

TEST_CASE("virtual socket: each has a descriptor of its own and they are used again") {
  std::vector<std::unique_ptr<Nowhere>> sockets;
  std::set<int> descriptors;
  for (int index = 0; index < 100; ++index) {
    sockets.push_back(std::make_unique<Nowhere>());
    descriptors.insert(sockets.back()->descriptor());
  }
  CHECK(descriptors.size() == 100);
  for (const auto& socket : sockets) CHECK(VirtualSocket::find(socket->descriptor()) == socket.get());
  const int freed = sockets[50]->descriptor();
  sockets[50].reset();
  const Nowhere next;
  CHECK(next.descriptor() == freed);
}

TEST_CASE("virtual socket: belongs to the thread that made it") {
  const Nowhere socket;
  VirtualSocket* found = nullptr;
  int other = 0;
  std::thread([&] {
    found = VirtualSocket::find(socket.descriptor());
    const Nowhere own;
    other = VirtualSocket::find(own.descriptor()) == &own ? 1 : 0;
  }).join();
  CHECK(found == nullptr);
  CHECK(other == 1);
}
