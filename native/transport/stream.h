#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/out_queue.h"

namespace lmc {

// The bytes of one connection: out through a queue, in through a view that lasts for a turn of the loop. Over a
// socket of the system (socket_stream.h), or over one of Node's, with TLS (binding/node_stream.h).
class Stream {
 public:
  Stream() = default;
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  OutQueue out;

  enum class Sent : std::uint8_t { All, Some, Broken };
  // Sends as much as the socket takes; readiness is reported when it takes more. Never on a fiber.
  virtual Sent send() = 0;
  // One datagram, or nothing: errno says why not.
  virtual bool sendDatagram(std::string_view) { return false; }

  enum class Received : std::uint8_t { Bytes, Nothing, Closed };
  // Takes what has arrived, up to a bound; what is left is reported again. The bytes are valid until endTurn().
  virtual Received receive() = 0;
  // After the bytes that were received have been looked at: keeps what is left of them.
  void endTurn() {
    rest_.assign(in_);
    in_ = {};
  }
  std::string_view in() const { return in_; }
  void consume(std::size_t bytes) { in_.remove_prefix(bytes); }

  virtual bool isConnected() const { return true; }
  // Whether the other side has closed the connection, or said something, without our having read it.
  virtual bool isStale() const { return false; }
  // What broke it; empty: the other side closed it.
  const std::string& failure() const { return failure_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t sent() const { return sent_; }

 protected:
  std::string_view in_{};
  std::string rest_;  // received in an earlier turn: part of a line or a frame
  std::string failure_;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace lmc
