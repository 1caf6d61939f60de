#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace lmc {

struct Request;

// Key → what the planner knows about it, for one batch at a time. An open-addressing table that is emptied by
// raising a stamp, because it is filled and thrown away for every batch: std::unordered_map spent more time
// in malloc than the rest of the planner together.
class KeyTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Entry {
    std::uint32_t stamp = 0;
    std::uint32_t hash = 0;
    std::string_view key{};
    std::uint32_t fetchedIn = kNone;  // the last multi-get that asks for the key
    std::uint32_t writtenIn = kNone;  // the multi-get that was open when the key was written last
    Request* fetchTail = nullptr;     // the last request that waits for the key in the multi-get `fetchedIn`
  };

  // Empties the table and makes room for `keys` keys. Views given to `at` must live until the next call.
  void reset(std::size_t keys) {
    std::size_t wanted = 16;
    while (wanted < keys * 2) wanted *= 2;
    if (entries_.size() < wanted) {
      entries_.assign(wanted, Entry{});
      stamp_ = 0;
    }
    mask_ = entries_.size() - 1;
    if (++stamp_ == 0) {  // wrapped: old stamps could look current
      entries_.assign(entries_.size(), Entry{});
      stamp_ = 1;
    }
  }

  Entry& at(std::string_view key) {
    const std::uint32_t hash = hashOf(key);
    for (std::size_t index = hash & mask_;; index = (index + 1) & mask_) {
      Entry& entry = entries_[index];
      if (entry.stamp != stamp_) {
        entry = Entry{stamp_, hash, key};
        return entry;
      }
      if (entry.hash == hash && entry.key == key) return entry;
    }
  }

  // Not for untrusted distributions: a batch is bounded, so is the harm of collisions.
  static std::uint32_t hashOf(std::string_view key) {
    std::uint64_t hash = 0x9E3779B97F4A7C15ull ^ key.size();
    const char* at = key.data();
    std::size_t left = key.size();
    while (left >= 8) {
      std::uint64_t word;
      std::memcpy(&word, at, 8);
      hash = mix(hash ^ word);
      at += 8;
      left -= 8;
    }
    std::uint64_t word = 0;
    if (left > 0) std::memcpy(&word, at, left);
    // murmur3's finaliser.
    hash ^= word;
    hash ^= hash >> 33;
    hash *= 0xFF51AFD7ED558CCDull;
    hash ^= hash >> 33;
    hash *= 0xC4CEB9FE1A85EC53ull;
    return static_cast<std::uint32_t>(hash >> 32);
  }

 private:
  static std::uint64_t mix(std::uint64_t value) {
    value *= 0xD6E8FEB86659FD93ull;
    return value ^ (value >> 32);
  }

  std::vector<Entry> entries_;
  std::size_t mask_ = 0;
  std::uint32_t stamp_ = 0;
};

}  // namespace lmc
