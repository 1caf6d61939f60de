#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

namespace lmc {

// A block of bytes shared by requests: keys and values are copied out of JavaScript's memory once, at
// submit, and every request of that submission points into the same block. Counted without atomics: only the
// JavaScript thread counts; what the pool reads is held by a reference that stays on this thread.
class Payload {
 public:
  static Payload* allocate(std::size_t size) {
    void* memory = std::malloc(sizeof(Payload) + size);
    if (memory == nullptr) throw std::bad_alloc();
    return new (memory) Payload();
  }

  char* bytes() { return reinterpret_cast<char*>(this + 1); }

  void retain() { ++references_; }
  void release() {
    if (--references_ == 0) std::free(this);
  }

 private:
  Payload() = default;
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
