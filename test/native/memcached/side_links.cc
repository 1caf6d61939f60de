// Fetches over a text connection beside the session's own binary one, and writes that run beside them.

#include "memcached/side_links.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "core/clock.h"
#include "exchange.h"
#include "memcached_server.h"
#include "proxy.h"

using namespace lmc;
using namespace lmc::test;

namespace {

std::string keyOf(std::size_t index) { return "key" + std::to_string(index); }

// The number behind a name in what the server says to "stats".
long statistic(const ServerSpec& server, const std::string& name) {
  const Socket socket = connectTo(server);
  REQUIRE(send(socket.get(), "stats\r\n", 7, MSG_NOSIGNAL) == 7);
  std::string said;
  char buffer[4096];
  while (!said.ends_with("END\r\n")) {
    const ssize_t got = recv(socket.get(), buffer, sizeof buffer, 0);
    REQUIRE(got > 0);
    said.append(buffer, static_cast<std::size_t>(got));
  }
  const std::size_t at = said.find("STAT " + name + " ");
  REQUIRE(at != std::string::npos);
  return std::stol(said.substr(at + name.size() + 6));
}

long connectionsOf(const ServerSpec& server) { return statistic(server, "curr_connections"); }

Batch getsOf(std::size_t count) {
  Batch batch;
  for (std::size_t index = 0; index < count; ++index) batch.add(Op::Get, keyOf(index));
  return batch;
}

void prepare(Exchange& exchange, std::size_t count) {
  Batch batch;
  for (std::size_t index = 0; index < count; ++index) batch.add(Op::Set, keyOf(index), keyOf(index));
  exchange.run(batch);
}

bool allThere(Exchange& exchange, std::size_t count) {
  Batch batch = getsOf(count);
  exchange.run(batch);
  bool right = exchange.answers.complete(count);
  for (std::uint32_t slot = 0; slot < count; ++slot) right &= exchange.answers[slot].value == keyOf(slot);
  return right;
}

}  // namespace

TEST_CASE("side links: a second connection only for fetches of several keys, and only with 'auto'") {
  for (const Protocol protocol : {Protocol::Auto, Protocol::Binary, Protocol::Text}) {
    MemcachedServer server;
    const long before = connectionsOf(server.spec());
    Exchange exchange(configFor(server.spec(), protocol));
    prepare(exchange, 10);
    exchange.get("key1");
    CHECK(connectionsOf(server.spec()) == before + 1);
    CHECK(allThere(exchange, 10));
    CHECK(connectionsOf(server.spec()) == before + (protocol == Protocol::Auto ? 2 : 1));
  }
}

TEST_CASE("side links: not where the text protocol cannot do the same") {
  MemcachedServer server;
  const long before = connectionsOf(server.spec());
  const auto own = configFor(server.spec(), Protocol::Auto);
  Exchange exchange(own);
  prepare(exchange, 3);
  Batch spaces = getsOf(3);
  spaces.add(Op::Get, "key with spaces").textSafe = false;
  exchange.run(spaces);
  CHECK(exchange.answers[0].value == "key0");
  CHECK(exchange.answers[3].status == MEMCACHED_NOTFOUND);
  CHECK(connectionsOf(server.spec()) == before + 1);

  ConnectionConfig verifying = *own;
  verifying.verifyKeys = true;  // text would refuse what binary takes
  Exchange verified(std::make_shared<const ConnectionConfig>(verifying));
  CHECK(allThere(verified, 3));
  CHECK(connectionsOf(server.spec()) == before + 2);
}

TEST_CASE("side links: a server that speaks only binary is asked in binary") {
  MemcachedServer server({"-B", "binary"});
  Exchange exchange(configFor(server.spec(), Protocol::Auto));
  prepare(exchange, 50);
  for (int round = 0; round < 3; ++round) {
    CHECK(allThere(exchange, 50));
    CHECK(exchange.one(Op::Incr, "missing", "", 1).status == MEMCACHED_NOTFOUND);
  }
}

TEST_CASE("side links: a batch with fetches beside writes says the same as its requests one by one") {
  MemcachedServer together({}, Listen::Tcp);
  MemcachedServer apart;
  Exchange batched(configFor(together.spec(), Protocol::Auto));
  Exchange single(configFor(apart.spec()));
  std::mt19937 random(77);
  std::size_t different = 0;
  for (int round = 0; round < 100; ++round) {
    Batch batch;
    std::vector<Answer> expected;
    const std::size_t count = 1 + random() % 200;
    for (std::size_t index = 0; index < count; ++index) {
      const auto op = random() % 2 == 0 ? Op::Get : static_cast<Op>(random() % 14);
      const std::string key = (isCounter(op) ? "n" : "k") + std::to_string(random() % 100);
      const std::string value = "v" + std::to_string(random() % 1000);
      const std::uint64_t number = op == Op::Cas ? 1 : random() % 100;
      batch.add(op, key, value, number);
      expected.push_back(single.one(op, key, value, number));
    }
    batched.run(batch);
    if (!batched.answers.complete(count)) different += 1000;
    for (std::uint32_t slot = 0; slot < count; ++slot) {
      const Answer& answer = batched.answers[slot];
      if (answer.status != expected[slot].status || answer.value != expected[slot].value) ++different;
      if (isCounter(batch[slot].op) && answer.status == 0 && answer.number != expected[slot].number)
        ++different;
    }
  }
  CHECK(different == 0);
}

TEST_CASE("side links: after a restart neither a fetch nor the write behind it notices") {
  for (const Listen listen : {Listen::Unix, Listen::Tcp}) {
    MemcachedServer server({}, listen);
    Exchange exchange(configFor(server.spec(), Protocol::Auto));
    prepare(exchange, 5);
    REQUIRE(allThere(exchange, 5));
    Batch appends;
    for (std::size_t index = 0; index < 5; ++index) appends.add(Op::Append, keyOf(index), "!");
    exchange.run(appends);  // the third connection
    server.start();
    Batch gets = getsOf(5);
    exchange.run(gets);
    for (std::uint32_t slot = 0; slot < 5; ++slot) CHECK(exchange.answers[slot].status == MEMCACHED_NOTFOUND);
    CHECK(exchange.one(Op::Set, "key0", "key0").status == MEMCACHED_SUCCESS);
    Batch adds;
    for (std::size_t index = 1; index < 5; ++index) adds.add(Op::Add, keyOf(index), keyOf(index));
    exchange.run(adds);
    CHECK(allThere(exchange, 5));
  }
}

TEST_CASE("side links: a silent server is waited for once, by the write and the fetch together") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec(), Protocol::Auto));
  prepare(exchange, 5);
  REQUIRE(allThere(exchange, 5));
  exchange.one(Op::Set, "other", "before");  // in doubt since then, the connection is asked before this one
  server.suspend();
  Batch batch = getsOf(5);
  batch.add(Op::Set, "other", "value");
  const double started = nowMs();
  const std::vector<Contact> contacts = exchange.run(batch, 300);
  CHECK(nowMs() - started < 590);
  REQUIRE(contacts.size() == 1);
  CHECK(contacts[0] == Contact::Failed);
  REQUIRE(exchange.answers.complete(6));
  CHECK(exchange.answers[5].outcome == Outcome::Unknown);
  for (std::uint32_t slot = 0; slot < 5; ++slot) CHECK(exchange.answers[slot].status != MEMCACHED_SUCCESS);
  server.resume();
  CHECK(allThere(exchange, 5));
}

TEST_CASE("side links: cut at any byte of the answers, a fetch beside a write tells no lie") {
  MemcachedServer server;
  CuttingProxy proxy(server.spec());
  Exchange direct(configFor(server.spec()));
  prepare(direct, 8);
  for (std::size_t bytes = 0; bytes < 400; bytes += 3) {
    Exchange exchange(configFor(proxy.spec(), Protocol::Auto));
    REQUIRE(allThere(exchange, 8));
    direct.one(Op::Set, "written", "before");
    proxy.cutAfterAnswers(bytes);
    Batch batch = getsOf(8);
    batch.add(Op::Set, "written", "after");
    exchange.run(batch, 5000);
    proxy.never();
    REQUIRE(exchange.answers.complete(9));
    for (std::uint32_t slot = 0; slot < 8; ++slot) {
      const Answer& answer = exchange.answers[slot];
      CHECK(answer.status != MEMCACHED_NOTFOUND);
      if (answer.status == MEMCACHED_SUCCESS) CHECK(answer.value == keyOf(slot));
    }
    const Answer& write = exchange.answers[8];
    const bool applied = direct.get("written") == "after";
    if (write.status == MEMCACHED_SUCCESS) CHECK(applied);
    if (write.outcome == Outcome::NotSent) CHECK_FALSE(applied);
  }
}
