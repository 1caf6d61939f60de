#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memcached_server.h"

namespace lmc::test {

// Stands between a client and a server, one connection at a time, and cuts the connection once so many bytes
// have passed in one direction: what is lost is known to the byte, and the server lives on with what it was
// told.
class CuttingProxy {
 public:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  // Listens on a socket of the same kind as the server's.
  explicit CuttingProxy(const ServerSpec& server) : server_(server), spec_(server) {
    if (server.transport == Transport::Unix) {
      spec_.host = folder_.in("proxy.sock");
      const sockaddr_un address = unixAddress(spec_.host);
      listener_ = listenOn(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    } else {
      const sockaddr_in address = loopback(0);
      listener_ = listenOn(reinterpret_cast<const sockaddr*>(&address), sizeof address);
      spec_.port = portOf(listener_);
    }
    if (pipe(stop_) != 0) throw std::runtime_error("no pipe");
    thread_ = std::thread([this] { run(); });
  }
  ~CuttingProxy() {
    close(stop_[1]);
    thread_.join();
    close(stop_[0]);
  }
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  const ServerSpec& spec() const { return spec_; }

  // From now on, counted over all connections. After the cut everything passes again.
  void cutAfterAnswers(std::size_t bytes) { answersLeft_ = bytes; }
  void cutAfterRequests(std::size_t bytes) { requestsLeft_ = bytes; }
  void never() {
    answersLeft_ = kNever;
    requestsLeft_ = kNever;
  }

 private:
  struct Pair {
    Socket client;
    Socket server;
  };

  void run() {
    std::vector<Pair> pairs;
    for (;;) {
      std::vector<pollfd> waiting = {{listener_.get(), POLLIN, 0}, {stop_[0], POLLIN, 0}};
      for (const Pair& pair : pairs) {
        waiting.push_back({pair.client.get(), POLLIN, 0});
        waiting.push_back({pair.server.get(), POLLIN, 0});
      }
      poll(waiting.data(), waiting.size(), -1);
      if (waiting[1].revents != 0) return;
      for (std::size_t index = pairs.size(); index-- > 0;) {
        const bool asked = waiting[2 + 2 * index].revents != 0;
        const bool answered = waiting[3 + 2 * index].revents != 0;
        Pair& pair = pairs[index];
        const bool lives = (!asked || pass(pair.client, pair.server, requestsLeft_)) &&
                           (!answered || pass(pair.server, pair.client, answersLeft_));
        if (!lives) pairs.erase(pairs.begin() + static_cast<std::ptrdiff_t>(index));
      }
      if (waiting[0].revents == 0) continue;
      Pair pair{Socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)), connectTo(server_)};
      if (pair.client.ok() && pair.server.ok()) pairs.push_back(std::move(pair));
    }
  }

  // False: the connection is to be closed.
  static bool pass(const Socket& from, const Socket& to, std::atomic<std::size_t>& left) {
    char buffer[4096];
    ssize_t got = recv(from.get(), buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    std::size_t allowed = left;
    const bool cut = allowed != kNever && static_cast<std::size_t>(got) >= allowed;
    if (cut) got = static_cast<ssize_t>(allowed);
    for (ssize_t sent = 0; sent < got;) {
      const ssize_t more = send(to.get(), buffer + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
      if (more <= 0) return false;
      sent += more;
    }
    // Unless the test has set another limit meanwhile: it sees the bytes before we count them.
    if (allowed != kNever)
      left.compare_exchange_strong(allowed, cut ? kNever : allowed - static_cast<std::size_t>(got));
    return !cut;
  }

  TemporaryFolder folder_;
  ServerSpec server_;
  ServerSpec spec_;
  Socket listener_;
  int stop_[2] = {-1, -1};
  std::atomic<std::size_t> answersLeft_{kNever};
  std::atomic<std::size_t> requestsLeft_{kNever};
  std::thread thread_;
};

}  // namespace lmc::test
