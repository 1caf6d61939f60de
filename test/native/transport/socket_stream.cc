#include "transport/socket_stream.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

using namespace lmc;

namespace {

// A stream, and the other side of its connection.
struct Pair {
  explicit Pair(int type = SOCK_STREAM, int bufferBytes = 0) {
    int descriptors[2];
    REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, descriptors) == 0);
    if (bufferBytes > 0) setsockopt(descriptors[0], SOL_SOCKET, SO_SNDBUF, &bufferBytes, sizeof bufferBytes);
    stream = std::make_unique<SocketStream>(descriptors[0]);
    peer = descriptors[1];
  }
  ~Pair() { hangUp(); }
  void hangUp() {
    if (peer >= 0) ::close(peer);
    peer = -1;
  }
  void say(const std::string& bytes) const {
    std::size_t said = 0;
    while (said < bytes.size()) {
      const ssize_t sent = ::send(peer, bytes.data() + said, bytes.size() - said, MSG_DONTWAIT);
      REQUIRE(sent > 0);
      said += static_cast<std::size_t>(sent);
    }
  }
  // What has arrived there.
  std::string hear() const {
    std::string bytes(1 << 16, '\0');
    const ssize_t got = ::recv(peer, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

  std::unique_ptr<Stream> stream;
  int peer;
};

}  // namespace

TEST_CASE("stream: sends what is queued and counts it") {
  Pair pair;
  CHECK(pair.stream->send() == Stream::Sent::All);
  pair.stream->out.append("hello");
  CHECK(pair.stream->send() == Stream::Sent::All);
  CHECK(pair.hear() == "hello");
  CHECK(pair.stream->sent() == 5);
}

TEST_CASE("stream: a full socket takes a part and the rest follows") {
  Pair pair(SOCK_STREAM, 8192);
  std::string all;
  PayloadRef payload = PayloadRef::adopt(Payload::allocate(400'000));
  std::memset(payload.get()->bytes(), 'v', 400'000);
  for (int index = 0; index < 200; ++index) {  // more pieces than one call takes
    const std::string head = "head " + std::to_string(index) + " ";
    pair.stream->out.append(head);
    pair.stream->out.appendShared(payload.get(), {payload.get()->bytes(), 2000});
    all += head + std::string(2000, 'v');
  }
  std::string heard;
  Stream::Sent sent = pair.stream->send();
  CHECK(sent == Stream::Sent::Some);
  for (int turn = 0; turn < 10'000 && heard.size() < all.size(); ++turn) {
    heard += pair.hear();
    sent = pair.stream->send();
  }
  CHECK(sent == Stream::Sent::All);
  CHECK((heard == all));
  CHECK(pair.stream->sent() == all.size());
  CHECK(pair.stream->out.empty());
}

TEST_CASE("stream: sending to one who is gone says so and why") {
  Pair pair;
  pair.hangUp();
  pair.stream->out.append("hello");
  CHECK(pair.stream->send() == Stream::Sent::Broken);
  CHECK(pair.stream->failure() == std::strerror(EPIPE));
}

TEST_CASE("stream: receives in turns and keeps what was not consumed") {
  Pair pair;
  CHECK(pair.stream->receive() == Stream::Received::Nothing);
  pair.stream->endTurn();
  pair.say("one two");
  REQUIRE(pair.stream->receive() == Stream::Received::Bytes);
  CHECK(pair.stream->in() == "one two");
  pair.stream->consume(4);
  CHECK(pair.stream->in() == "two");
  pair.stream->endTurn();
  CHECK(pair.stream->in().empty());
  pair.say(" three");
  REQUIRE(pair.stream->receive() == Stream::Received::Bytes);
  CHECK(pair.stream->in() == "two three");
  CHECK(pair.stream->received() == 13);
}

TEST_CASE("stream: a turn in which nothing arrives keeps the rest") {
  Pair pair;
  pair.say("rest");
  REQUIRE(pair.stream->receive() == Stream::Received::Bytes);
  pair.stream->endTurn();
  REQUIRE(pair.stream->receive() == Stream::Received::Nothing);
  CHECK(pair.stream->in() == "rest");
  pair.stream->endTurn();
  pair.hangUp();
  REQUIRE(pair.stream->receive() == Stream::Received::Closed);
  CHECK(pair.stream->in() == "rest");
  CHECK(pair.stream->failure().empty());
}

TEST_CASE("stream: two of a thread share the buffer and not the bytes") {
  Pair one;
  Pair other;
  one.say("of one");
  other.say("of the other");
  REQUIRE(one.stream->receive() == Stream::Received::Bytes);
  one.stream->consume(3);
  one.stream->endTurn();
  REQUIRE(other.stream->receive() == Stream::Received::Bytes);
  CHECK(other.stream->in() == "of the other");
  other.stream->endTurn();
  one.say("!");
  REQUIRE(one.stream->receive() == Stream::Received::Bytes);
  CHECK(one.stream->in() == "one!");
}

TEST_CASE("stream: a turn receives a bounded part of what is there") {
  Pair pair;
  std::string sent;
  std::string got;
  for (int round = 0; round < 20; ++round) {
    sent += std::string(50'000, static_cast<char>('a' + round));
    pair.say(std::string(50'000, static_cast<char>('a' + round)));
    if (round % 2 == 0) continue;
    while (pair.stream->receive() == Stream::Received::Bytes) {
      CHECK(pair.stream->in().size() <= (256 + 16) * 1024);
      got += pair.stream->in();
      pair.stream->consume(pair.stream->in().size());
      pair.stream->endTurn();
    }
    pair.stream->endTurn();
  }
  CHECK((got == sent));
}

TEST_CASE("stream: a rest of a frame with a long error fits the buffer") {
  Pair pair;
  const std::string part(16 * 1024 - 1, 'p');
  pair.say(part);
  REQUIRE(pair.stream->receive() == Stream::Received::Bytes);
  pair.stream->endTurn();
  pair.say("x");
  REQUIRE(pair.stream->receive() == Stream::Received::Bytes);
  CHECK((pair.stream->in() == part + "x"));
}

TEST_CASE("stream: is stale when the other side hung up or said something") {
  Pair pair;
  CHECK_FALSE(pair.stream->isStale());
  pair.say("unasked");
  CHECK(pair.stream->isStale());
  CHECK(pair.stream->receive() == Stream::Received::Bytes);  // it was only looked at
  CHECK_FALSE(pair.stream->isStale());
  pair.hangUp();
  CHECK(pair.stream->isStale());
}

TEST_CASE("stream: owns its descriptor") {
  Pair pair;
  pair.stream.reset();
  char byte;
  CHECK(::recv(pair.peer, &byte, 1, MSG_DONTWAIT) == 0);
}

TEST_CASE("stream: datagrams keep their bounds") {
  Pair pair(SOCK_DGRAM);
  CHECK(pair.stream->sendDatagram("one"));
  CHECK(pair.stream->sendDatagram("two"));
  CHECK(pair.hear() == "one");
  CHECK(pair.hear() == "two");
  CHECK(pair.stream->sent() == 6);
}

TEST_CASE("stream: a datagram that is too large says so") {
  Pair pair(SOCK_DGRAM, 4096);
  CHECK_FALSE(pair.stream->sendDatagram(std::string(10'000'000, 'x')));
  CHECK(errno == EMSGSIZE);
}
