#pragma once

#include <cstdint>

namespace lmc {

// Requests and completions cross the boundary as records in typed arrays that both sides know, so that
// neither direction needs a Node-API call or an object per operation. lib/addon/record-layout.ts is the other half:
// change both.
//
// A request, in the submission buffer, 8-byte aligned, native endian:
struct RequestRecord {
  std::uint8_t op;
  std::uint8_t compressLevel;  // zlib's level + 1: 0 is its default
  std::uint8_t keyFlags;       // kKeyFlag…
  std::uint8_t replica;        // how many servers after the key's own
  std::uint32_t slot;
  std::uint32_t keyLength;
  std::uint32_t valueLength;
  double deadline;  // milliseconds of the steady clock
  // Reads and deletes end here; the rest is only there if kHasDetails is set.
  std::uint32_t flags;
  std::uint32_t expiry;
  std::uint32_t minCompress;
  std::uint32_t staged;  // 1 + index of a value that was staged natively; 0: the value follows the key
  std::uint64_t number;
};
// The key and the value follow, then padding to 8 bytes.

constexpr std::size_t kShortRecordBytes = 24;
constexpr std::size_t kRecordBytes = 48;
static_assert(sizeof(RequestRecord) == kRecordBytes);

constexpr std::uint8_t kHasDetails = 2;  // the record is a long one
constexpr std::uint8_t kForServer = 4;   // no key: keyLength is the server's index instead

// What happens to requests that are handed over: below these they wait.
constexpr std::uint32_t kSend = 1;
constexpr std::uint32_t kEndTick = 2;  // they are sent, and the tick calls no more

// A completion, in the results array:
struct CompletionRecord {
  std::uint32_t slot;
  std::int32_t status;
  std::uint32_t kind;  // Outcome, plus kInBlock, plus the server of a failure
  std::uint32_t flags;
  std::uint32_t offset;  // into the bytes array, or the index of its block
  std::uint32_t length;
  std::uint64_t number;
};
constexpr std::size_t kCompletionWords = 8;
static_assert(sizeof(CompletionRecord) == kCompletionWords * 4);

constexpr std::uint32_t kInBlock = 4;
constexpr std::uint32_t kServerShift = 16;

}  // namespace lmc
