#include "core/inbox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using lmc::Inbox;
using lmc::Request;

namespace {

std::vector<Request> numbered(std::uint32_t from, std::uint32_t count) {
  std::vector<Request> requests(count);
  for (std::uint32_t index = 0; index < count; ++index) requests[index].slot = from + index;
  return requests;
}

void pause(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

}  // namespace

TEST_CASE("inbox: what was pushed is taken whole and in order") {
  Inbox inbox;
  for (std::uint32_t from = 0; from < 30; from += 10) {
    std::vector<Request> requests = numbered(from, 10);
    inbox.push(requests);
    CHECK(requests.empty());
  }
  std::vector<Request> taken;
  REQUIRE(inbox.take(taken));
  REQUIRE(taken.size() == 30);
  for (std::uint32_t index = 0; index < 30; ++index) CHECK(taken[index].slot == index);
}

TEST_CASE("inbox: the bytes of copies count while they wait") {
  Inbox inbox;
  std::vector<Request> requests(1);
  inbox.push(requests, 10);
  requests.resize(2);
  inbox.push(requests, 5);
  CHECK(inbox.copyBytes() == 15);
  std::vector<Request> taken;
  CHECK(inbox.take(taken));
  CHECK(inbox.copyBytes() == 0);
  requests.resize(1);
  inbox.push(requests, 7);
  inbox.takeNow(taken);
  CHECK(inbox.copyBytes() == 0);
}

TEST_CASE("inbox: taking now does not wait") {
  Inbox inbox;
  std::vector<Request> taken;
  inbox.takeNow(taken);
  CHECK(taken.empty());
  std::vector<Request> requests = numbered(0, 2);
  inbox.push(requests);
  inbox.takeNow(taken);
  CHECK(taken.size() == 2);
}

TEST_CASE("inbox: a push wakes who waits") {
  Inbox inbox;
  std::atomic<std::size_t> count = 0;
  std::thread consumer([&] {
    std::vector<Request> taken;
    if (inbox.take(taken)) count = taken.size();
  });
  pause(20);
  CHECK(count == 0);
  std::vector<Request> requests = numbered(0, 3);
  inbox.push(requests);
  consumer.join();
  CHECK(count == 3);
}

TEST_CASE("inbox: closing wakes who waits") {
  Inbox inbox;
  std::atomic<bool> ended = false;
  std::thread consumer([&] {
    std::vector<Request> taken;
    ended = !inbox.take(taken) && taken.empty();
  });
  pause(20);
  CHECK_FALSE(inbox.isClosed());
  inbox.close();
  consumer.join();
  CHECK(ended);
  CHECK(inbox.isClosed());
}

TEST_CASE("inbox: closed with something inside hands it out all the same") {
  Inbox inbox;
  std::vector<Request> requests = numbered(0, 5);
  inbox.push(requests);
  inbox.close();
  inbox.close();
  std::vector<Request> taken;
  CHECK_FALSE(inbox.take(taken));
  CHECK(taken.size() == 5);
}

TEST_CASE("inbox: nothing is lost or doubled or reordered between a producer and the consumer") {
  constexpr std::uint32_t kTotal = 40000;
  for (int round = 0; round < 5; ++round) {
    Inbox inbox;
    std::uint32_t expected = 0;
    bool inOrder = true;
    std::thread consumer([&] {
      std::vector<Request> taken;
      bool open = true;
      while (open) {
        taken.clear();
        open = inbox.take(taken);
        for (const Request& request : taken) inOrder = inOrder && request.slot == expected++;
        if (expected % 7 == 0) std::this_thread::yield();
      }
    });
    for (std::uint32_t sent = 0; sent < kTotal;) {
      std::vector<Request> requests = numbered(sent, std::min(kTotal - sent, 1 + sent % 13));
      sent += static_cast<std::uint32_t>(requests.size());
      inbox.push(requests);
      if (sent % 11 == 0) std::this_thread::yield();
    }
    inbox.close();
    consumer.join();
    CHECK(inOrder);
    CHECK(expected == kTotal);
  }
}

TEST_CASE("inbox: one request at a time never misses a wake-up") {
  Inbox inbox;
  std::atomic<std::uint32_t> seen = 0;
  std::thread consumer([&] {
    std::vector<Request> taken;
    while (inbox.take(taken)) {
      seen += static_cast<std::uint32_t>(taken.size());
      taken.clear();
    }
  });
  bool stuck = false;
  for (std::uint32_t sent = 1; sent <= 3000 && !stuck; ++sent) {
    std::vector<Request> requests = numbered(sent, 1);
    inbox.push(requests);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (seen < sent && !stuck) {
      std::this_thread::yield();
      stuck = std::chrono::steady_clock::now() > until;
    }
  }
  inbox.close();
  consumer.join();
  CHECK_FALSE(stuck);
}
