#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/planner.h"
#include "memcached/handle.h"
#include "transport/out_queue.h"
#include "transport/virtual_socket.h"

namespace lmc {

// Turns requests into bytes: calls libmemcached on a handle whose sends are kept, and whose answers are made
// up, so that every call returns at once. One for all connections of a client.
class Encoder {
 public:
  // UDP is a protocol of its own: text in datagrams.
  enum class Protocol : std::uint8_t { Text, Binary, Udp };
  explicit Encoder(Protocol protocol);

  // Appends the step's bytes to `out`. `opaque` (binary): the answers carry it. Other than SUCCESS:
  // libmemcached refused it; nothing was appended.
  memcached_return_t encode(const Step& step, std::uint32_t opaque, OutQueue& out);
  // The step's datagram; valid until the next call.
  memcached_return_t encodeDatagram(const Step& step, std::string_view* datagram);

 private:
  // Values from this size on are referred to, not copied into `out`.
  static constexpr std::uint32_t kSharedBytes = 16 * 1024;

  // Keeps what libmemcached sends, and answers with what was made up.
  class Tape final : public VirtualSocket {
   public:
    void send(const char* bytes, std::size_t size) override;
    std::size_t receive(char* into, std::size_t room) override;

    std::string sent;
    std::string_view answer{};
    // Of a large value so many bytes are skipped, behind the request's head.
    std::size_t skipped = 0;
    std::size_t split = 0;  // where in `sent` the value belongs; 0: nowhere
    bool isBinary = false;
    bool isKept = true;
  };

  memcached_return_t call(const Step& step);
  memcached_return_t callFetch(const Step& step);
  memcached_return_t callStats(const Request& request);
  std::string_view madeUpAnswer(Op op, std::size_t body = 0);
  void useSettings(const RequestSettings& settings);

  const Protocol protocol_;
  Tape tape_;  // before the handle, which is freed first
  Handle handle_;
  FetchResult result_;
  std::string keyNamespace_;
  bool asksCas_ = false;
  std::vector<const char*> keys_;
  std::vector<std::size_t> lengths_;
  char frame_[32] = {};
};

}  // namespace lmc
