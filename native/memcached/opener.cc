#include "memcached/opener.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/clock.h"
#include "memcached/answer_guard.h"
#include "memcached/guarded_call.h"
#include "memcached/wire.h"

namespace lmc {

namespace {

// A key that nobody has.
constexpr std::string_view kNobodysKey = "libmemcached:idle?";

// What a server says while it is greeted: a version, an error, a challenge of SASL's.
constexpr std::size_t kMaxGreetingBytes = 1023;

constexpr std::uint16_t kMaxKeyBytes = 250;

constexpr std::uint8_t kSaslListMechs = 0x20;
constexpr std::uint8_t kSaslStep = 0x22;
constexpr std::uint8_t kVersion = 0x0b;
constexpr std::uint16_t kAuthContinue = 0x21;
constexpr std::uint16_t kUnknownCommand = 0x81;

bool isSilence(memcached_return_t rc) { return rc == MEMCACHED_TIMEOUT || rc == MEMCACHED_IN_PROGRESS; }

}  // namespace

Opener::Opener(Loop& loop, Fiber& fiber, std::function<void()> wake, const ConnectionConfig& config, double timeoutMs)
    : loop_(loop),
      fiber_(fiber),
      wake_(std::move(wake)),
      config_(config),
      timeoutMs_(timeoutMs),
      deadline_(nowMs() + timeoutMs) {}

Opener::~Opener() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Opened Opener::open() {
  memcached_return_t rc;
  handle_ = makeOpenerHandle(config_, &rc);
  if (!handle_) return refuse(rc, {});
  const auto set = [&](memcached_behavior_t flag, double value) {
    // To libmemcached 0 is "time out at once".
    memcached_behavior_set(handle_.get(), flag, static_cast<std::uint64_t>(std::clamp(value, 1.0, 2147483647.0)));
  };
  set(MEMCACHED_BEHAVIOR_POLL_TIMEOUT, std::min(timeoutMs_, config_.maxSilenceMs()));
  set(MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, config_.connectTimeoutMs);
  Opened result = judge(greet());
  isReleased_ = true;
  guarded(nullptr, this, [&] { memcached_free(handle_.release()); });
  return result;
}

// Asking for the version connects, and authenticates if there are credentials.
memcached_return_t Opener::greet() {
  if (config_.isUdp()) return askAnything();  // nothing is sent: it only connects
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  guarded(nullptr, this, [&] { rc = memcached_version(handle_.get()); });
  const bool isKnown =
      memcached_server_major_version(memcached_server_instance_by_position(handle_.get(), 0)) != UINT8_MAX;
  // An address that was passed over while connecting stays in the last error: that is no failure.
  if (rc == MEMCACHED_SUCCESS && isKnown) {
    // A binary server that wants credentials tells anybody its version. What else it is asked it refuses in
    // ways that depend on the request, and hangs up; only a get is told why.
    if (!config_.binary) return MEMCACHED_SUCCESS;
    const bool authenticates = config_.hasCredentials && config_.server.transport != Transport::Unix;
    if (authenticates) return MEMCACHED_SUCCESS;
    const memcached_return_t asked = askAnything();
    const bool isFatal = asked == MEMCACHED_AUTH_FAILURE || isSilence(asked) || descriptor_ < 0;
    return isFatal ? asked : MEMCACHED_SUCCESS;
  }
  const memcached_return_t last = memcached_last_error(handle_.get());
  return last != MEMCACHED_SUCCESS ? last : rc == MEMCACHED_SUCCESS ? MEMCACHED_UNKNOWN_READ_FAILURE : rc;
}

memcached_return_t Opener::askAnything() {
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  std::size_t length;
  std::uint32_t flags;
  char* value = nullptr;
  handle_->result.count = 1;
  if (config_.isUdp()) {
    guarded(nullptr, this, [&] { rc = memcached_delete(handle_.get(), kNobodysKey.data(), kNobodysKey.size(), 0); });
    return descriptor_ >= 0 ? MEMCACHED_SUCCESS : rc;
  }
  guarded(nullptr, this,
          [&] { value = memcached_get(handle_.get(), kNobodysKey.data(), kNobodysKey.size(), &length, &flags, &rc); });
  std::free(value);
  const memcached_return_t last = memcached_last_error(handle_.get());
  return rc != MEMCACHED_NOTFOUND && last != MEMCACHED_SUCCESS ? last : rc;
}

Opened Opener::judge(memcached_return_t rc) {
  if (isCancelled_) return refuse(MEMCACHED_CONNECTION_FAILURE, {});
  if (isNonsense_) return refuse(MEMCACHED_UNKNOWN_READ_FAILURE, "unexpected response to the greeting");
  if (rc == MEMCACHED_SUCCESS && descriptor_ >= 0) return keep();
  std::string message = lastMessage();
  if (!config_.binary) {
    if (heard_.starts_with("CLIENT_ERROR unauthenticated"))
      return refuse(MEMCACHED_AUTH_FAILURE, "the server requires authentication");
    // A proxy may not know "version", or its backend for it may be gone: whatever answers is there.
    if (descriptor_ >= 0 && saysItIsThere()) return keep();
  } else if (config_.hasCredentials && heard_.size() >= kHeaderBytes && rc != MEMCACHED_AUTH_FAILURE) {
    const auto opcode = static_cast<std::uint8_t>(heard_[1]);
    const bool isSasl = opcode >= kSaslListMechs && opcode <= kSaslStep;
    if (isSasl && readBig(heard_.data() + 6, 2) == kUnknownCommand)
      return refuse(MEMCACHED_AUTH_PROBLEM, "server does not support SASL");
  }
  if (rc == MEMCACHED_AUTH_FAILURE && config_.hasCredentials && config_.server.transport == Transport::Unix)
    message = "libmemcached sends no credentials over Unix sockets";
  return refuse(rc, std::move(message));
}

bool Opener::saysItIsThere() const {
  // (A server that has too many connections says more than the one word ERROR, and hangs up.)
  const std::string_view line = std::string_view(heard_).substr(0, heard_.find('\n'));
  return line.size() < heard_.size() &&
         (line == "ERROR\r" || line.starts_with("CLIENT_ERROR ") || line.starts_with("SERVER_ERROR "));
}

Opened Opener::keep() {
  Opened opened;
  opened.isReached = true;
  opened.descriptor = std::exchange(descriptor_, -1);
  return opened;
}

Opened Opener::refuse(memcached_return_t rc, std::string message) {
  Opened refused;
  refused.rc = rc;
  refused.message = std::move(message);
  refused.isReached = rc == MEMCACHED_AUTH_FAILURE || rc == MEMCACHED_AUTH_PROBLEM ||
                      rc == MEMCACHED_UNKNOWN_READ_FAILURE || rc == MEMCACHED_PROTOCOL_ERROR;
  return refused;
}

std::string Opener::lastMessage() const {
  if (memcached_last_error(handle_.get()) == MEMCACHED_SUCCESS) return {};
  const char* const message = memcached_last_error_message(handle_.get());
  return message == nullptr ? std::string() : std::string(message);
}

double Opener::remainingMs() const { return std::max(1.0, deadline_ - nowMs()); }

void Opener::suspend() {
  const CallContext call = std::exchange(callContext, {});
  fiber_.suspend();
  callContext = call;
}

int Opener::resolve(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
  struct Lookup {
    std::string host;
    std::string service;
    addrinfo hints{};
    addrinfo* found = nullptr;
    int rc = EAI_FAIL;
    bool isDone = false;
    bool isForgotten = false;
    ~Lookup() {
      if (found != nullptr) freeaddrinfo(found);
    }
  };
  const auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  lookup->service = service;
  if (hints != nullptr) lookup->hints = *hints;
  // A numeric address is no question for anybody else.
  lookup->hints.ai_flags |= AI_NUMERICHOST;
  lookup->rc = ::getaddrinfo(host, service, &lookup->hints, &lookup->found);
  lookup->hints.ai_flags &= ~AI_NUMERICHOST;
  if (lookup->rc == EAI_NONAME) {
    bool isOver = false;
    loop_.work(
        [lookup] {
          lookup->rc = ::getaddrinfo(lookup->host.c_str(), lookup->service.c_str(), &lookup->hints, &lookup->found);
        },
        [lookup, this] {
          lookup->isDone = true;
          if (!lookup->isForgotten) wake_();
        });
    const auto patience = loop_.timer([&] {
      isOver = true;
      wake_();
    });
    patience->start(remainingMs());
    while (!lookup->isDone && !isOver && !isCancelled_) suspend();
    lookup->isForgotten = true;
    if (!lookup->isDone) return isCancelled_ ? EAI_FAIL : EAI_AGAIN;
  }
  addresses_ = 0;
  for (const addrinfo* address = lookup->found; address != nullptr; address = address->ai_next) ++addresses_;
  *found = std::exchange(lookup->found, nullptr);
  return lookup->rc;
}

void Opener::opened(int descriptor) {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = descriptor;
  isConnecting_ = true;
  heard_.clear();
  fed_ = 0;
  isWhole_ = false;
}

int Opener::wait(int descriptor, short events, int timeoutMs, short* happened) {
  // Each address gets its share of the time, so that a silent one does not cost the operation.
  double patience = std::min(static_cast<double>(timeoutMs), remainingMs());
  if (isConnecting_ && addresses_ > 1) {
    patience = std::min(patience, remainingMs() / static_cast<double>(addresses_));
    --addresses_;
  }
  isConnecting_ = false;
  bool isOver = false;
  const auto watch = loop_.watch(descriptor, [&](Loop::Readiness) { wake_(); });
  const auto timer = loop_.timer([&] {
    isOver = true;
    wake_();
  });
  watch->set((events & POLLIN) != 0, events == 0 || (events & POLLOUT) != 0);
  timer->start(patience);
  // libmemcached asks for nothing while it connects, and means to know when it may write.
  pollfd polled{descriptor, static_cast<short>(events == 0 ? POLLOUT : events), 0};
  for (;;) {
    const int ready = ::poll(&polled, 1, 0);
    if (ready != 0) {
      *happened = polled.revents;
      return ready;
    }
    if (isCancelled_) {
      errno = EBADF;
      return -1;
    }
    if (isOver) return 0;
    suspend();
  }
}

// After the socket was taken, and over UDP, where connecting needs something that would be sent.
bool Opener::swallows(int) const { return isReleased_ || config_.isUdp(); }

// Line by line, or frame by frame, each looked at as a whole before libmemcached reads it.
ssize_t Opener::receive(int descriptor, char* into, std::size_t room) {
  if (isWhole_ && fed_ == heard_.size()) {
    heard_.clear();
    fed_ = 0;
    isWhole_ = false;
  }
  while (!isWhole_) {
    const std::size_t wanted = missingBytes();
    if (wanted == 0) {
      isWhole_ = true;
      break;
    }
    char piece[kMaxGreetingBytes];
    const ssize_t got = ::recv(descriptor, piece, std::min(wanted, sizeof piece), MSG_DONTWAIT);
    if (got <= 0) return got;
    bytesReceived_ += static_cast<std::uint64_t>(got);
    heard_.append(piece, static_cast<std::size_t>(got));
  }
  if (!isSafe()) {
    isNonsense_ = true;
    errno = ECONNRESET;
    return -1;
  }
  const std::size_t count = std::min(room, heard_.size() - fed_);
  std::memcpy(into, heard_.data() + fed_, count);
  fed_ += count;
  return static_cast<ssize_t>(count);
}

// Of the line or frame that is being gathered. (A line comes byte by byte: what follows it must stay where it
// is.)
std::size_t Opener::missingBytes() const {
  if (!config_.binary) return heard_.ends_with('\n') || heard_.size() >= kMaxGreetingBytes ? 0 : 1;
  if (heard_.size() < kHeaderBytes) return kHeaderBytes - heard_.size();
  const Frame frame = Frame::read(heard_.data());
  if (frame.magic != kAnswerMagic || frame.bodyBytes > kMaxGreetingBytes) return 0;
  return kHeaderBytes + frame.bodyBytes - heard_.size();
}

bool Opener::isSafe() const {
  if (!config_.binary) {
    if (!heard_.ends_with("\r\n")) return false;
    const std::string_view line = std::string_view(heard_).substr(0, heard_.size() - 2);
    const Word word = wordOf(line);
    // (The word alone makes libmemcached read a null pointer.)
    return answers(Op::Version, word) &&
           (word != Word::Version || isVersion(line.substr(std::min(line.size(), std::size_t{8}))));
  }
  const Frame frame = Frame::read(heard_.data());
  const std::string_view body = std::string_view(heard_).substr(kHeaderBytes);
  if (frame.magic != kAnswerMagic || body.size() != frame.bodyBytes) return false;
  if (std::uint32_t{frame.keyBytes} + frame.extraBytes > frame.bodyBytes) return false;
  const bool isSasl = frame.opcode >= kSaslListMechs && frame.opcode <= kSaslStep;
  if (isSasl) return frame.keyBytes == 0 && frame.extraBytes == 0;
  if (frame.status == kAuthContinue) return false;
  if (frame.opcode == kVersion && frame.status == 0) return body.size() < 32 && isVersion(body);
  // Nobody has the key that is asked for. (A miss repeats it.)
  if (frame.status != 0 || frame.opcode != kNoop) return frame.keyBytes <= kMaxKeyBytes;
  return frame.bodyBytes == 0;
}

// libmemcached closes the connection for some answers (SERVER_ERROR to "version"), which it had all the same.
void Opener::close(int descriptor) {
  if (isReleased_ || (descriptor == descriptor_ && !config_.binary && saysItIsThere())) return;
  ::close(descriptor);
  if (descriptor == descriptor_) descriptor_ = -1;
}

}  // namespace lmc
