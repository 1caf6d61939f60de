// The life of a connection's requests: waiting, given up, quiet; and its end.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "connection_rig.h"

using namespace lmc;
using namespace lmc::test;

namespace {

// A connection that is open and idle.
struct Open {
  explicit Open(bool isBinary = false) : server(isBinary) {
    if (isBinary) return;
    rig.add(Op::Get, "warm");
    rig.connection->flush();
    REQUIRE(rig.until([&] { return !server.clients.empty() && server.last().heard == "get warm\r\n"; }));
    server.last().heard.clear();
    server.last().say("END\r\n");
    REQUIRE(rig.until([&] { return rig.connection->awaited() == 0; }));
  }
  bool hears(const std::string& text) {
    rig.connection->flush();
    return rig.until([&] { return server.last().heard == text; });
  }
  FakeServer server;
  ConnectionRig rig{configFor(server.spec), &server};
};

}  // namespace

TEST_CASE("life: beyond a megabyte requests wait as requests and can be given up") {
  Open open;
  ConnectionRig& rig = open.rig;
  open.server.last().listens = false;
  std::vector<std::uint32_t> sets;
  for (int index = 0; index < 60; ++index)
    sets.push_back(rig.add(Op::Set, "k" + std::to_string(index), std::string(100'000, 'v')));
  rig.connection->flush();
  rig.turn();
  const std::size_t waiting = rig.connection->waiting();
  CHECK(waiting > 40);
  CHECK(waiting + rig.connection->awaited() == 60);
  CHECK(rig.cancel(sets.back()));
  CHECK(rig.connection->waiting() == waiting - 1);
  CHECK(rig.has(sets.back()));
  CHECK(rig.answers[sets.back()].status == status::kCancelled);
  CHECK(rig.answers[sets.back()].outcome == Outcome::NotSent);
  // What was sent cannot be recalled.
  CHECK_FALSE(rig.cancel(sets.front()));
  CHECK(rig.has(sets.front()));
  CHECK(rig.answers[sets.front()].outcome == Outcome::Unknown);

  open.server.last().listens = true;
  REQUIRE(rig.until([&] { return rig.connection->waiting() == 0; }));
  const std::string whole = "set k58 0 0 100000\r\n";
  REQUIRE(rig.until([&] {
    return open.server.last().heard.ends_with(std::string(1000, 'v') + "\r\n") &&
           open.server.last().heard.find(whole) != std::string::npos;
  }));
  CHECK(open.server.last().heard.find("set k59 ") == std::string::npos);
  for (int index = 0; index < 59; ++index) open.server.last().say("STORED\r\n");
  CHECK(rig.result(sets[58]).status == MEMCACHED_SUCCESS);
  CHECK(rig.connection->awaited() == 0);
}

TEST_CASE("life: a request is given up while the connection is opened") {
  FakeServer server;
  server.greeting.clear();
  ConnectionRig rig(configFor(server.spec), &server);
  const std::uint32_t first = rig.add(Op::Set, "a", "1");
  const std::uint32_t second = rig.add(Op::Set, "b", "1");
  rig.connection->flush();
  REQUIRE(rig.until([&] { return !server.clients.empty() && server.last().heard == "version\r\n"; }));
  CHECK(rig.cancel(first));
  server.greeting = "VERSION 1.6.18\r\n";
  REQUIRE(rig.until([&] { return server.last().heard == "set b 0 0 1\r\n1\r\n"; }));
  server.last().say("STORED\r\n");
  CHECK(rig.result(second).status == MEMCACHED_SUCCESS);
}

TEST_CASE("life: a request is given up while its value is compressed") {
  Open open;
  ConnectionRig& rig = open.rig;
  rig.loop.holdsJobs = true;
  auto large = makeRequest(Op::Set, "large", std::string(200'000, 'c'));
  large->minCompress = 1;
  const std::uint32_t set = rig.add(std::move(large));
  const std::uint32_t behind = rig.add(Op::Get, "large");
  rig.connection->flush();
  CHECK(rig.cancel(set));
  CHECK(rig.has(set));
  CHECK(rig.answers[set].outcome == Outcome::NotSent);
  rig.loop.holdsJobs = false;
  REQUIRE(open.hears("get large\r\n"));
  open.server.last().say("END\r\n");
  CHECK(rig.result(behind).status == MEMCACHED_NOTFOUND);
}

TEST_CASE("life: of several who wait for one key each may give up") {
  Open open;
  ConnectionRig& rig = open.rig;
  const std::uint32_t first = rig.add(Op::Get, "a");
  const std::uint32_t second = rig.add(Op::Get, "a");
  const std::uint32_t third = rig.add(Op::Get, "b");
  REQUIRE(open.hears("get a b\r\n"));
  CHECK_FALSE(rig.cancel(first));
  CHECK_FALSE(rig.cancel(third));
  CHECK(rig.connection->awaited() == 1);
  open.server.last().say("VALUE a 0 1\r\nx\r\nVALUE b 0 1\r\ny\r\nEND\r\n");
  CHECK(rig.result(second).value == "x");
  CHECK(rig.answers[first].status == status::kCancelled);
  CHECK(rig.answers[third].status == status::kCancelled);
  CHECK(rig.order.size() == 4);
}

TEST_CASE("life: given up and answered in the same turn it is completed once") {
  Open open;
  ConnectionRig& rig = open.rig;
  const std::uint32_t get = rig.add(Op::Get, "a");
  REQUIRE(open.hears("get a\r\n"));
  open.server.last().say("VALUE a 0 1\r\nx\r\nEND\r\n");
  open.server.step();
  CHECK_FALSE(rig.cancel(get));
  rig.forMs(20);
  CHECK(rig.answers[get].status == status::kCancelled);
  CHECK_FALSE(rig.cancel(get));
}

TEST_CASE("life: with noReply a write with a value is completed when it is sent") {
  Open open;
  ConnectionRig& rig = open.rig;
  const auto quiet = [&](Op op, const std::string& key) {
    auto request = makeRequest(op, key, "1");
    request->settings = settingsWith({}, true);
    request->number = 5;
    return request;
  };
  const std::uint32_t set = rig.add(quiet(Op::Set, "a"));
  REQUIRE(open.hears("set a 0 0 1\r\n1\r\n"));
  CHECK(rig.has(set));
  CHECK(rig.answers[set].status == MEMCACHED_SUCCESS);
  const std::uint32_t cas = rig.add(quiet(Op::Cas, "a"));
  const std::uint32_t removed = rig.add(quiet(Op::Delete, "a"));
  const std::uint32_t get = rig.add(Op::Get, "a");
  rig.connection->flush();
  rig.forMs(20);
  CHECK_FALSE(rig.has(cas));
  CHECK_FALSE(rig.has(removed));
  // Its answer is read all the same, and is nobody else's: also a refusal.
  open.server.last().say("SERVER_ERROR backend is gone\r\nEXISTS\r\nDELETED\r\nEND\r\n");
  CHECK(rig.result(get).status == MEMCACHED_NOTFOUND);
  CHECK(rig.answers[cas].status == MEMCACHED_DATA_EXISTS);
  CHECK(rig.answers[removed].status == MEMCACHED_SUCCESS);
}

TEST_CASE("life: a disconnect waits for what was called before it and what comes later has a new connection") {
  Open open;
  ConnectionRig& rig = open.rig;
  const std::uint32_t before = rig.add(Op::Set, "a", "1");
  const std::uint32_t disconnect = rig.add(Op::Disconnect);
  const std::uint32_t after = rig.add(Op::Set, "b", "2");
  REQUIRE(open.hears("set a 0 0 1\r\n1\r\n"));
  CHECK_FALSE(rig.has(disconnect));
  open.server.last().say("STORED\r\n");
  REQUIRE(rig.until([&] { return rig.has(disconnect); }));
  CHECK(rig.answers[before].status == MEMCACHED_SUCCESS);
  CHECK(rig.answers[disconnect].status == MEMCACHED_SUCCESS);
  REQUIRE(rig.until([&] { return open.server.clients.size() == 2; }));
  REQUIRE(rig.until([&] { return open.server.last().heard == "set b 0 0 1\r\n2\r\n"; }));
  open.server.last().say("STORED\r\n");
  CHECK(rig.result(after).status == MEMCACHED_SUCCESS);
  CHECK(rig.order == std::vector<std::uint32_t>{0, before, disconnect, after});
}

TEST_CASE("life: a disconnect alone opens nothing and forgets failures") {
  FakeServer server;
  ConnectionRig rig(configFor(server.spec), &server);
  rig.health.failed(nowMs());
  CHECK(rig.one(Op::Disconnect).status == MEMCACHED_SUCCESS);
  CHECK(rig.health.state() == ServerState::Up);
  CHECK(server.clients.empty());
}

TEST_CASE("life: disconnects are completed also when the server cannot be reached") {
  ServerSpec spec;
  spec.host = "127.0.0.1";
  spec.port = freePort();
  ConnectionRig rig(configFor(spec));
  const std::uint32_t set = rig.add(Op::Set, "a", "1");
  const std::uint32_t disconnect = rig.add(Op::Disconnect);
  CHECK(rig.result(disconnect).status == MEMCACHED_SUCCESS);
  REQUIRE(rig.has(set));
  CHECK(rig.answers[set].outcome == Outcome::NotSent);
}

TEST_CASE("life: other settings of sockets open a new connection once nothing is awaited") {
  Open open;
  ConnectionRig& rig = open.rig;
  const std::uint32_t first = rig.add(Op::Get, "a");
  REQUIRE(open.hears("get a\r\n"));
  ConnectionConfig config = configFor(open.server.spec);
  config.behaviors.emplace_back(MEMCACHED_BEHAVIOR_SOCKET_RECV_SIZE, 65'536);
  rig.connection->configure(config);
  const std::uint32_t second = rig.add(Op::Get, "b");
  rig.connection->flush();
  rig.forMs(20);
  CHECK(open.server.last().heard == "get a\r\n");
  open.server.last().say("END\r\n");
  REQUIRE(rig.until([&] { return open.server.clients.size() == 2 && open.server.last().heard == "get b\r\n"; }));
  open.server.last().say("END\r\n");
  CHECK(rig.result(second).status == MEMCACHED_NOTFOUND);
  CHECK(rig.answers[first].status == MEMCACHED_NOTFOUND);
}

TEST_CASE("life: requests of another namespace are asked by themselves") {
  Open open;
  ConnectionRig& rig = open.rig;
  const Settings spaced = settingsWith("n:");
  std::vector<std::uint32_t> gets;
  for (const bool isSpaced : {false, true, true, false}) {
    auto request = makeRequest(Op::Get, "a");
    if (isSpaced) request->settings = spaced;
    gets.push_back(rig.add(std::move(request)));
  }
  REQUIRE(open.hears("get a\r\nget n:a\r\nget a\r\n"));
  open.server.last().say("VALUE a 0 1\r\n1\r\nEND\r\nVALUE n:a 0 1\r\n2\r\nEND\r\nVALUE a 0 1\r\n3\r\nEND\r\n");
  rig.result(gets.back());
  CHECK(rig.answers[gets[0]].value == "1");
  CHECK(rig.answers[gets[1]].value == "2");
  CHECK(rig.answers[gets[2]].value == "2");
  CHECK(rig.answers[gets[3]].value == "3");
}

TEST_CASE("life: shut down in every state") {
  for (const std::string state : {"closed", "resolving", "connecting", "idle", "awaiting", "half", "compressing"}) {
    CAPTURE(state);
    FakeServer server;
    if (state == "connecting") server.greeting.clear();
    ConnectionConfig config = configFor(server.spec);
    if (state == "resolving") {
      config.server.transport = Transport::Tcp;
      config.server.host = "name.invalid";
    }
    ConnectionRig rig(config, &server);
    const std::uint32_t get = rig.add(Op::Get, "a");
    rig.add(Op::Set, "b", "1");
    if (state != "closed") rig.connection->flush();
    if (state == "connecting")
      REQUIRE(rig.until([&] { return !server.clients.empty() && !server.last().heard.empty(); }));
    if (state == "idle" || state == "awaiting" || state == "half" || state == "compressing") {
      REQUIRE(
          rig.until([&] { return !server.clients.empty() && server.last().heard == "get a\r\nset b 0 0 1\r\n1\r\n"; }));
      if (state == "half") server.last().say("VALUE a 0 100\r\nxxx");
      if (state == "idle") server.last().say("END\r\nSTORED\r\n");
      rig.forMs(10);
    }
    if (state == "compressing") {
      rig.loop.holdsJobs = true;
      auto large = makeRequest(Op::Set, "c", std::string(100'000, 'c'));
      large->minCompress = 1;
      rig.add(std::move(large));
      rig.add(Op::Get, "c");
    }
    const double start = nowMs();
    rig.connection->shutDown();
    rig.connection->shutDown();
    rig.connection->flush();
    CHECK_FALSE(rig.connection->receive());
    CHECK(nowMs() - start < 200);
    rig.loop.holdsJobs = false;
    rig.forMs(10);
    if (state == "awaiting" || state == "half") {
      REQUIRE(rig.has(get));
      CHECK(rig.answers[get].status == status::kClosed);
    }
    rig.connection.reset();
    rig.forMs(5);
  }
}

TEST_CASE("life: destroyed while a name is looked up and while a value is compressed") {
  ServerSpec spec;
  spec.host = "name.invalid";
  spec.port = 11211;
  auto rig = std::make_unique<ConnectionRig>(configFor(spec));
  rig->loop.holdsJobs = true;
  rig->add(Op::Get, "a");
  auto large = makeRequest(Op::Set, "c", std::string(100'000, 'c'));
  large->minCompress = 1;
  rig->add(std::move(large));
  rig->connection->flush();
  CHECK(rig->loop.jobs() == 2);
  rig.reset();
}
