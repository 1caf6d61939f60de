#include "memcached/fetch.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/slot_table.h"
#include "exchange.h"
#include "memcached_server.h"
#include "proxy.h"

using namespace lmc;
using namespace lmc::test;

namespace {

constexpr Protocol kBoth[] = {Protocol::Text, Protocol::Binary};

std::string valueFor(std::size_t index) { return std::string(index % 50, 'v') + std::to_string(index); }

void fill(Exchange& exchange, std::size_t count, const std::string& prefix = "k") {
  Batch batch;
  for (std::size_t index = 0; index < count; ++index)
    batch.add(Op::Set, prefix + std::to_string(index), valueFor(index)).flags =
        static_cast<std::uint32_t>(index * 16);
  exchange.run(batch);
  REQUIRE(exchange.answers.complete(count));
  for (std::uint32_t slot = 0; slot < count; ++slot) REQUIRE(exchange.answers[slot].status == 0);
}

}  // namespace

TEST_CASE("fetch: a hit and a miss alone") {
  MemcachedServer server;
  for (const Protocol protocol : kBoth) {
    Exchange exchange(configFor(server.spec(), protocol));
    Batch set;
    set.add(Op::Set, "hit", "value").flags = 0xdeadbee0;
    exchange.run(set);
    const Answer hit = exchange.one(Op::Get, "hit");
    CHECK(hit.status == MEMCACHED_SUCCESS);
    CHECK(hit.value == "value");
    CHECK(hit.flags == 0xdeadbee0);
    CHECK(hit.times == 1);
    CHECK(exchange.one(Op::Get, "miss").status == MEMCACHED_NOTFOUND);
    CHECK(exchange.one(Op::Get, "miss").outcome == Outcome::Definite);
  }
}

TEST_CASE("fetch: thousands of keys with hits and misses in any order") {
  MemcachedServer server;
  for (const Protocol protocol : kBoth) {
    Exchange exchange(configFor(server.spec(), protocol));
    fill(exchange, 2000);
    Batch batch;
    std::vector<std::size_t> asked;
    for (std::size_t index = 0; index < 4000; ++index) {
      asked.push_back(index * 1009 % 4000);  // from 2000 on there is nothing
      batch.add(index % 3 == 0 ? Op::Gets : Op::Get, "k" + std::to_string(asked.back()));
    }
    const auto contacts = exchange.run(batch);
    for (const Contact contact : contacts) CHECK(contact == Contact::Answered);
    REQUIRE(exchange.answers.complete(4000));
    std::size_t wrong = 0;
    for (std::uint32_t slot = 0; slot < 4000; ++slot) {
      const Answer& answer = exchange.answers[slot];
      const bool hit = asked[slot] < 2000;
      if (answer.status != (hit ? MEMCACHED_SUCCESS : MEMCACHED_NOTFOUND)) ++wrong;
      if (hit && (answer.value != valueFor(asked[slot]) || answer.flags != asked[slot] * 16)) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("fetch: everybody who waits for a key gets its value") {
  MemcachedServer server;
  for (const Protocol protocol : kBoth) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{5}, std::size_t{16383}, std::size_t{16384}, std::size_t{500000}}) {
      Exchange exchange(configFor(server.spec(), protocol));
      const std::string value(size, 'x');
      CHECK(exchange.one(Op::Set, "k", value).status == MEMCACHED_SUCCESS);
      Batch batch;
      for (int count = 0; count < 3; ++count) {
        batch.add(Op::Get, "k");
        batch.add(Op::Gets, "k");
        batch.add(Op::Get, "missing");
      }
      exchange.run(batch);
      REQUIRE(exchange.answers.complete(9));
      for (std::uint32_t slot = 0; slot < 9; ++slot) {
        if (slot % 3 == 2) {
          CHECK(exchange.answers[slot].status == MEMCACHED_NOTFOUND);
        } else {
          CHECK(exchange.answers[slot].status == MEMCACHED_SUCCESS);
          CHECK((exchange.answers[slot].value == value));
          CHECK(exchange.answers[slot].number == exchange.answers[1].number);
        }
      }
      CHECK(exchange.answers[1].number != 0);
      // Alone, too: another way through libmemcached.
      CHECK((exchange.one(Op::Gets, "k").value == value));
      CHECK(exchange.answers[0].number != 0);
      CHECK(exchange.answers[0].isBlock == (size >= 16384));
    }
  }
}

TEST_CASE("fetch: tokens are those that cas wants") {
  MemcachedServer server;
  for (const Protocol protocol : kBoth) {
    Exchange exchange(configFor(server.spec(), protocol));
    fill(exchange, 10);
    Batch reads;
    for (int index = 0; index < 10; ++index) reads.add(Op::Gets, "k" + std::to_string(index));
    exchange.run(reads);
    std::vector<std::uint64_t> tokens;
    for (std::uint32_t slot = 0; slot < 10; ++slot) tokens.push_back(exchange.answers[slot].number);
    CHECK(std::set<std::uint64_t>(tokens.begin(), tokens.end()).size() == 10);
    for (std::size_t index = 0; index < 10; ++index) {
      const std::string key = "k" + std::to_string(index);
      CHECK(exchange.one(Op::Gets, key).number == tokens[index]);
      CHECK(exchange.one(Op::Cas, key, "other", tokens[index]).status == MEMCACHED_SUCCESS);
      CHECK(exchange.one(Op::Cas, key, "late", tokens[index]).status == MEMCACHED_DATA_EXISTS);
    }
  }
}

TEST_CASE("fetch: the cas behavior gives every read its token") {
  MemcachedServer server;
  for (const Protocol protocol : kBoth) {
    auto config = configFor(server.spec(), protocol);
    config->casForAll = true;
    Exchange exchange(config);
    fill(exchange, 3);
    CHECK(exchange.one(Op::Get, "k0").number != 0);
    Batch batch;
    batch.add(Op::Get, "k1");
    batch.add(Op::Get, "k2");
    exchange.run(batch);
    CHECK(exchange.answers[0].number != 0);
    CHECK(exchange.answers[1].number != 0);
  }
}

TEST_CASE("fetch: keys under a namespace come back without it") {
  MemcachedServer server;
  for (const Protocol protocol : kBoth) {
    auto config = configFor(server.spec(), protocol);
    config->keyNamespace = "space:";
    Exchange exchange(config);
    fill(exchange, 20);
    Batch batch;
    for (int index = 0; index < 20; ++index) batch.add(Op::Get, "k" + std::to_string(index));
    exchange.run(batch);
    for (std::uint32_t slot = 0; slot < 20; ++slot) CHECK(exchange.answers[slot].value == valueFor(slot));
    CHECK(exchange.get("k7") == valueFor(7));
    Exchange plain(configFor(server.spec(), protocol));
    CHECK(plain.get("space:k7") == valueFor(7));
    CHECK(plain.one(Op::Get, "k7").status == MEMCACHED_NOTFOUND);
  }
}

TEST_CASE("fetch: binary keys of any bytes and of every length") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec()));
  std::vector<std::string> keys;
  for (std::size_t length = 1; length <= 250; length += 3) {
    std::string key(length, '\0');
    for (std::size_t at = 0; at < length; ++at) key[at] = static_cast<char>(at * 7 + length);
    keys.push_back(key);
  }
  keys.insert(keys.end(), {" ", "\r\n", std::string(1, '\0'), "a b", "\xc3\xa4"});
  Batch sets;
  for (const std::string& key : keys) sets.add(Op::Set, key, "v" + key);
  exchange.run(sets);
  Batch gets;
  for (const std::string& key : keys) gets.add(Op::Get, key);
  exchange.run(gets);
  REQUIRE(exchange.answers.complete(keys.size()));
  for (std::uint32_t slot = 0; slot < keys.size(); ++slot)
    CHECK((exchange.answers[slot].value == "v" + keys[slot]));
  for (const std::string& key : keys) CHECK((exchange.get(key) == "v" + key));
}

TEST_CASE("fetch: a key that text cannot carry fails alone") {
  MemcachedServer server;
  auto config = configFor(server.spec(), Protocol::Text);
  for (const bool verify : {false, true}) {
    config->verifyKeys = verify;
    Exchange exchange(config);
    fill(exchange, 2);
    Batch batch;
    batch.add(Op::Get, "k0");
    batch.add(Op::Get, "a\r\nflush_all").textSafe = false;
    batch.add(Op::Get, "\xc3\xa4");
    batch.add(Op::Get, "k1");
    exchange.run(batch);
    REQUIRE(exchange.answers.complete(4));
    CHECK(exchange.answers[0].value == valueFor(0));
    CHECK(exchange.answers[1].status == status::kBadTextKey);
    CHECK(exchange.answers[1].outcome == Outcome::NotSent);
    CHECK(exchange.answers[2].status == (verify ? std::int32_t{status::kBadTextKey} : MEMCACHED_NOTFOUND));
    CHECK(exchange.answers[3].value == valueFor(1));
    CHECK(exchange.get("k1") == valueFor(1));
  }
}

TEST_CASE("fetch: a key given up by some is asked for the others") {
  MemcachedServer server;
  for (const Protocol protocol : kBoth) {
    Exchange exchange(configFor(server.spec(), protocol));
    fill(exchange, 3);
    SlotTable slots;
    Batch batch;
    for (std::uint32_t slot = 0; slot < 9; ++slot) {
      Request& request = batch.add(Op::Get, "k" + std::to_string(slot % 3));
      request.claim = slots.open(slot);
    }
    for (const std::uint32_t slot : {0u, 4u, 2u, 5u, 8u}) slots.cancel(slot);  // k2: by all
    batch[1].deadline = nowMs() - 1;
    exchange.run(batch);
    REQUIRE(exchange.answers.complete(9));
    for (const std::uint32_t slot : {0u, 4u, 2u, 5u, 8u})
      CHECK(exchange.answers[slot].status == status::kCancelled);
    CHECK(exchange.answers[1].status == status::kExpired);
    for (const std::uint32_t slot : {3u, 6u}) CHECK(exchange.answers[slot].value == valueFor(0));
    CHECK(exchange.answers[7].value == valueFor(1));
  }
}

TEST_CASE("fetch: nothing is sent for those that all gave up") {
  MemcachedServer server;
  Exchange exchange(configFor(server.spec()));
  SlotTable slots;
  Batch batch;
  for (std::uint32_t slot = 0; slot < 3; ++slot) batch.add(Op::Get, "k").claim = slots.open(slot);
  for (std::uint32_t slot = 0; slot < 3; ++slot) slots.cancel(slot);
  const auto contacts = exchange.run(batch);
  CHECK(contacts.back() == Contact::Nothing);
  CHECK(exchange.answers.complete(3));
}

TEST_CASE("fetch: a server that restarted is asked again without anybody seeing it") {
  for (const Listen listen : {Listen::Unix, Listen::Tcp}) {
    for (const Protocol protocol : {Protocol::Text, Protocol::Binary, Protocol::Auto}) {
      MemcachedServer server({}, listen);
      Exchange exchange(configFor(server.spec(), protocol));
      for (const std::size_t count : {std::size_t{1}, std::size_t{100}}) {
        fill(exchange, 5);
        server.start();
        Batch batch;
        for (std::size_t index = 0; index < count; ++index) batch.add(Op::Get, "k" + std::to_string(index));
        const auto contacts = exchange.run(batch);
        CHECK(contacts.back() == Contact::Answered);
        REQUIRE(exchange.answers.complete(count));
        for (std::uint32_t slot = 0; slot < count; ++slot)
          CHECK(exchange.answers[slot].status == MEMCACHED_NOTFOUND);  // it is empty now
      }
    }
  }
}

TEST_CASE("fetch: a server that is gone is a failure and never a miss") {
  for (const Protocol protocol : kBoth) {
    MemcachedServer server;
    Exchange exchange(configFor(server.spec(), protocol));
    fill(exchange, 5);
    server.kill();
    Batch batch;
    for (int index = 0; index < 50; ++index) batch.add(Op::Get, "k" + std::to_string(index));
    CHECK(exchange.run(batch).back() == Contact::Failed);
    REQUIRE(exchange.answers.complete(50));
    for (std::uint32_t slot = 0; slot < 50; ++slot) {
      CHECK(exchange.answers[slot].status != MEMCACHED_NOTFOUND);
      CHECK(exchange.answers[slot].status != MEMCACHED_SUCCESS);
    }
  }
}

TEST_CASE("fetch: a silent server is a failure in time and never a miss and its late answer is never read") {
  for (const Protocol protocol : kBoth) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{50}}) {
      MemcachedServer server;
      Exchange exchange(configFor(server.spec(), protocol));
      fill(exchange, 60);
      server.suspend();
      Batch batch;
      for (std::size_t index = 0; index < count; ++index) batch.add(Op::Get, "k" + std::to_string(index));
      const double started = nowMs();
      CHECK(exchange.run(batch, 150).back() == Contact::Failed);
      CHECK(nowMs() - started < 1500);
      REQUIRE(exchange.answers.complete(count));
      for (std::uint32_t slot = 0; slot < count; ++slot)
        CHECK(exchange.answers[slot].status == MEMCACHED_TIMEOUT);
      server.resume();
      for (std::size_t index = 59; index > 50; --index)
        CHECK(exchange.get("k" + std::to_string(index)) == valueFor(index));
    }
  }
}

TEST_CASE("fetch: cut at any byte of the answers nothing is a fake miss or a wrong value") {
  MemcachedServer server;
  CuttingProxy proxy(server.spec());
  for (const Protocol protocol : kBoth) {
    Exchange direct(configFor(server.spec(), protocol));
    direct.one(Op::Set, "big", std::string(9000, 'b'));
    fill(direct, 6);
    Exchange exchange(configFor(proxy.spec(), protocol));
    std::size_t fakeMisses = 0;
    std::size_t wrongValues = 0;
    std::size_t incomplete = 0;
    std::size_t failed = 0;
    for (std::size_t cut = 1; cut < 10000; cut += cut < 420 ? 3 : 613) {
      proxy.never();
      exchange.get("k0");  // connects, so that only the answers of the batch are counted
      proxy.cutAfterAnswers(cut);
      Batch batch;
      for (const char* key : {"k0", "k1", "missing", "k2", "k3", "big", "k4", "k5"}) batch.add(Op::Get, key);
      exchange.run(batch, 3000);
      if (!exchange.answers.complete(8)) ++incomplete;
      for (std::uint32_t slot = 0; slot < 8; ++slot) {
        const Answer& answer = exchange.answers[slot];
        const std::string key(batch[slot].keyView());
        const std::string expected = key == "big"       ? std::string(9000, 'b')
                                     : key == "missing" ? ""
                                                        : valueFor(std::stoul(key.substr(1)));
        if (answer.status == MEMCACHED_NOTFOUND && key != "missing") ++fakeMisses;
        if (answer.status == MEMCACHED_SUCCESS && (key == "missing" || answer.value != expected))
          ++wrongValues;
        if (answer.status != MEMCACHED_SUCCESS && answer.status != MEMCACHED_NOTFOUND) ++failed;
      }
    }
    CHECK(fakeMisses == 0);
    CHECK(wrongValues == 0);
    CHECK(incomplete == 0);
    CHECK(failed > 0);
  }
}

TEST_CASE("fetch: a single binary key cut at any byte is asked again or fails and never a fake miss") {
  MemcachedServer server;
  CuttingProxy proxy(server.spec());
  Exchange direct(configFor(server.spec()));
  fill(direct, 45);
  Exchange exchange(configFor(proxy.spec()));
  for (std::size_t cut = 1; cut < 80; ++cut) {
    proxy.never();
    exchange.get("k1");
    proxy.cutAfterAnswers(cut);
    const Answer answer = exchange.one(Op::Gets, "k44");
    CHECK(answer.times == 1);
    CHECK(answer.status != MEMCACHED_NOTFOUND);
    if (answer.status == MEMCACHED_SUCCESS) CHECK(answer.value == valueFor(44));
  }
}

namespace {

// A server that answers every binary get and mget with the same bytes, and greets properly.
class LyingServer {
 public:
  explicit LyingServer(std::string answer) : answer_(std::move(answer)) {
    spec_.transport = Transport::Unix;
    spec_.host = folder_.in("liar.sock");
    const sockaddr_un address = unixAddress(spec_.host);
    listener_ = listenOn(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    thread_ = std::thread([this] { run(); });
  }
  ~LyingServer() {
    stop_ = true;
    thread_.join();
  }
  const ServerSpec& spec() const { return spec_; }

 private:
  void run() {
    while (!stop_) {
      pollfd waiting{listener_.get(), POLLIN, 0};
      if (poll(&waiting, 1, 10) <= 0) continue;
      const Socket client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      while (!stop_) {
        pollfd more{client.get(), POLLIN, 0};
        if (poll(&more, 1, 10) <= 0) continue;
        unsigned char bytes[4096];
        const ssize_t got = recv(client.get(), bytes, sizeof bytes, 0);
        if (got <= 0) break;
        // What asks for an answer: a version, a get alone, or the no-op at the end of a multi-get.
        std::string answer;
        for (ssize_t at = 0; at + 24 <= got; at += 24 + bytes[at + 11]) {
          const unsigned char opcode = bytes[at + 1];
          if (opcode == 0x0b)
            answer += std::string("\x81\x0b\0\0\0\0\0\0\0\0\0\x05", 12) + std::string(12, '\0') + "1.6.9";
          if (opcode == 0x00 || opcode == 0x0c || opcode == 0x0a) answer += answer_;
        }
        if (send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
      }
    }
  }

  TemporaryFolder folder_;
  std::string answer_;
  ServerSpec spec_;
  Socket listener_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// A binary answer to a get with the key in it.
std::string getkAnswer(unsigned char opcode, const std::string& key, const std::string& value) {
  std::string header("\x81", 1);
  header += static_cast<char>(opcode);
  header += '\0';
  header += static_cast<char>(key.size());
  header += '\x04';
  header += std::string(3, '\0');
  header += std::string(3, '\0');
  header += static_cast<char>(4 + key.size() + value.size());
  header += std::string(4, '\0');
  header += std::string(7, '\0') + '\x01';
  return header + std::string(4, '\0') + key + value;
}

const std::string kNoop = std::string("\x81\x0a", 2) + std::string(22, '\0');

}  // namespace

TEST_CASE("fetch: an answer for a key that was not asked is never handed out") {
  for (const unsigned char opcode : {0x00, 0x09, 0x0c, 0x0d}) {
    LyingServer server(getkAnswer(opcode, "other", "secret") + kNoop);
    for (const std::size_t count : {std::size_t{1}, std::size_t{4}}) {
      Exchange exchange(configFor(server.spec()));
      Batch batch;
      for (std::size_t index = 0; index < count; ++index) batch.add(Op::Get, "mine" + std::to_string(index));
      exchange.run(batch, 300);
      REQUIRE(exchange.answers.complete(count));
      for (std::uint32_t slot = 0; slot < count; ++slot) {
        CHECK(exchange.answers[slot].status != MEMCACHED_SUCCESS);
        CHECK(exchange.answers[slot].value.find("secret") == std::string::npos);
      }
    }
  }
}

TEST_CASE("fetch: the same key answered twice is not believed") {
  LyingServer server(getkAnswer(0x0d, "a", "one") + getkAnswer(0x0d, "a", "two") + kNoop);
  Exchange exchange(configFor(server.spec()));
  Batch batch;
  batch.add(Op::Get, "a");
  batch.add(Op::Get, "b");
  exchange.run(batch, 300);
  REQUIRE(exchange.answers.complete(2));
  CHECK(exchange.answers[0].value == "one");
  CHECK(exchange.answers[1].status != MEMCACHED_SUCCESS);
  CHECK(exchange.answers[1].status != MEMCACHED_NOTFOUND);
}

TEST_CASE("fetch: answers out of order find their keys") {
  LyingServer server(getkAnswer(0x0d, "c", "3") + getkAnswer(0x0d, "a", "1") + getkAnswer(0x0d, "b", "2") +
                     kNoop);
  Exchange exchange(configFor(server.spec()));
  Batch batch;
  for (const char* key : {"a", "b", "c", "d"}) batch.add(Op::Get, key);
  exchange.run(batch, 300);
  REQUIRE(exchange.answers.complete(4));
  CHECK(exchange.answers[0].value == "1");
  CHECK(exchange.answers[1].value == "2");
  CHECK(exchange.answers[2].value == "3");
  CHECK(exchange.answers[3].status == MEMCACHED_NOTFOUND);
}
