#include "memcached/link.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>
#include <thread>

#include "core/clock.h"
#include "exchange.h"
#include "memcached_server.h"
#include "proxy.h"

using namespace lmc;
using namespace lmc::test;

namespace {

ServerSpec refusedPort() {
  ServerSpec spec;
  spec.host = "127.0.0.1";
  spec.port = freePort();
  return spec;
}

}  // namespace

TEST_CASE("link: tells a binary server from a text one") {
  for (const Listen listen : {Listen::Unix, Listen::Tcp}) {
    for (const bool asciiOnly : {false, true}) {
      MemcachedServer server(asciiOnly ? std::vector<std::string>{"-B", "ascii"} : std::vector<std::string>{},
                             listen);
      Link link(configFor(server.spec(), Protocol::Auto));
      CHECK_FALSE(link.isBinary());
      CHECK_FALSE(link.isText());
      const double started = nowMs();
      const Link::Opened opened = link.open(5000);
      CHECK(nowMs() - started < 2500);  // it does not wait for a time-out to find out
      CHECK(opened.ok());
      CHECK(opened.message == "");
      CHECK(link.isOpen());
      CHECK(link.isBinary() == !asciiOnly);
      CHECK(link.isText() == asciiOnly);
      CHECK(link.outstanding() == 0);
    }
  }
}

TEST_CASE("link: a protocol that was asked for is spoken") {
  MemcachedServer server;
  for (const Protocol protocol : {Protocol::Text, Protocol::Binary}) {
    Link link(configFor(server.spec(), protocol));
    REQUIRE(link.open(5000).ok());
    CHECK(link.isText() == (protocol == Protocol::Text));
    CHECK(link.version().starts_with("1."));
  }
}

TEST_CASE("link: credentials for a server without SASL are an authentication problem") {
  MemcachedServer server({}, Listen::Tcp);
  auto config = configFor(server.spec(), Protocol::Binary);
  config->hasCredentials = true;
  config->username = "alice";
  config->password = "secret";
  Link link(config);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Link::Opened opened = link.open(5000);
    CHECK(opened.rc == MEMCACHED_AUTH_PROBLEM);
    CHECK(opened.reached);
    CHECK(opened.message.find("SASL") != std::string::npos);
    CHECK_FALSE(link.isOpen());
  }
}

TEST_CASE("link: binary on a server that speaks only text fails and says so") {
  MemcachedServer server({"-B", "ascii"});
  Link link(configFor(server.spec(), Protocol::Binary));
  const double started = nowMs();
  const Link::Opened opened = link.open(500);
  CHECK_FALSE(opened.ok());
  CHECK_FALSE(link.isOpen());
  CHECK(nowMs() - started < 2500);
}

TEST_CASE("link: nobody there is a failure at once and not an answer") {
  MemcachedServer gone;
  const ServerSpec unixSpec = gone.spec();
  gone.kill();
  for (const ServerSpec& spec : {refusedPort(), unixSpec}) {
    for (const Protocol protocol : {Protocol::Auto, Protocol::Text, Protocol::Binary}) {
      Link link(configFor(spec, protocol));
      const double started = nowMs();
      const Link::Opened opened = link.open(5000);
      CHECK_FALSE(opened.ok());
      CHECK_FALSE(opened.reached);
      CHECK(opened.message != "");
      CHECK(nowMs() - started < 2500);
      CHECK_FALSE(link.isOpen());
    }
  }
}

TEST_CASE("link: a silent server is given up after the patience") {
  for (const Listen listen : {Listen::Unix, Listen::Tcp}) {
    MemcachedServer server({}, listen);
    server.suspend();
    for (const Protocol protocol : {Protocol::Auto, Protocol::Text, Protocol::Binary}) {
      Link link(configFor(server.spec(), protocol));
      const double started = nowMs();
      const Link::Opened opened = link.open(200);
      const double took = nowMs() - started;
      CHECK_FALSE(opened.ok());
      CHECK_FALSE(opened.reached);
      CHECK(took >= 150);
      CHECK(took < 1500);
    }
  }
}

TEST_CASE("link: works again as soon as the server does") {
  MemcachedServer server;
  Link link(configFor(server.spec(), Protocol::Auto));
  server.suspend();
  CHECK_FALSE(link.open(50).ok());
  server.resume();
  CHECK(link.open(5000).ok());
  CHECK(link.isBinary());
  server.kill();
  link.drop();
  CHECK_FALSE(link.open(5000).ok());
  CHECK_FALSE(link.open(5000).ok());
  server.start();
  CHECK(link.open(5000).ok());  // libmemcached's own back-off does not stand in the way
}

TEST_CASE("link: another kind of server at the same address is found out after forgetting") {
  MemcachedServer binary;
  Link link(configFor(binary.spec(), Protocol::Auto));
  REQUIRE(link.open(5000).ok());
  CHECK(link.isBinary());
  link.forget();
  CHECK_FALSE(link.isBinary());
  CHECK_FALSE(link.isOpen());
  REQUIRE(link.open(5000).ok());
  CHECK(link.isBinary());
}

TEST_CASE("link: open on an open link changes only the patience") {
  MemcachedServer server;
  Link link(configFor(server.spec()));
  REQUIRE(link.open(5000).ok());
  memcached_st* handle = link.handle();
  REQUIRE(link.open(777).ok());
  CHECK(link.handle() == handle);
  CHECK(memcached_behavior_get(handle, MEMCACHED_BEHAVIOR_POLL_TIMEOUT) == 777);
  link.setPatience(0);  // 0 would be "time out at once"
  CHECK(memcached_behavior_get(handle, MEMCACHED_BEHAVIOR_POLL_TIMEOUT) == 1);
  link.setPatience(1e300);
  CHECK(memcached_behavior_get(handle, MEMCACHED_BEHAVIOR_POLL_TIMEOUT) ==
        5000);  // never above _poll_timeout
}

TEST_CASE("link: receive_timeout shortens the patience") {
  MemcachedServer server;
  auto config = configFor(server.spec());
  config->receiveTimeoutUs = 100000;
  Link link(config);
  REQUIRE(link.open(5000).ok());
  CHECK(memcached_behavior_get(link.handle(), MEMCACHED_BEHAVIOR_POLL_TIMEOUT) == 100);
}

TEST_CASE("link: other settings mean another connection with them") {
  MemcachedServer server;
  Link link(configFor(server.spec(), Protocol::Binary));
  REQUIRE(link.open(5000).ok());
  link.configure(configFor(server.spec(), Protocol::Text));
  CHECK_FALSE(link.isOpen());
  REQUIRE(link.open(5000).ok());
  CHECK(link.isText());
}

TEST_CASE("link: garbage and hang-ups are failures in time") {
  TemporaryFolder folder;
  ServerSpec spec;
  spec.transport = Transport::Unix;
  spec.host = folder.in("garbage.sock");
  const sockaddr_un address = unixAddress(spec.host);
  const Socket listener = listenOn(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const std::string answers[] = {"",
                                 std::string(1000, '\0'),
                                 std::string(1000, '\xff'),
                                 "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
                                 std::string("\x81\x0a", 2),
                                 "\x81" + std::string(7, '\xff') + std::string(16, '\x7f'),
                                 "VALUE x 0 99999999999\r\n",
                                 "\r\n",
                                 "\n"};
  for (const std::string& answer : answers) {
    for (const Protocol protocol : {Protocol::Auto, Protocol::Text, Protocol::Binary}) {
      std::atomic<bool> stop = false;
      std::thread rude([&] {
        while (!stop) {
          pollfd waiting{listener.get(), POLLIN, 0};
          if (poll(&waiting, 1, 20) <= 0) continue;
          const Socket client(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
          char request[512];
          (void)recv(client.get(), request, sizeof request, 0);
          if (!answer.empty()) (void)send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        }
      });
      Link link(configFor(spec, protocol));
      const double started = nowMs();
      const Link::Opened opened = link.open(200);
      CHECK(nowMs() - started < 2500);
      if (protocol == Protocol::Binary) CHECK_FALSE(opened.ok());
      stop = true;
      rude.join();
    }
  }
}
