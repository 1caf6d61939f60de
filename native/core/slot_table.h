#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/request.h"

namespace lmc {

// The claim of every request in flight, by its slot (JavaScript's number for it). Claims never move and live
// as long as the table, so that connection threads may look at them by pointer.
//
// Grown by the JavaScript thread only; the claims themselves are shared.
class SlotTable {
 public:
  // JavaScript thread: the claim of a slot that starts a new request.
  std::atomic<Claim>* open(std::uint32_t slot) {
    const std::size_t block = slot / kBlockSize;
    while (blocks_.size() <= block) blocks_.push_back(std::make_unique<Block>());
    std::atomic<Claim>* claim = &(*blocks_[block])[slot % kBlockSize];
    claim->store(Claim::Waiting, std::memory_order_relaxed);
    return claim;
  }

  // JavaScript thread: gives a request up. True: it will not be sent. False: it was sent already.
  bool cancel(std::uint32_t slot) {
    const std::size_t block = slot / kBlockSize;
    if (block >= blocks_.size()) return true;
    std::atomic<Claim>& claim = (*blocks_[block])[slot % kBlockSize];
    Claim found = Claim::Waiting;
    return claim.compare_exchange_strong(found, Claim::Cancelled) || found == Claim::Cancelled;
  }

 private:
  static constexpr std::size_t kBlockSize = 1024;
  using Block = std::array<std::atomic<Claim>, kBlockSize>;
  std::vector<std::unique_ptr<Block>> blocks_;
};

}  // namespace lmc
