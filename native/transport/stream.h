#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/out_queue.h"

namespace lmc {

// The bytes of one connection: out through a queue, in through a buffer that belongs to the thread, so that
// an idle connection holds nothing. Owns the descriptor.
class Stream {
 public:
  explicit Stream(int descriptor) : descriptor_(descriptor) {}
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  OutQueue out;

  enum class Sent : std::uint8_t { All, Some, Broken };
  // Sends as much as the socket takes.
  Sent send();
  // One datagram, or nothing: errno says why not.
  bool sendDatagram(std::string_view bytes);

  enum class Received : std::uint8_t { Bytes, Nothing, Closed };
  // Reads what has arrived, up to a bound; what is left makes the descriptor readable again. The bytes are
  // valid until endTurn().
  Received receive();
  // After the bytes that were received have been looked at: keeps what is left of them.
  void endTurn();
  std::string_view in() const { return in_; }
  void consume(std::size_t bytes) { in_.remove_prefix(bytes); }

  // Whether the other side has closed the connection, or said something, without our having read it.
  bool isStale() const;

  int descriptor() const { return descriptor_; }
  int error() const { return error_; }  // errno of what broke it; 0: the other side closed it
  std::uint64_t received() const { return received_; }
  std::uint64_t sent() const { return sent_; }

 private:
  const int descriptor_;
  std::string_view in_{};
  std::string rest_;  // received in an earlier turn: part of a line or a frame
  int error_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace lmc
