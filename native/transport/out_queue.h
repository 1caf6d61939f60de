#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "core/payload.h"

namespace lmc {

// Bytes on their way into a socket: small ones gathered in pieces, large values referred to where they lie.
class OutQueue {
 public:
  // What is appended from here on is one request.
  void beginRequest() { lastRequest_ = 0; }
  void append(std::string_view bytes);
  // `bytes` lie in the payload.
  void appendShared(Payload* payload, std::string_view bytes);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Bytes of the last request, as far as they are still here.
  std::size_t lastRequest() const { return std::min(lastRequest_, size_); }
  // The first pieces, at most `room`. Returns how many.
  std::size_t peek(iovec* pieces, std::size_t room) const;
  void consume(std::size_t bytes);
  void clear();

 private:
  // A piece of this size is full: appending more would move it.
  static constexpr std::size_t kPieceBytes = 64 * 1024;

  struct Piece {
    std::string own;
    PayloadRef payload;
    std::string_view shared{};
    std::string_view view() const { return payload.get() != nullptr ? shared : std::string_view(own); }
  };

  std::deque<Piece> pieces_;
  std::size_t sent_ = 0;  // of the first piece
  std::size_t size_ = 0;
  std::size_t lastRequest_ = 0;
  std::string spare_;  // the memory of a piece that was sent
};

}  // namespace lmc
