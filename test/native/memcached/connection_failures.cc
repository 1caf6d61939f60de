// A connection whose server does what the test says: breaks, falls silent, lies.
#include <doctest/doctest.h>

#include <string>
#include <vector>

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

TEST_CASE("failures: answers come in the order of the requests") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  const std::uint32_t set = rig.add(Op::Set, "a", "1");
  const std::uint32_t get = rig.add(Op::Get, "b");
  const std::uint32_t count = rig.add(Op::Incr, "c", {}, 1);
  REQUIRE(hears(rig, server, "set a 0 0 1\r\n1\r\nget b\r\nincr c 1\r\n"));
  CHECK(rig.connection->awaited() == 3);
  server.last().say("STORED\r\n");
  REQUIRE(rig.until([&] { return rig.has(set); }));
  CHECK_FALSE(rig.has(get));
  server.last().say("VALUE b 0 1\r\nx\r\nEND\r\n41\r\n");
  REQUIRE(rig.until([&] { return rig.has(count); }));
  CHECK(rig.answers[get].value == "x");
  CHECK(rig.answers[count].number == 41);
  CHECK(rig.connection->awaited() == 0);
  const ServerCounters counters = rig.connection->counters();
  CHECK(counters.hits == 1);
  CHECK(counters.batches == 1);
  CHECK(counters.batched == 3);
}

TEST_CASE("failures: what is called while answers are awaited is sent at once") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  rig.add(Op::Get, "a");
  REQUIRE(hears(rig, server, "get a\r\n"));
  rig.add(Op::Get, "b");
  REQUIRE(hears(rig, server, "get a\r\nget b\r\n"));
}

TEST_CASE("failures: a read is asked once more on a new connection and a write is not") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  const std::uint32_t get = rig.add(Op::Get, "a");
  const std::uint32_t same = rig.add(Op::Get, "a");
  const std::uint32_t set = rig.add(Op::Set, "b", "1");
  const std::uint32_t other = rig.add(Op::Get, "c");
  REQUIRE(hears(rig, server, "get a c\r\nset b 0 0 1\r\n1\r\n"));
  server.last().hangUp();
  REQUIRE(rig.until([&] { return rig.has(set) && server.clients.size() == 2; }));
  CHECK(rig.answers[set].outcome == Outcome::Unknown);
  CHECK(rig.answers[set].status != MEMCACHED_SUCCESS);
  REQUIRE(rig.until([&] { return server.last().heard == "get a c\r\n"; }));
  server.last().say("VALUE a 0 1\r\nx\r\nEND\r\n");
  REQUIRE(rig.until([&] { return rig.has(other); }));
  CHECK(rig.answers[get].value == "x");
  CHECK(rig.answers[same].value == "x");
  CHECK(rig.answers[other].status == MEMCACHED_NOTFOUND);
  CHECK(rig.health.state() == ServerState::Up);
}

TEST_CASE("failures: a read is not asked a third time") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  const std::uint32_t get = rig.add(Op::Get, "a");
  for (std::size_t round = 1; round <= 2; ++round) {
    rig.connection->flush();
    REQUIRE(rig.until([&] { return server.clients.size() == round && server.last().heard == "get a\r\n"; }));
    server.last().hangUp();
  }
  REQUIRE(rig.until([&] { return rig.has(get); }));
  CHECK(rig.answers[get].status == MEMCACHED_CONNECTION_FAILURE);
  rig.forMs(20);
  CHECK(server.clients.size() == 2);
}

TEST_CASE("failures: a connection that breaks in a multi-get asks again only what was not answered") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  const std::uint32_t first = rig.add(Op::Get, "a");
  const std::uint32_t second = rig.add(Op::Get, "b");
  REQUIRE(hears(rig, server, "get a b\r\n"));
  server.last().say("VALUE a 0 1\r\nx\r\nVALUE b 0 5\r\nhal");
  REQUIRE(rig.until([&] { return rig.has(first); }));
  server.last().hangUp();
  REQUIRE(rig.until([&] { return server.clients.size() == 2 && server.last().heard == "get b\r\n"; }));
  server.last().say("VALUE b 0 4\r\nfull\r\nEND\r\n");
  CHECK(rig.result(second).value == "full");
}

TEST_CASE("failures: what waits behind a connection that breaks is sent on the new one") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  const std::uint32_t first = rig.add(Op::Set, "a", "1");
  REQUIRE(hears(rig, server, "set a 0 0 1\r\n1\r\n"));
  const std::uint32_t second = rig.add(Op::Set, "b", "2");
  server.last().hangUp();
  REQUIRE(rig.until([&] { return rig.has(first); }));
  rig.connection->flush();
  REQUIRE(rig.until([&] { return server.clients.size() == 2 && server.last().heard == "set b 0 0 1\r\n2\r\n"; }));
  server.last().say("STORED\r\n");
  CHECK(rig.result(second).status == MEMCACHED_SUCCESS);
}

TEST_CASE("failures: silence costs all that is awaited and the server counts as failed") {
  FakeServer server;
  ConnectionConfig config = configOf(server);
  config.pollTimeoutMs = 400;
  ConnectionRig rig(config, &server);
  auto request = makeRequest(Op::Get, "a");
  request->deadline = nowMs() + 100;
  const double start = nowMs();
  const std::uint32_t get = rig.add(std::move(request));
  const std::uint32_t set = rig.add(Op::Set, "b", "1");
  rig.connection->flush();
  REQUIRE(rig.until([&] { return rig.has(get) && rig.has(set); }, 15'000));
  CHECK(rig.answers[get].status == MEMCACHED_TIMEOUT);
  CHECK(rig.answers[set].outcome == Outcome::Unknown);
  CHECK(nowMs() - start > 250);
  CHECK(rig.health.state() == ServerState::Down);
}

TEST_CASE("failures: an answer that never becomes whole is silence") {
  FakeServer server;
  ConnectionConfig config = configOf(server);
  ConnectionRig rig(config, &server);
  auto request = makeRequest(Op::Get, "a");
  request->deadline = nowMs() + 200;
  const std::uint32_t get = rig.add(std::move(request));
  REQUIRE(hears(rig, server, "get a\r\n"));
  const double start = nowMs();
  server.last().say("VALUE a 0 1000\r\n");
  // It says something again and again.
  while (!rig.has(get) && nowMs() - start < 3000) {
    server.last().say("x");
    rig.forMs(20);
  }
  CHECK(rig.answers[get].status == MEMCACHED_TIMEOUT);
  CHECK(nowMs() - start < 1500);
}

TEST_CASE("failures: C3 silence on an idle connection costs that connection only") {
  FakeServer server;
  ConnectionConfig config = configOf(server);
  config.pollTimeoutMs = 200;  // shorter than the caller's deadline
  ConnectionRig rig(config, &server);
  rig.add(Op::Get, "a");
  REQUIRE(hears(rig, server, "get a\r\n"));
  server.last().say("END\r\n");
  rig.forMs(1100);  // a firewall forgets the connection
  auto request = makeRequest(Op::Get, "b");
  request->deadline = nowMs() + 3000;
  const std::uint32_t get = rig.add(std::move(request));
  rig.connection->flush();
  REQUIRE(rig.until([&] { return server.clients.size() == 2; }));
  REQUIRE(rig.until([&] { return server.last().heard == "get b\r\n"; }));
  server.last().say("VALUE b 0 1\r\nx\r\nEND\r\n");
  CHECK(rig.result(get).value == "x");
  CHECK(rig.health.state() == ServerState::Up);
}

TEST_CASE("failures: C2 a connection that was closed while idle costs nothing") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  rig.add(Op::Get, "a");
  REQUIRE(hears(rig, server, "get a\r\n"));
  server.last().say("END\r\n");
  rig.forMs(20);
  server.last().hangUp();
  const std::uint32_t set = rig.add(Op::Set, "b", "1");  // the loop has not noticed yet
  rig.connection->flush();
  REQUIRE(rig.until([&] { return server.clients.size() == 2 && server.last().heard == "set b 0 0 1\r\n1\r\n"; }));
  server.last().say("STORED\r\n");
  CHECK(rig.result(set).status == MEMCACHED_SUCCESS);
}

TEST_CASE("failures: what an idle connection says unasked ends it") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  rig.add(Op::Get, "a");
  REQUIRE(hears(rig, server, "get a\r\n"));
  server.last().say("END\r\n");
  rig.forMs(20);
  server.last().say("VALUE b 0 6\r\nforged\r\nEND\r\n");
  rig.forMs(20);
  const std::uint32_t get = rig.add(Op::Get, "b");
  rig.connection->flush();
  REQUIRE(rig.until([&] { return server.clients.size() == 2 && server.last().heard == "get b\r\n"; }));
  server.last().say("END\r\n");
  CHECK(rig.result(get).status == MEMCACHED_NOTFOUND);
}

TEST_CASE("failures: what is said behind an answer ends the connection before it is another's answer") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  const std::uint32_t first = rig.add(Op::Get, "a");
  REQUIRE(hears(rig, server, "get a\r\n"));
  server.last().say("END\r\nVALUE b 0 6\r\nforged\r\nEND\r\n");
  REQUIRE(rig.until([&] { return rig.has(first); }));
  const std::uint32_t get = rig.add(Op::Get, "b");
  rig.connection->flush();
  REQUIRE(rig.until([&] { return server.clients.size() == 2 && server.last().heard == "get b\r\n"; }));
  server.last().say("END\r\n");
  CHECK(rig.result(get).status == MEMCACHED_NOTFOUND);
}

TEST_CASE("failures: a lie ends the connection and what was sent behind it is asked again or unknown") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  const std::uint32_t get = rig.add(Op::Get, "a");
  const std::uint32_t set = rig.add(Op::Set, "b", "1");
  const std::uint32_t version = rig.add(Op::Version);
  REQUIRE(hears(rig, server, "get a\r\nset b 0 0 1\r\n1\r\nversion\r\n"));
  server.last().say("VALUE other 0 1\r\nx\r\nEND\r\nSTORED\r\nVERSION 1.6.18\r\n");
  REQUIRE(rig.until([&] { return rig.has(get) && rig.has(set); }));
  CHECK(rig.answers[get].status == MEMCACHED_UNKNOWN_READ_FAILURE);
  CHECK(rig.answers[set].outcome == Outcome::Unknown);
  REQUIRE(rig.until([&] { return server.clients.size() == 2 && server.last().heard == "version\r\n"; }));
  server.last().say("VERSION 1.6.19\r\n");
  CHECK(rig.result(version).value == "1.6.19");
}

TEST_CASE("failures: what is overdue is never sent") {
  FakeServer server;
  ConnectionRig rig(configOf(server), &server);
  auto overdue = makeRequest(Op::Set, "a", "1");
  overdue->deadline = nowMs() - 1;
  const std::uint32_t expired = rig.add(std::move(overdue));
  rig.add(Op::Get, "b");
  REQUIRE(hears(rig, server, "get b\r\n"));
  REQUIRE(rig.has(expired));
  CHECK(rig.answers[expired].status == status::kExpired);
  CHECK(rig.answers[expired].outcome == Outcome::NotSent);
}
