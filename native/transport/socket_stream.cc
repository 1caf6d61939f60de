#include "transport/socket_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace lmc {

namespace {

constexpr std::size_t kMaxPieces = 64;

// What is decoded in one turn of the loop. Large enough that a value of 1 MB takes few turns, and small
// enough for the processor's cache: libmemcached copies from here.
constexpr std::size_t kTurnBytes = 256 * 1024;
// The rest of an earlier turn: less than a line or a frame's header, see AnswerFeed.
constexpr std::size_t kRestBytes = 16 * 1024;

// Of this thread, not of a connection: used from receive() to endTurn() only.
char* turnBuffer() {
  thread_local const std::unique_ptr<char[]> buffer(new char[kRestBytes + kTurnBytes]);
  return buffer.get();
}

}  // namespace

void SocketStream::watch(Loop& loop, std::function<void(Loop::Readiness)> onReady) {
  watch_ = loop.watch(descriptor_, std::move(onReady));
  watch_->set(true, false);
}

SocketStream::~SocketStream() {
  watch_.reset();
  ::close(descriptor_);
}

Stream::Sent SocketStream::send() {
  while (!out.empty()) {
    iovec pieces[kMaxPieces];
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = out.peek(pieces, kMaxPieces);
    const ssize_t taken = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) break;
      failure_ = std::strerror(errno);
      return Sent::Broken;
    }
    sent_ += static_cast<std::uint64_t>(taken);
    out.consume(static_cast<std::size_t>(taken));
  }
  if (watch_) watch_->set(true, !out.empty());
  return out.empty() ? Sent::All : Sent::Some;
}

bool SocketStream::sendDatagram(std::string_view bytes) {
  ssize_t taken;
  do {
    taken = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    // What an earlier datagram came back with is reported here, once: this one has not been tried then.
  } while (taken < 0 && (errno == EINTR || errno == ECONNREFUSED));
  if (taken > 0) sent_ += static_cast<std::uint64_t>(taken);
  return taken >= 0;
}

Stream::Received SocketStream::receive() {
  char* const buffer = turnBuffer();
  const std::size_t kept = std::min(rest_.size(), kRestBytes);
  std::memcpy(buffer, rest_.data(), kept);
  ssize_t got;
  do {
    got = ::recv(descriptor_, buffer + kept, kTurnBytes, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    received_ += static_cast<std::uint64_t>(got);
    in_ = {buffer, kept + static_cast<std::size_t>(got)};
    return Received::Bytes;
  }
  in_ = {buffer, kept};
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Received::Nothing;
  if (got < 0) failure_ = std::strerror(errno);
  return Received::Closed;
}

bool SocketStream::isStale() const {
  char byte;
  const ssize_t got = ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace lmc
