#include "binding/node_stream.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace lmc {

namespace {

// More than the requests that wait as bytes come in: each large value is two, see connection.cc.
constexpr std::size_t kMaxPieces = 512;

// The plain bytes of a TLS record, see lib/topology/secure-sockets.ts.
constexpr std::size_t kRecordBytes = 12 * 1024;

}  // namespace

class NodeStream final : public Stream {
 public:
  NodeStream(NodeSockets& sockets, std::uint32_t id, std::function<void(Loop::Readiness)> onReady)
      : sockets_(sockets), id_(id), onReady_(std::move(onReady)) {
    sockets_.streams_[id_] = this;
  }
  ~NodeStream() override {
    sockets_.streams_.erase(id_);
    sockets_.call("closeSocket", [this] { return std::vector<napi_value>{number(id_)}; });
  }

  Sent send() override {
    if (!failure_.empty()) return Sent::Broken;
    // One write at a time: Node would gather several into one record.
    if (isConnected_ && !out.empty() && unwritten_ == 0) write();
    return out.empty() ? Sent::All : Sent::Some;
  }

  Received receive() override {
    if (!arrived_.empty()) {
      received_ += arrived_.size();
      // What is left of an earlier turn is less than a line or a frame's head.
      if (!rest_.empty()) arrived_ = rest_.append(arrived_);
      in_ = std::exchange(arrived_, {});
      return Received::Bytes;
    }
    in_ = rest_;
    return isClosed_ ? Received::Closed : Received::Nothing;
  }

  bool isConnected() const override { return isConnected_; }

  void report(NodeSockets::Event event, const Napi::Value& data) {
    const bool isRoom = event == NodeSockets::Event::Connected || event == NodeSockets::Event::Written;
    switch (event) {
      case NodeSockets::Event::Connected:
        isConnected_ = true;
        break;
      case NodeSockets::Event::Data: {
        const auto bytes = data.As<Napi::Uint8Array>();
        arrived_ = {reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()};
        break;
      }
      case NodeSockets::Event::Written:
        unwritten_ -= std::min<std::size_t>(unwritten_, data.As<Napi::Number>().Uint32Value());
        if (out.empty()) return;
        break;
      case NodeSockets::Event::Closed:
        isClosed_ = true;
        if (data.IsString()) failure_ = data.As<Napi::String>().Utf8Value();
        break;
    }
    // Whoever is called may destroy this stream.
    NodeSockets& sockets = sockets_;
    const std::uint32_t id = id_;
    const auto onReady = onReady_;
    onReady(Loop::Readiness{!isRoom, isRoom});
    if (sockets.streams_.contains(id)) arrived_ = {};
  }

 private:
  Napi::Number number(std::size_t value) const { return Napi::Number::New(sockets_.env_, static_cast<double>(value)); }

  // memcached up to 1.6.18 (at least) waits for the socket to become readable, and does not look at what OpenSSL has
  // already decrypted: when the rest of a record does not fit what it reads (16 KiB less what it has, or the rest of a
  // value), it answers that rest only when another record has come. So a write of several records is followed by one
  // with the last request alone, which frees what was held.
  std::size_t writeSize() const {
    const std::size_t last = out.lastRequest();
    return out.size() <= kRecordBytes || out.size() == last ? out.size() : out.size() - last;
  }

  void write() {
    std::array<iovec, kMaxPieces> pieces;
    std::size_t count = out.peek(pieces.data(), pieces.size());
    const std::size_t limit = writeSize();
    std::size_t size = 0;
    for (std::size_t index = 0; index < count; ++index) {
      pieces[index].iov_len = std::min(pieces[index].iov_len, limit - size);
      size += pieces[index].iov_len;
    }
    sockets_.call("writeSocket", [&] {
      auto buffer = Napi::Buffer<char>::New(sockets_.env_, size);
      char* into = buffer.Data();
      for (std::size_t index = 0; index < count; ++index)
        into = std::copy_n(static_cast<const char*>(pieces[index].iov_base), pieces[index].iov_len, into);
      return std::vector<napi_value>{number(id_), buffer};
    });
    out.consume(size);
    unwritten_ += size;
    sent_ += size;
  }

  NodeSockets& sockets_;
  const std::uint32_t id_;
  const std::function<void(Loop::Readiness)> onReady_;
  std::string_view arrived_{};  // JavaScript's, while it reports it
  std::size_t unwritten_ = 0;
  bool isConnected_ = false;
  bool isClosed_ = false;
};

std::unique_ptr<Stream> NodeSockets::open(const std::string& host, std::uint16_t port,
                                          std::function<void(Loop::Readiness)> onReady) {
  const std::uint32_t id = ++lastId_;
  auto stream = std::make_unique<NodeStream>(*this, id, std::move(onReady));
  call("openSocket", [&] {
    return std::vector<napi_value>{Napi::Number::New(env_, id), Napi::String::New(env_, host),
                                   Napi::Number::New(env_, port)};
  });
  return stream;
}

void NodeSockets::report(std::uint32_t id, Event event, const Napi::Value& data) {
  // One that is closed here may still have something to say.
  const auto found = streams_.find(id);
  if (found != streams_.end()) found->second->report(event, data);
}

void NodeSockets::call(const char* method, const std::function<std::vector<napi_value>()>& arguments) {
  if (isShutDown_) return;
  const Napi::HandleScope scope(env_);
  const Napi::Object owner = owner_.Value();
  if (owner.IsEmpty()) return;  // collected, and not finalized yet
  const Napi::CallbackScope callback(env_, context_);
  const Napi::Value function = owner.Get(method);
  if (function.IsFunction()) function.As<Napi::Function>().Call(owner, arguments());
}

}  // namespace lmc
