#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/payload.h"

namespace lmc {

// The numbers are shared with lib/wire.ts.
enum class Op : std::uint8_t {
  Get = 0,
  Gets = 1,
  Delete = 2,
  Touch = 3,
  Set = 4,
  Add = 5,
  Replace = 6,
  Append = 7,
  Prepend = 8,
  Cas = 9,
  Incr = 10,
  Decr = 11,
  IncrInitial = 12,
  DecrInitial = 13,
  Flush = 14,
  Stats = 15,
  Version = 16,
  Disconnect = 17,
  LastPublic = Disconnect,
  Configure = 18,  // ours: from here on the connection has other settings
};

// A request that JavaScript does not wait for.
constexpr std::uint32_t kNoSlot = UINT32_MAX;

// Who owns a request that JavaScript may give up on at any moment: whoever moves it out of Waiting wins.
// The connection thread claims a request just before it sends it; JavaScript cancels one whose deadline
// passed or whose signal was aborted. So a request that was given up while queued is never sent, and the
// caller can be told which of the two happened.
enum class Claim : std::uint8_t { Waiting = 0, Sent = 1, Cancelled = 2 };

struct Request {
  Op op = Op::Get;
  std::int8_t compressLevel = -1;  // zlib's levels: -1 (its default), 0 … 9
  std::uint8_t replica = 0;        // how many servers after the key's own; reads that fall back
  bool textSafe = true;            // no byte in the key that the text protocol cannot carry
  std::uint16_t keyLength = 0;
  std::uint16_t server = 0;
  std::uint32_t slot = 0;
  std::uint32_t valueLength = 0;
  std::uint32_t flags = 0;
  std::uint32_t expiry = 0;
  std::uint32_t minCompress = 0;  // 0: never compress
  std::uint64_t number = 0;       // CAS token of a cas, delta of a counter
  std::uint64_t initial = 0;      // first value of a counter that may be created
  double deadline = 0;            // milliseconds of the steady clock
  double submittedMs = 0;         // of the same clock: when it was handed to its connection
  const char* key = nullptr;
  const char* value = nullptr;
  std::atomic<Claim>* claim = nullptr;  // lives in the client's slot table, which outlives every request
  PayloadRef keyBytes;
  PayloadRef valueBytes;                 // only where the value has a block of its own
  std::shared_ptr<const void> settings;  // of Configure: what Session::configure understands

  std::string_view keyView() const { return {key, keyLength}; }
  std::string_view valueView() const { return {value, valueLength}; }

  // Connection thread. Exactly one of these, or JavaScript's cancelling, is true for a request.
  bool claimForSending() { return claimAs(Claim::Sent); }
  // It will be completed without having been sent; should its time be over at the same moment, that is still
  // known.
  bool claimUnsent() { return claimAs(Claim::Cancelled); }

 private:
  bool claimAs(Claim owner) {
    Claim expected = Claim::Waiting;
    return claim == nullptr || claim->compare_exchange_strong(expected, owner);
  }
};

inline bool isFetch(Op op) { return op == Op::Get || op == Op::Gets; }
inline bool isCounter(Op op) { return op >= Op::Incr && op <= Op::DecrInitial; }
inline bool isAdmin(Op op) { return op >= Op::Flush; }
// libmemcached can write these two into its buffer without sending them; the others it sends at once.
inline bool isBuffered(Op op) { return op == Op::Set || op == Op::Delete; }
inline bool isStorage(Op op) { return op >= Op::Set && op <= Op::Cas; }

}  // namespace lmc
