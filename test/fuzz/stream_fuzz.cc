// The bytes of a connection: what is queued leaves in order, whatever the pieces and whatever the socket
// takes; what arrives is handed on in order, whatever is consumed in a turn.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "bytes.h"
#include "transport/socket_stream.h"

namespace {

using namespace lmc;
using fuzz::Bytes;
using fuzz::expect;

std::string hear(int peer, std::size_t most) {
  std::string bytes(most, '\0');
  const ssize_t got = ::recv(peer, bytes.data(), bytes.size(), MSG_DONTWAIT);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

void sendAndHear(Bytes& bytes, Stream& stream, int peer) {
  std::string queued;
  std::string heard;
  std::uint8_t letter = 'a';
  while (bytes.left() > 0 && queued.size() < 4'000'000) {
    const std::size_t size = bytes.nextSize();
    const std::string piece(size, static_cast<char>(letter++));
    switch (bytes.next() % 4) {
      case 0:
        stream.out.append(piece);
        queued += piece;
        break;
      case 1: {
        PayloadRef payload = PayloadRef::adopt(Payload::allocate(size));
        std::memcpy(payload.get()->bytes(), piece.data(), size);
        stream.out.appendShared(payload.get(), {payload.get()->bytes(), size});
        queued += piece;
        break;
      }
      case 2:
        heard += hear(peer, size + 1);
        break;
      default:
        expect(stream.send() != Stream::Sent::Broken, "broken");
        break;
    }
    expect(stream.out.size() + stream.sent() == queued.size(), "another size");
  }
  while (heard.size() < queued.size()) {
    expect(stream.send() != Stream::Sent::Broken, "broken at the end");
    heard += hear(peer, 1 << 20);
  }
  expect(heard == queued, "other bytes than were queued");
}

void receiveInTurns(Bytes& bytes, Stream& stream, int peer) {
  std::string said;
  std::string got;
  while (bytes.left() > 0) {
    const std::string_view piece = bytes.take(bytes.next() % 64);
    if (!piece.empty() && ::send(peer, piece.data(), piece.size(), MSG_DONTWAIT) > 0) said += piece;
    const Stream::Received received = stream.receive();
    expect(received != Stream::Received::Closed, "closed");
    expect(got + std::string(stream.in()) == said, "other bytes than were said");
    // At least what would not fit the next turn.
    const std::size_t rest = std::min<std::size_t>(stream.in().size(), bytes.next() * 16);
    const std::size_t count = stream.in().size() - rest;
    got += stream.in().substr(0, count);
    stream.consume(count);
    stream.endTurn();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  int descriptors[2];
  expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, descriptors) == 0, "no sockets");
  Bytes bytes(data, size);
  const std::uint8_t choice = bytes.next();
  const int small = 4096;
  if (choice % 4 < 2) setsockopt(descriptors[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  {
    SocketStream stream(descriptors[0]);
    choice % 2 == 0 ? sendAndHear(bytes, stream, descriptors[1]) : receiveInTurns(bytes, stream, descriptors[1]);
  }
  ::close(descriptors[1]);
  return 0;
}
