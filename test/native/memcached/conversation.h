#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../requests.h"
#include "answers.h"
#include "memcached/decoder.h"
#include "memcached/encoder.h"
#include "transport/socket_stream.h"

// Operations that are encoded and decoded without a server: the test writes the answers. No doctest in here:
// the fuzz targets use it too.
namespace lmc::test {

// What is asked in one call of libmemcached.
struct Operation {
  Op op = Op::Get;
  std::vector<std::string> keys{"k"};  // several: of a multi-get
  std::string value{};                 // of a stat: the group
  std::uint64_t number = 0;
  std::uint32_t flags = 0;
  std::uint32_t expiry = 0;
  std::string keyNamespace{};
  bool wantsCas = false;
};

// A step of requests that are freed with it, but for those that were handed out.
class OwnedStep {
 public:
  explicit OwnedStep(const Operation& operation) {
    const Settings settings = settingsWith(operation.keyNamespace);
    Request* last = nullptr;
    step_.keys = 0;
    for (const std::string& key : operation.keys) {
      Request* const request = makeRequest(operation.op, isAdmin(operation.op) ? "" : key, operation.value).release();
      request->number = operation.number;
      request->flags = operation.flags;
      request->expiry = operation.expiry;
      request->settings = settings;
      request->previous = last;
      (last != nullptr ? last->next : step_.first) = request;
      last = request;
      ++step_.keys;
      if (!isFetch(operation.op)) break;
    }
    step_.wantsCas = operation.wantsCas || operation.op == Op::Gets;
  }
  ~OwnedStep() {
    while (step_.first != nullptr) delete std::exchange(step_.first, step_.first->next);
  }
  OwnedStep(const OwnedStep&) = delete;
  OwnedStep& operator=(const OwnedStep&) = delete;
  Step& operator*() { return step_; }
  Step* operator->() { return &step_; }

 private:
  Step step_;
};

inline std::string contentsOf(const OutQueue& queue) {
  std::vector<iovec> pieces(4096);
  std::string bytes;
  for (std::size_t index = 0, count = queue.peek(pieces.data(), pieces.size()); index < count; ++index)
    bytes.append(static_cast<const char*>(pieces[index].iov_base), pieces[index].iov_len);
  return bytes;
}

// What came of an operation.
struct Decoded {
  Decoder::Verdict verdict = Decoder::Verdict::Done;
  std::int32_t status = 0;
  Outcome outcome = Outcome::Definite;
  std::uint64_t number = 0;
  std::string text{};
  std::vector<Hit> hits{};
  bool operator==(const Decoded&) const = default;
};

// A decoder whose stream receives what the test says, in the pieces in which it says it; then the other side
// hangs up.
class Reader final : public ByteSource {
 public:
  explicit Reader(bool isBinary) {
    int descriptors[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, descriptors) != 0) std::abort();
    stream_ = std::make_unique<SocketStream>(descriptors[0]);
    peer_ = descriptors[1];
    decoder_ = std::make_unique<Decoder>(isBinary, *stream_, *this);
  }
  ~Reader() override { ::close(peer_); }

  // To be received as one piece.
  void say(std::string piece) {
    if (!piece.empty()) pieces_.push_back(std::move(piece));
  }
  // Bytes that were received and not read.
  std::string_view left() const { return stream_->in(); }
  // Pieces that were not even received.
  bool hasUnreceived() const { return !pieces_.empty(); }
  // Forgets what is left of an answer that was not read to its end.
  void forget() {
    stream_->consume(stream_->in().size());
    pieces_.clear();
  }

  Decoded decode(const Operation& operation, std::uint32_t opaque) {
    OwnedStep step(operation);
    Decoded decoded;
    Answer answer;
    if (isFetch(operation.op)) {
      const auto onValue = [&](std::unique_ptr<Request> request, ReceivedValue value) {
        decoded.hits.push_back({std::string(request->keyView()), std::string(value.bytes), value.flags, value.cas});
      };
      decoded.verdict = decoder_->decodeFetch(*step, opaque, onValue, &answer);
    } else {
      decoded.verdict = decoder_->decode(*step->first, opaque, &answer);
    }
    decoded.status = answer.status;
    decoded.outcome = answer.outcome;
    if (answer.status == status::kSuccess) decoded.number = answer.number;  // else it means nothing
    decoded.text = answer.text;
    return decoded;
  }

 private:
  // As a connection's: between two turns of the loop.
  bool awaitBytes() override {
    if (pieces_.empty()) return false;
    stream_->endTurn();
    std::string& piece = pieces_.front();
    const ssize_t sent = ::send(peer_, piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) std::abort();
    piece.erase(0, static_cast<std::size_t>(sent));  // a large one does not fit the socket at once
    if (piece.empty()) pieces_.pop_front();
    return stream_->receive() == Stream::Received::Bytes;
  }

  std::unique_ptr<Stream> stream_;
  int peer_;
  std::deque<std::string> pieces_;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace lmc::test
