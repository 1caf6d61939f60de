#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/completion.h"
#include "core/planner.h"
#include "memcached/answer_feed.h"
#include "memcached/handle.h"

namespace lmc {

// A value as libmemcached read it. `owned`: malloc'd, to be handed on; else `bytes` are the decoder's, until
// it is asked again.
struct ReceivedValue {
  std::string_view bytes{};
  std::uint32_t flags = 0;
  std::uint64_t cas = 0;
  std::unique_ptr<char, MallocDeleter> owned;
};

// What became of a request.
struct Answer {
  std::int32_t status = status::kSuccess;
  Outcome outcome = Outcome::Definite;
  std::uint64_t number = 0;
  std::string text;  // statistics, a version, or what the server said
};

// Reads the answers to a step from a stream: calls libmemcached on a handle whose sends go nowhere and whose
// receives are the server's. One for each connection, on its fiber.
class Decoder {
 public:
  Decoder(bool isBinary, Stream& stream, ByteSource& source);

  enum class Verdict : std::uint8_t {
    Done,    // the next answer may be read
    Closed,  // the connection ended before the whole answer was there
    Drop,    // answered, but what comes next on this connection can be trusted no longer
  };

  // Of a step that is no multi-get.
  Verdict decode(const Request& request, std::uint32_t opaque, Answer* answer);

  // SASL, which also sends. Later answers are decoded as on any connection.
  Verdict authenticate(const ConnectionConfig& config, Answer* answer);

  // Of a multi-get: calls `onValue` for each value, with the request that asked for it first, unlinked from
  // the step: it is the callee's. What is left of the step when it is Done and SUCCESS was not found.
  using OnValue = std::function<void(std::unique_ptr<Request>, ReceivedValue)>;
  Verdict decodeFetch(Step& step, std::uint32_t opaque, const OnValue& onValue, Answer* answer);

 private:
  memcached_return_t call(const Request& request, Answer* answer);
  memcached_return_t callStats(const Request& request, Answer* answer);
  memcached_return_t callVersion(Answer* answer);
  std::string_view madeUpVersion();
  Verdict judge(Op op, memcached_return_t rc, Answer* answer) const;
  Verdict judgeText(Op op, memcached_return_t rc, Answer* answer) const;
  Verdict judgeBinary(Op op, memcached_return_t rc, Answer* answer) const;
  Verdict mistrust(Op op, Answer* answer, std::string_view text) const;
  void makeHandle();

  const bool isBinary_;
  AnswerFeed feed_;  // before the handle, which is freed first
  Handle handle_;
  std::unique_ptr<FetchResult> result_;
  bool asksOneKey_ = false;  // the multi-get that is being decoded
};

}  // namespace lmc
