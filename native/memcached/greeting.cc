#include "memcached/greeting.h"

#include <memory>
#include <utility>

namespace lmc {

namespace {

// A key that nobody has.
constexpr std::string_view kNobodysKey = "libmemcached:idle?";

constexpr std::uint32_t kOpaque = 1;

class Greeter {
 public:
  Greeter(const ConnectionConfig& config, Encoder& encoder, Decoder& decoder, OutQueue& out)
      : config_(config), encoder_(encoder), decoder_(decoder), out_(out) {}

  Greeting greet() { return config_.binary ? greetInBinary() : greetInText(); }

 private:
  Greeting greetInText() {
    if (config_.hasCredentials) {
      // memcached's text authentication: a set of any key, before anything else. A server that knows nothing of it has
      // stored the credentials now: they must not stay there.
      const bool isIn = ask(Op::Set, config_.username + ' ' + config_.password) && answer_.status == MEMCACHED_SUCCESS;
      if (!isIn) return refuse(MEMCACHED_AUTH_FAILURE);
      if (!ask(Op::Delete)) return refuse();
    }
    if (!ask(Op::Version)) return refuse();
    if (answer_.status == MEMCACHED_SUCCESS) return {};
    if (answer_.text.starts_with("CLIENT_ERROR unauthenticated"))
      return {MEMCACHED_AUTH_FAILURE, true, "the server requires authentication"};
    // A proxy may not know "version", or its backend for it may be gone: whatever answers is there. (A server that has
    // too many connections says more than the one word ERROR, and hangs up.)
    const bool isThere = answer_.text == "ERROR" || answer_.text.starts_with("CLIENT_ERROR ") ||
                         answer_.text.starts_with("SERVER_ERROR ");
    if (isThere) return {};
    return {answer_.status, false, answer_.text};
  }

  Greeting greetInBinary() {
    if (config_.hasCredentials) {
      answer_ = Answer{};
      verdict_ = decoder_.authenticate(config_, &answer_);
      const bool isIn = verdict_ == Decoder::Verdict::Done && answer_.status == MEMCACHED_SUCCESS;
      return isIn ? Greeting{} : refuse();
    }
    if (!ask(Op::Version) || answer_.status != MEMCACHED_SUCCESS) return refuse();
    // A server that requires authentication still answers version. It rejects other requests in various ways and hangs
    // up; only a get gets a clear reason.
    return ask(Op::Get) ? Greeting{} : refuse();
  }

  // False: there is no answer, or none that lets the connection go on.
  bool ask(Op op, const std::string& value = {}) {
    auto request = std::make_unique<Request>();
    request->op = op;
    request->expiry = 1;
    request->key = kNobodysKey.data();
    request->keyLength = op == Op::Version ? 0 : kNobodysKey.size();
    request->value = value.data();
    request->valueLength = static_cast<std::uint32_t>(value.size());
    request->settings = settings_;
    Step step{request.get()};
    answer_ = Answer{};
    answer_.status = encoder_.encode(step, kOpaque, out_);
    verdict_ = Decoder::Verdict::Drop;
    if (answer_.status != MEMCACHED_SUCCESS) return false;
    if (op != Op::Get) {
      verdict_ = decoder_.decode(*request, kOpaque, &answer_);
    } else {
      step.first = request.release();
      verdict_ = decoder_.decodeFetch(step, kOpaque, [](std::unique_ptr<Request>, ReceivedValue) {}, &answer_);
      request.reset(step.first);
    }
    return verdict_ == Decoder::Verdict::Done;
  }

  Greeting refuse(std::int32_t rc = status::kSuccess) {
    if (verdict_ == Decoder::Verdict::Closed) return {MEMCACHED_CONNECTION_FAILURE, false};
    if (answer_.status == MEMCACHED_UNKNOWN_READ_FAILURE)
      return {answer_.status, true, "unexpected response to the greeting"};
    return {rc == status::kSuccess ? answer_.status : rc, true, answer_.text};
  }

  const ConnectionConfig& config_;
  Encoder& encoder_;
  Decoder& decoder_;
  OutQueue& out_;
  const std::shared_ptr<const RequestSettings> settings_ = std::make_shared<const RequestSettings>();
  Answer answer_;
  Decoder::Verdict verdict_ = Decoder::Verdict::Done;
};

}  // namespace

Greeting greet(const ConnectionConfig& config, Encoder& encoder, Decoder& decoder, OutQueue& out) {
  return Greeter(config, encoder, decoder, out).greet();
}

}  // namespace lmc
