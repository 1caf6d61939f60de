#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace lmc {

// A block of bytes shared by requests: keys and values are copied out of JavaScript's memory once, at
// submit, and every request of that submission points into the same block. Counted without atomics: only the
// JavaScript thread counts; what the pool reads is held by a reference that stays on this thread.
class Payload {
 public:
  static Payload* allocate(std::size_t size) {
    if (Payload* const spare = takeSpare(size)) return spare;
    void* memory = std::malloc(sizeof(Payload) + size);
    if (memory == nullptr) throw std::bad_alloc();
    return new (memory) Payload(size);
  }

  char* bytes() { return reinterpret_cast<char*>(this + 1); }

  void retain() { ++references_; }
  void release() {
    if (--references_ == 0 && !keepAsSpare()) std::free(this);
  }

 private:
  explicit Payload(std::size_t size) : size_(size) {}

  // Large blocks come from the system and go back to it, page by page: that costs more than filling them. So
  // a few are kept for the next large value.
  struct Spares {
    std::vector<Payload*> blocks;
    ~Spares() {
      for (Payload* const block : blocks) std::free(block);
    }
  };
  static Spares& spares() {
    thread_local Spares kept;
    return kept;
  }
  static constexpr std::size_t kMinSpareBytes = 64 * 1024;
  static constexpr std::size_t kMaxSpareBytes = 2 * 1024 * 1024;
  static constexpr std::size_t kMaxSpares = 4;

  static Payload* takeSpare(std::size_t size) {
    if (size < kMinSpareBytes) return nullptr;
    std::vector<Payload*>& blocks = spares().blocks;
    for (Payload*& block : blocks) {
      // One that is much too large would only be wasted.
      if (block->size_ < size || block->size_ / 2 > size) continue;
      Payload* const taken = std::exchange(block, blocks.back());
      blocks.pop_back();
      taken->references_ = 1;
      return taken;
    }
    return nullptr;
  }

  bool keepAsSpare() {
    if (size_ < kMinSpareBytes || size_ > kMaxSpareBytes) return false;
    std::vector<Payload*>& blocks = spares().blocks;
    if (blocks.size() >= kMaxSpares) return false;
    blocks.push_back(this);
    return true;
  }

  const std::size_t size_;
  std::size_t references_ = 1;
};

// Owns one reference to a Payload.
class PayloadRef {
 public:
  PayloadRef() = default;
  static PayloadRef adopt(Payload* payload) { return PayloadRef(payload); }
  static PayloadRef share(Payload* payload) {
    if (payload != nullptr) payload->retain();
    return PayloadRef(payload);
  }
  PayloadRef(PayloadRef&& other) noexcept : payload_(std::exchange(other.payload_, nullptr)) {}
  PayloadRef& operator=(PayloadRef&& other) noexcept {
    if (this != &other) {
      reset();
      payload_ = std::exchange(other.payload_, nullptr);
    }
    return *this;
  }
  PayloadRef(const PayloadRef&) = delete;
  PayloadRef& operator=(const PayloadRef&) = delete;
  ~PayloadRef() { reset(); }

  void reset() {
    if (payload_ != nullptr) std::exchange(payload_, nullptr)->release();
  }
  Payload* get() const { return payload_; }

 private:
  explicit PayloadRef(Payload* payload) : payload_(payload) {}
  Payload* payload_ = nullptr;
};

}  // namespace lmc
