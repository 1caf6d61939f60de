// Opening a connection to what may be no memcached.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "connection_rig.h"

using namespace lmc;
using namespace lmc::test;

namespace {

ConnectionConfig configOf(const FakeServer& server, bool isBinary = false) {
  ConnectionConfig config = configFor(server.spec, isBinary);
  config.timeoutMs = 300;
  return config;
}

// Flushes, and turns until the server has heard so much.
bool hears(ConnectionRig& rig, FakeServer& server, const std::string& text) {
  rig.connection->flush();
  return rig.until([&] { return !server.clients.empty() && server.last().heard == text; });
}

}  // namespace

TEST_CASE("opening: C5 whatever answers the greeting is there") {
  for (const char* greeting : {"SERVER_ERROR backend is gone\r\n", "CLIENT_ERROR unknown\r\n", "ERROR\r\n"}) {
    FakeServer server;
    server.greeting = greeting;
    ConnectionRig rig(configOf(server), &server);
    const std::uint32_t get = rig.add(Op::Get, "a");
    CAPTURE(std::string(greeting));
    REQUIRE(hears(rig, server, "get a\r\n"));
    server.last().say("END\r\n");
    CHECK(rig.result(get).status == MEMCACHED_NOTFOUND);
    CHECK(server.clients.size() == 1);
  }
}

TEST_CASE("opening: greetings of what is no memcached") {
  for (const std::string& greeting :
       {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("SSH-2.0-OpenSSH\r\n"), std::string("VERSION\r\n"),
        std::string("VERSION 1\r\n"), std::string(5000, 'x'), std::string("ERROR Too many open connections\r\n"),
        std::string("CLIENT_ERROR unauthenticated\r\n")}) {
    FakeServer server;
    server.greeting = greeting;
    ConnectionRig rig(configOf(server), &server);
    CAPTURE(greeting.substr(0, 40));
    const Result result = rig.one(Op::Set, "a", "1");
    CHECK(result.status != MEMCACHED_SUCCESS);
    CHECK(result.status != -1000);
    CHECK(result.outcome == Outcome::NotSent);
    CHECK(rig.connection->awaited() == 0);
  }
}

TEST_CASE("opening: any bytes for a greeting") {
  std::mt19937 random(9);
  for (const bool isBinary : {false, true}) {
    const std::string version =
        isBinary ? frameOf({.opcode = 0x0b, .value = "1.6.18"}) : std::string("VERSION 1.6.18\r\n");
    const std::string miss = isBinary ? frameOf({.opcode = 0x0a, .status = 1, .value = "Not found"}) : std::string();
    const std::string hit = frameOf({.opcode = kGetKQ, .extras = "flag", .key = std::string(260, 'k'), .value = "v"});
    for (int round = 0; round < 300; ++round) {
      FakeServer server(isBinary);
      server.greeting.clear();
      std::string greeting = version + (random() % 4 == 0 ? hit : miss);
      for (std::uint32_t count = random() % 4; count > 0; --count)
        greeting[random() % greeting.size()] = static_cast<char>(random());
      if (random() % 4 == 0) greeting.resize(random() % greeting.size());
      ConnectionRig rig(configOf(server, isBinary), &server);
      const std::uint32_t get = rig.add(Op::Get, "a");
      rig.connection->flush();
      REQUIRE(rig.until([&] { return !server.clients.empty() && !server.last().heard.empty(); }));
      FakeServer::Client& client = server.last();
      client.say(greeting);
      server.step();
      client.hangUp();
      server.stopListening();
      const Result result = rig.result(get);
      REQUIRE(result.status != MEMCACHED_SUCCESS);
      REQUIRE(result.status != MEMCACHED_NOTFOUND);
      REQUIRE(result.status != -1000);
    }
  }
}

TEST_CASE("opening: a server that accepts and does not greet") {
  FakeServer server;
  server.greeting.clear();
  ConnectionConfig config = configOf(server);
  ConnectionRig rig(config, &server);
  auto request = makeRequest(Op::Set, "a", "1");
  request->deadline = nowMs() + 150;
  const std::uint32_t set = rig.add(std::move(request));
  const Result result = rig.result(set);
  CHECK(result.status == MEMCACHED_TIMEOUT);
  CHECK(result.outcome == Outcome::NotSent);
  CHECK(rig.health.state() == ServerState::Down);
}

TEST_CASE("opening: a server that hangs up instead of greeting") {
  FakeServer server;
  server.greeting.clear();
  ConnectionRig rig(configOf(server), &server);
  const std::uint32_t set = rig.add(Op::Set, "a", "1");
  rig.connection->flush();
  REQUIRE(rig.until([&] { return !server.clients.empty() && server.last().heard == "version\r\n"; }));
  server.last().hangUp();
  const Result result = rig.result(set);
  CHECK(result.status != MEMCACHED_SUCCESS);
  CHECK(result.outcome == Outcome::NotSent);
  CHECK(rig.health.state() == ServerState::Down);
}

TEST_CASE("opening: binary greetings and answers") {
  FakeServer server(true);
  ConnectionRig rig(configOf(server, true), &server);
  const std::uint32_t get = rig.add(Op::Get, "a");
  const std::uint32_t set = rig.add(Op::Set, "b", "1");
  rig.connection->flush();
  REQUIRE(rig.until([&] { return !server.clients.empty() && server.last().heard.size() == 25 + 24 + 34; }));
  const std::string asked = server.last().heard;
  const auto opaqueAt = [&](std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t index = 0; index < 4; ++index)
      number = number << 8 | static_cast<std::uint8_t>(asked[at + 12 + index]);
    return number;
  };
  // The value of another request's answer is refused by its opaque.
  server.last().say(hitOf(true, {"a", "x", 3, 9}) + endOfHits(true, opaqueAt(25)));
  REQUIRE(rig.until([&] { return rig.has(get); }));
  CHECK(rig.answers[get].value == "x");
  CHECK(rig.answers[get].number == 9);
  server.last().say(frameOf({.opcode = 0x01, .opaque = opaqueAt(49) + 1}));
  REQUIRE(rig.until([&] { return rig.has(set); }));
  CHECK(rig.answers[set].status == MEMCACHED_UNKNOWN_READ_FAILURE);
  CHECK(rig.answers[set].outcome == Outcome::Unknown);
}
