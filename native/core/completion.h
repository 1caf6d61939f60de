#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lmc {

// Status of a completion: libmemcached's return codes (0 and up) as they are, and below zero our own.
// The negative numbers are shared with lib/addon/record-layout.ts.
namespace status {
constexpr std::int32_t kSuccess = 0;
constexpr std::int32_t kNotFound = 16;        // MEMCACHED_NOTFOUND
constexpr std::int32_t kExpired = -1;         // the deadline passed before it was sent
constexpr std::int32_t kCancelled = -2;       // given up by JavaScript before it was sent
constexpr std::int32_t kClosed = -3;          // the client was destroyed before it was sent
constexpr std::int32_t kServerDown = -4;      // the server failed a moment ago; not tried
constexpr std::int32_t kServerDead = -5;      // the server was marked dead; not tried
constexpr std::int32_t kBadTextKey = -6;      // `verify_keys`: bytes that are not visible ASCII
constexpr std::int32_t kBadCompression = -7;  // flagged as zlib's, and it is not, or too large; the value is as stored
constexpr std::int32_t kNotInThisProtocol = -8;
}  // namespace status

// What the caller may assume about an operation that failed.
enum class Outcome : std::uint8_t {
  Definite = 0,  // the server said so
  NotSent = 1,   // it had no effect
  Unknown = 2,   // sent, and the answer was lost: it may or may not have been applied
};

struct MallocDeleter {
  void operator()(char* memory) const { std::free(memory); }
};

// A large value that is handed to JavaScript as it was received, without a copy.
struct Block {
  std::unique_ptr<char, MallocDeleter> bytes;
  std::size_t size = 0;
};

struct Completion {
  std::uint32_t slot = 0;
  std::int32_t status = status::kSuccess;
  Outcome outcome = Outcome::Definite;
  bool isBlock = false;
  std::uint16_t server = 0;  // the one that it was asked of
  std::uint32_t flags = 0;
  std::uint32_t offset = 0;  // into the batch's bytes, or the index of its block
  std::uint32_t length = 0;
  std::uint64_t number = 0;  // CAS token or counter
};

// Results that are to be delivered together.
struct CompletionBatch {
  std::vector<Completion> items;
  std::string bytes;  // small values and error texts, one behind the other
  std::vector<Block> blocks;

  bool empty() const { return items.empty(); }

  Completion& add(std::uint32_t slot, std::int32_t status) {
    Completion& completion = items.emplace_back();
    completion.slot = slot;
    completion.status = status;
    return completion;
  }

  Completion& addFailure(std::uint32_t slot, std::uint16_t server, std::int32_t status, Outcome outcome) {
    Completion& completion = add(slot, status);
    completion.outcome = outcome;
    completion.server = server;
    return completion;
  }

  void attach(Completion& completion, std::string_view value) {
    completion.isBlock = false;
    completion.offset = static_cast<std::uint32_t>(bytes.size());
    completion.length = static_cast<std::uint32_t>(value.size());
    bytes.append(value);
  }

  void attachBlock(Completion& completion, char* memory, std::size_t size) {
    completion.isBlock = true;
    completion.offset = static_cast<std::uint32_t>(blocks.size());
    completion.length = static_cast<std::uint32_t>(size);
    blocks.push_back(Block{std::unique_ptr<char, MallocDeleter>(memory), size});
  }
};

}  // namespace lmc
