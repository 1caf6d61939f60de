#include "core/outbox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

using lmc::Completion;
using lmc::CompletionBatch;
using lmc::Outbox;

namespace {

CompletionBatch batchOf(std::uint32_t slot) {
  CompletionBatch batch;
  batch.attach(batch.add(slot, 0), "value");
  return batch;
}

}  // namespace

TEST_CASE("outbox: one wake from empty to not empty") {
  int wakes = 0;
  Outbox outbox([&] { ++wakes; });
  outbox.post(batchOf(1));
  CHECK(wakes == 1);
  outbox.post(batchOf(2));
  outbox.post(batchOf(3));
  CHECK(wakes == 1);
  const std::vector<CompletionBatch> taken = outbox.take();
  REQUIRE(taken.size() == 3);
  for (std::uint32_t index = 0; index < 3; ++index) CHECK(taken[index].items.at(0).slot == index + 1);
  CHECK(outbox.take().empty());
  outbox.post(batchOf(4));
  CHECK(wakes == 2);
}

TEST_CASE("outbox: an empty batch wakes nobody") {
  int wakes = 0;
  Outbox outbox([&] { ++wakes; });
  outbox.post(CompletionBatch{});
  CHECK(wakes == 0);
  CHECK(outbox.take().empty());
}

TEST_CASE("outbox: the wake may take at once") {
  Outbox* self = nullptr;
  std::size_t taken = 0;
  Outbox outbox([&] { taken += self->take().size(); });  // would deadlock if called under the lock
  self = &outbox;
  outbox.post(batchOf(1));
  outbox.post(batchOf(2));
  CHECK(taken == 2);
}

TEST_CASE("outbox: concurrent posters lose nothing and need no other wake than theirs") {
  constexpr std::uint32_t kPosters = 4;
  constexpr std::uint32_t kEach = 3000;
  std::mutex mutex;
  std::condition_variable changed;
  std::uint32_t wakes = 0;
  Outbox outbox([&] {
    std::lock_guard lock(mutex);
    ++wakes;
    changed.notify_one();
  });
  std::vector<std::thread> posters;
  for (std::uint32_t poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&outbox, poster] {
      for (std::uint32_t index = 0; index < kEach; ++index) {
        outbox.post(batchOf(poster * kEach + index));
        if (index % 16 == 0) std::this_thread::yield();
      }
    });
  }
  // As the JavaScript thread does: it looks only when it was woken.
  std::vector<int> seen(kPosters * kEach, 0);
  std::vector<std::uint32_t> next(kPosters, 0);
  std::uint32_t received = 0;
  std::uint32_t handled = 0;
  std::uint32_t emptyHanded = 0;
  bool inOrder = true;
  bool stuck = false;
  while (received < kPosters * kEach && !stuck) {
    {
      std::unique_lock lock(mutex);
      stuck = !changed.wait_for(lock, std::chrono::seconds(20), [&] { return wakes > handled; });
      ++handled;
    }
    const std::vector<CompletionBatch> batches = outbox.take();
    if (batches.empty()) ++emptyHanded;
    for (const CompletionBatch& batch : batches) {
      for (const Completion& completion : batch.items) {
        ++seen[completion.slot];
        ++received;
        const std::uint32_t poster = completion.slot / kEach;
        inOrder = inOrder && completion.slot % kEach == next[poster]++;
      }
    }
  }
  for (std::thread& poster : posters) poster.join();
  CHECK_FALSE(stuck);
  CHECK(inOrder);
  CHECK(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
  // A take may find what a wake still to come announces, but a wake never announces nothing twice.
  CHECK(wakes <= received);
  CHECK(emptyHanded <= wakes);
}

TEST_CASE("completion batch: values lie behind each other and blocks keep their bytes") {
  CompletionBatch batch;
  CHECK(batch.empty());
  batch.attach(batch.add(1, 0), "first");
  batch.attach(batch.add(2, 0), "");
  char* memory = static_cast<char*>(std::malloc(3));
  std::memcpy(memory, "abc", 3);
  batch.attachBlock(batch.add(3, 0), memory, 3);
  batch.attach(batch.add(4, 0), std::string_view("\0x", 2));
  REQUIRE(batch.items.size() == 4);
  const auto valueOf = [&](std::size_t index) {
    const Completion& item = batch.items[index];
    return item.isBlock ? std::string(batch.blocks[item.offset].bytes.get(), item.length)
                        : batch.bytes.substr(item.offset, item.length);
  };
  CHECK(valueOf(0) == "first");
  CHECK(valueOf(1) == "");
  CHECK(valueOf(2) == "abc");
  CHECK(valueOf(3) == std::string("\0x", 2));
  const CompletionBatch moved = std::move(batch);
  CHECK(moved.blocks.at(0).size == 3);
}
