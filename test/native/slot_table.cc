#include "core/slot_table.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using lmc::Claim;
using lmc::Request;
using lmc::SlotTable;

TEST_CASE("slot table: whoever is first has the request") {
  SlotTable slots;
  Request request;
  request.claim = slots.open(0);
  CHECK(request.claimForSending());
  CHECK_FALSE(slots.cancel(0));
  CHECK(request.claim->load() == Claim::Sent);

  request.claim = slots.open(0);
  CHECK(slots.cancel(0));
  CHECK_FALSE(request.claimForSending());
  CHECK(request.claim->load() == Claim::Cancelled);
}

TEST_CASE("slot table: sending twice is impossible and cancelling twice says the same") {
  SlotTable slots;
  Request request;
  request.claim = slots.open(5);
  CHECK(request.claimForSending());
  CHECK_FALSE(request.claimForSending());
  slots.open(6);
  CHECK(slots.cancel(6));
  CHECK(slots.cancel(6));  // still: it will not be sent
}

TEST_CASE("slot table: a request that nobody waits for can always be sent") {
  Request request;
  CHECK(request.claimForSending());
  CHECK(request.claimForSending());
}

TEST_CASE("slot table: a slot that was never opened was never sent") {
  SlotTable slots;
  CHECK(slots.cancel(0));
  CHECK(slots.cancel(123456));
}

TEST_CASE("slot table: claims do not move when the table grows") {
  SlotTable slots;
  std::vector<std::atomic<Claim>*> claims;
  for (std::uint32_t slot = 0; slot < 10000; ++slot) claims.push_back(slots.open(slot));
  slots.open(500000);
  for (std::uint32_t slot = 0; slot < 10000; slot += 3) claims[slot]->store(Claim::Sent);
  for (std::uint32_t slot = 0; slot < 10000; ++slot) CHECK(slots.cancel(slot) == (slot % 3 != 0));
}

TEST_CASE("slot table: of cancelling and sending at once exactly one wins") {
  constexpr std::uint32_t kSlots = 20000;
  SlotTable slots;
  std::vector<Request> requests(kSlots);
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) requests[slot].claim = slots.open(slot);
  std::vector<char> sent(kSlots, 0);
  std::vector<char> cancelled(kSlots, 0);
  std::atomic<int> ready = 0;
  const auto startTogether = [&] {
    ++ready;
    while (ready < 2) std::this_thread::yield();
  };
  std::thread connection([&] {
    startTogether();
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) sent[slot] = requests[slot].claimForSending() ? 1 : 0;
  });
  startTogether();
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) cancelled[slot] = slots.cancel(slot) ? 1 : 0;
  connection.join();
  std::uint32_t winners = 0;
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) winners += sent[slot] != cancelled[slot] ? 1 : 0;
  CHECK(winners == kSlots);
}

TEST_CASE("slot table: grows while connection threads look at claims") {
  constexpr std::uint32_t kSlots = 30000;
  SlotTable slots;
  std::vector<std::atomic<Claim>*> claims(kSlots);
  std::atomic<std::uint32_t> opened = 0;
  std::thread connection([&] {
    for (std::uint32_t next = 0; next < kSlots;) {
      const std::uint32_t end = opened.load(std::memory_order_acquire);
      for (; next < end; ++next) claims[next]->store(Claim::Sent);
      std::this_thread::yield();
    }
  });
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    claims[slot] = slots.open(slot);
    opened.store(slot + 1, std::memory_order_release);
  }
  connection.join();
  CHECK_FALSE(slots.cancel(kSlots - 1));
}
