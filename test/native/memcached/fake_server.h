#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "answers.h"
#include "memcached_server.h"

namespace lmc::test {

// A server whose every word is the test's. It runs on the test's own thread, between the turns of the loop.
class FakeServer {
 public:
  explicit FakeServer(bool isBinary = false) : isBinary_(isBinary) {
    spec.transport = Transport::Unix;
    spec.host = folder_.in("fake.sock");
    listen();
  }

  // What one client has asked, behind its greeting.
  class Client {
   public:
    explicit Client(int descriptor) : socket_(descriptor) { fcntl(descriptor, F_SETFL, O_NONBLOCK); }
    void say(const std::string& bytes) { unsaid_ += bytes; }
    // Its next request as a line, "" if there is none.
    std::string takeLine() {
      const std::size_t end = heard.find('\n');
      if (end == std::string::npos) return {};
      std::string line = heard.substr(0, end + 1);
      heard.erase(0, end + 1);
      return line;
    }
    void hangUp() { socket_ = Socket(); }
    bool isOpen() const { return socket_.ok(); }

    std::string heard;
    bool isGone = false;  // hung up itself
    bool listens = true;  // false: what it says stays in the socket
    bool isGreeted = false;

   private:
    friend class FakeServer;
    void step() {
      if (!isOpen()) return;
      char buffer[65536];
      ssize_t got = 1;
      while (listens && (got = ::recv(socket_.get(), buffer, sizeof buffer, 0)) > 0)
        heard.append(buffer, static_cast<std::size_t>(got));
      if (listens && got == 0) isGone = true;
      while (!unsaid_.empty()) {
        const ssize_t sent = ::send(socket_.get(), unsaid_.data(), unsaid_.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        unsaid_.erase(0, static_cast<std::size_t>(sent));
      }
    }
    Socket socket_;
    std::string unsaid_;
  };

  // Accepts, greets, hears and says what there is.
  void step() {
    for (;;) {
      const int descriptor = listener_.ok() ? accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC) : -1;
      if (descriptor < 0) break;
      clients.push_back(std::make_unique<Client>(descriptor));
    }
    for (const auto& client : clients) {
      client->step();
      greet(*client);
      client->step();
    }
  }
  Client& last() { return *clients.back(); }

  void listen() {
    unlink(spec.host.c_str());
    const sockaddr_un address = unixAddress(spec.host);
    listener_ = listenOn(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    fcntl(listener_.get(), F_SETFL, O_NONBLOCK);
  }
  void stopListening() { listener_ = Socket(); }

  ServerSpec spec;
  std::vector<std::unique_ptr<Client>> clients;
  std::string greeting = "VERSION 1.6.18\r\n";  // empty: none

 private:
  // A greeting asks for the version; in binary also for a key, to see whether credentials are wanted.
  void greet(Client& client) {
    if (client.isGreeted || greeting.empty()) return;
    if (!isBinary_) {
      if (!client.heard.starts_with("version\r\n")) return;
      client.heard.erase(0, 9);
      client.say(greeting);
      client.isGreeted = true;
      return;
    }
    while (client.heard.size() >= 24) {
      const auto opcode = static_cast<std::uint8_t>(client.heard[1]);
      const std::size_t body = static_cast<std::uint8_t>(client.heard[11]);
      if (client.heard.size() < 24 + body) return;
      std::uint32_t opaque = 0;
      for (std::size_t at = 12; at < 16; ++at) opaque = opaque << 8 | static_cast<std::uint8_t>(client.heard[at]);
      client.heard.erase(0, 24 + body);
      if (opcode == 0x0b) client.say(frameOf({.opcode = opcode, .opaque = opaque, .value = "1.6.18"}));
      if (opcode != 0x0a) continue;
      client.say(frameOf({.opcode = opcode, .opaque = opaque}));
      client.isGreeted = true;
      return;
    }
  }

  bool isBinary_;
  TemporaryFolder folder_;
  Socket listener_;
};

}  // namespace lmc::test
