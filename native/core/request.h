#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/payload.h"

namespace lmc {

// The numbers are shared with lib/addon/record-layout.ts.
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
  Flush = 12,
  Stats = 13,
  Version = 14,
  Disconnect = 15,
  LastPublic = Disconnect,
  Authenticate,  // SASL, when a connection is opened
};

inline bool isFetch(Op op) { return op == Op::Get || op == Op::Gets; }
inline bool isCounter(Op op) { return op == Op::Incr || op == Op::Decr; }
inline bool isAdmin(Op op) { return op >= Op::Flush; }
inline bool isStorage(Op op) { return op >= Op::Set && op <= Op::Cas; }
// Whether it may have changed something although its answer was lost.
inline bool isWrite(Op op) { return op >= Op::Delete && op <= Op::Flush; }

// A request that JavaScript does not wait for.
constexpr std::uint32_t kNoSlot = UINT32_MAX;

// The behaviors that a request keeps from the moment it was called: a later change of them, or of the
// namespace, does not concern it.
struct RequestSettings {
  std::string keyNamespace;
  bool noReply = false;     // nobody waits for the answers to writes with a value
  bool casForAll = false;   // the `cas` behavior: every read asks for the token
  bool verifyKeys = false;  // text keys must be visible ASCII

  bool operator==(const RequestSettings&) const = default;
};

// An operation on its way. Waiting requests are members of a RequestList.
struct Request {
  Op op = Op::Get;
  std::int8_t compressLevel = -1;  // zlib's levels: -1 (its default), 0 … 9
  std::uint8_t replica = 0;        // how many servers after the key's own; reads that fall back
  bool isRetried = false;          // a read whose connection broke: asked once more, not twice
  bool isSent = false;             // encoded: from here on it cannot be recalled
  bool isGivenUp = false;          // before it was sent, while a job had it
  bool isCopy = false;             // for a replica: nobody waits for it
  std::uint32_t copyBytes = 0;     // of such: what it holds while it waits
  std::uint16_t keyLength = 0;
  std::uint16_t server = 0;
  std::uint32_t slot = kNoSlot;
  std::uint32_t valueLength = 0;
  std::uint32_t flags = 0;
  std::uint32_t expiry = 0;
  std::uint32_t minCompress = 0;  // 0: never compress
  std::uint64_t number = 0;       // CAS token of a cas, delta of a counter
  double deadline = 0;            // milliseconds of the steady clock
  double submittedMs = 0;         // of the same clock: when it was handed to its connection
  const char* key = nullptr;
  const char* value = nullptr;
  PayloadRef keyBytes;
  PayloadRef valueBytes;  // only where the value has a block of its own
  std::shared_ptr<const RequestSettings> settings;

  Request* previous = nullptr;
  Request* next = nullptr;
  Request* nextSame = nullptr;  // of a fetch: the next request that waits for the same key
  // The list that it waits in, so that it can be taken out when its caller gives it up; null once encoded.
  class RequestList* list = nullptr;

  std::string_view keyView() const { return {key, keyLength}; }
  std::string_view valueView() const { return {value, valueLength}; }
};

// A queue of requests that owns them; a request in the middle is taken out at no cost.
class RequestList {
 public:
  RequestList() = default;
  RequestList(const RequestList&) = delete;
  RequestList& operator=(const RequestList&) = delete;
  ~RequestList() { clear(); }

  bool empty() const { return first_ == nullptr; }
  std::size_t size() const { return size_; }
  Request* front() const { return first_; }

  void pushBack(std::unique_ptr<Request> request) { insertBefore(nullptr, request.release()); }
  void pushFront(std::unique_ptr<Request> request) { insertBefore(first_, request.release()); }

  std::unique_ptr<Request> remove(Request* request) {
    (request->previous != nullptr ? request->previous->next : first_) = request->next;
    (request->next != nullptr ? request->next->previous : last_) = request->previous;
    request->previous = request->next = nullptr;
    request->list = nullptr;
    --size_;
    return std::unique_ptr<Request>(request);
  }
  std::unique_ptr<Request> popFront() { return remove(first_); }

  void clear() {
    while (!empty()) popFront();
  }

 private:
  void insertBefore(Request* position, Request* request) {
    request->next = position;
    request->previous = position != nullptr ? position->previous : last_;
    (request->previous != nullptr ? request->previous->next : first_) = request;
    (position != nullptr ? position->previous : last_) = request;
    request->list = this;
    ++size_;
  }

  Request* first_ = nullptr;
  Request* last_ = nullptr;
  std::size_t size_ = 0;
};

// Of requests that wait for the same key, the first owns the others.
inline std::unique_ptr<Request> takeNextSame(Request& request) {
  return std::unique_ptr<Request>(std::exchange(request.nextSame, nullptr));
}

}  // namespace lmc
