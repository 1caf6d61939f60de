#include "memcached/link.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "core/clock.h"
#include "memcached/assertion_guard.h"
#include "memcached/return_codes.h"

namespace lmc {

namespace {

// Asked as a binary get, so that every kind of server answers at once: a binary one "not found"; a text-only
// one ERROR for each line, together longer than the binary header that libmemcached waits for (with an
// ordinary key it says nothing, and the probe waits for the timeout); twemproxy hangs up.
constexpr std::string_view kProbeKey = "\n\n\n\n\n\n";

// A key that nobody has. Asked of a connection that has been idle before something is written to it, and of
// one without credentials.
constexpr std::string_view kNobodysKey = "libmemcached:idle?";

// The answers to so many refused quiet writes fit into any socket's buffers: 50 bytes each, but a packet
// each, too.
constexpr std::uint32_t kMaxQuietWrites = 128;

std::uint64_t atLeastOne(double milliseconds) {
  // To libmemcached 0 is "time out at once".
  return static_cast<std::uint64_t>(std::clamp(milliseconds, 1.0, 2147483647.0));
}

}  // namespace

Link::Link(std::shared_ptr<const ConnectionConfig> config)
    : config_(std::move(config)), protocol_(config_->protocol) {}

Link::~Link() { drop(); }

memcached_result_st* Link::result() {
  if (!hasResult_) {
    memcached_result_create(handle_.get(), &result_);
    hasResult_ = true;
  }
  result_.count = 1;
  return &result_;
}

void Link::drop() {
  if (hasResult_) {
    memcached_result_free(&result_);
    hasResult_ = false;
  }
  handle_.reset();
  open_ = false;
  quietWrites_ = 0;
  if (isGuess_) {
    isGuess_ = false;
    isAdmitted_ = false;
    protocol_ = config_->protocol;
  }
}

void Link::forget() {
  drop();
  isAdmitted_ = false;
  protocol_ = config_->protocol;
}

void Link::quit() {
  if (handle_) guarded([&] { memcached_quit(handle_.get()); });
  open_ = false;
}

void Link::configure(std::shared_ptr<const ConnectionConfig> config) {
  const bool sameProtocol = config->protocol == config_->protocol;
  config_ = std::move(config);
  if (sameProtocol) {
    drop();
  } else {
    forget();
  }
}

void Link::setPatience(double milliseconds) {
  double patience = std::min(milliseconds, static_cast<double>(config_->pollTimeoutMs));
  // SO_RCVTIMEO has no effect on libmemcached's non-blocking sockets; its meaning is kept here.
  if (config_->receiveTimeoutUs > 0)
    patience = std::min(patience, static_cast<double>(config_->receiveTimeoutUs) / 1000.0);
  patienceMs_ = patience;
  if (handle_) memcached_behavior_set(handle_.get(), MEMCACHED_BEHAVIOR_POLL_TIMEOUT, atLeastOne(patience));
}

std::string Link::lastMessage() {
  if (!handle_ || memcached_last_error(handle_.get()) == MEMCACHED_SUCCESS) return {};
  const char* message = memcached_last_error_message(handle_.get());
  return message == nullptr ? std::string() : std::string(message);
}

std::string Link::version() {
  const memcached_instance_st* at = instance();
  return std::to_string(memcached_server_major_version(at)) + "." +
         std::to_string(memcached_server_minor_version(at)) + "." +
         std::to_string(memcached_server_micro_version(at));
}

Link::Opened Link::failure(memcached_return_t rc) {
  Opened opened;
  opened.rc = rc;
  opened.message = lastMessage();
  // Whoever says something, even nonsense or "no", is there; a refused, reset or silent connection is not.
  opened.reached = rc == MEMCACHED_AUTH_FAILURE || rc == MEMCACHED_AUTH_PROBLEM ||
                   rc == MEMCACHED_UNKNOWN_READ_FAILURE || rc == MEMCACHED_PROTOCOL_ERROR;
  drop();
  return opened;
}

Link::Opened Link::openForWriting(double patienceMs) {
  const bool wasIdle = open_ && nowMs() - usedMs_ > kIdleMs;
  Opened opened = open(patienceMs);
  if (!wasIdle || !opened.ok() || isUdp()) return opened;
  const memcached_return_t rc = askWhetherThere();
  if (rc == MEMCACHED_SUCCESS) return opened;
  if (rc == MEMCACHED_TIMEOUT) return failure(rc);  // silent: a new connection would be waited for once more
  drop();
  return open(patienceMs);
}

bool Link::readQuietErrors() {
  if (!isBinary() || ++quietWrites_ < kMaxQuietWrites) return true;
  quietWrites_ = 0;
  return askWhetherThere() == MEMCACHED_SUCCESS;
}

// A get of a key that nobody has: its answer, whatever it is, proves the connection.
memcached_return_t Link::askWhetherThere() {
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  std::size_t length;
  std::uint32_t flags;
  char* value = nullptr;
  handle_->result.count = 1;
  guarded([&] {
    value = memcached_get(handle_.get(), kNobodysKey.data(), kNobodysKey.size(), &length, &flags, &rc);
  });
  std::free(value);
  const memcached_return_t last = memcached_last_error(handle_.get());
  if (last != MEMCACHED_SUCCESS) return last;
  if (memcached_fatal(rc)) return rc;
  return outstanding() == 0 ? MEMCACHED_SUCCESS : MEMCACHED_PROTOCOL_ERROR;
}

Link::Opened Link::open(double patienceMs) {
  usedMs_ = nowMs();
  if (open_) {
    setPatience(patienceMs);
    return {};
  }
  drop();
  setPatience(patienceMs);
  Opened opened = protocol_ == Protocol::Auto ? openUndecided() : openAs(protocol_);
  if (opened.ok()) ++connects_;
  return opened;
}

memcached_return_t Link::makeHandle(Protocol protocol) {
  memcached_return_t rc;
  handle_ = makeConnectionHandle(*config_, protocol, &rc);
  if (!handle_) return rc;
  setPatience(patienceMs_);
  const double connect = std::min(patienceMs_, static_cast<double>(config_->connectTimeoutMs));
  memcached_behavior_set(handle_.get(), MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, atLeastOne(connect));
  return MEMCACHED_SUCCESS;
}

Link::Opened Link::openAs(Protocol protocol) {
  const memcached_return_t rc = makeHandle(protocol);
  if (rc != MEMCACHED_SUCCESS) return failure(rc);
  const bool authenticates = config_->hasCredentials && config_->server.transport != Transport::Unix;
  isAdmitted_ = isAdmitted_ || authenticates || protocol == Protocol::Text;
  if (isUdp()) {  // there is nothing to connect, and no answer to wait for
    open_ = true;
    return {};
  }
  Opened opened = greet();
  const bool mayLackSasl = opened.rc == MEMCACHED_UNKNOWN_READ_FAILURE && config_->hasCredentials;
  if (mayLackSasl && answersWithoutCredentials()) {
    opened.rc = MEMCACHED_AUTH_PROBLEM;
    opened.message = "it knows no SASL, and answers without credentials";
  }
  return opened;
}

// A server without SASL says "unknown command" to credentials, which libmemcached takes for rubbish. What
// really answers rubbish does so without them, too.
bool Link::answersWithoutCredentials() {
  ConnectionConfig anonymous = *config_;
  anonymous.hasCredentials = false;
  Link link(std::make_shared<const ConnectionConfig>(std::move(anonymous)));
  return link.open(patienceMs_).ok();
}

// A server that wants credentials tells anybody its version. What else it is asked it refuses in ways that
// depend on the request, and hangs up; only a get is told why. So the first connection without them asks one.
Link::Opened Link::seekAdmission() {
  const memcached_return_t rc = askWhetherThere();
  if (rc == MEMCACHED_AUTH_FAILURE) {
    Opened refused = failure(rc);
    if (config_->hasCredentials) refused.message = "libmemcached sends no credentials over Unix sockets";
    return refused;
  }
  const bool silent = rc == MEMCACHED_TIMEOUT || rc == MEMCACHED_IN_PROGRESS;
  if (silent || isConnectionLoss(rc)) return failure(rc);
  isAdmitted_ = true;
  if (rc == MEMCACHED_SUCCESS) return {};
  // Nonsense is for whoever asks next to judge, on a connection where none of it is left.
  drop();
  return openAs(protocol_);
}

// Asking for the version connects, and authenticates if there are credentials.
Link::Opened Link::greet() {
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  if (!guarded([&] { rc = memcached_version(handle_.get()); })) return failure(rc);
  const memcached_return_t last = memcached_last_error(handle_.get());
  knowsVersion_ = memcached_server_major_version(instance()) != UINT8_MAX;
  if (rc == MEMCACHED_SUCCESS && last == MEMCACHED_SUCCESS) {
    open_ = true;
    return isAdmitted_ ? Opened{} : seekAdmission();
  }
  // A text proxy may not know "version" and say ERROR: it is there all the same, and answers a get. A server
  // that has too many connections says ERROR, too, and hangs up.
  const bool mayBeProxy =
      last == MEMCACHED_SUCCESS && !config_->hasCredentials && protocol_ == Protocol::Text;
  if (mayBeProxy) {
    const memcached_return_t asked = askWhetherThere();
    if (asked != MEMCACHED_SUCCESS) return failure(asked);
    open_ = true;
    return {};
  }
  return failure(last == MEMCACHED_SUCCESS ? rc : last);
}

Link::Opened Link::openUndecided() {
  memcached_return_t rc = makeHandle(Protocol::Binary);
  if (rc != MEMCACHED_SUCCESS) return failure(rc);

  const char* keys[] = {kProbeKey.data()};
  const std::size_t lengths[] = {kProbeKey.size()};
  rc = MEMCACHED_PROTOCOL_ERROR;
  guarded([&] { rc = memcached_mget(handle_.get(), keys, lengths, 1); });
  if (rc == MEMCACHED_SUCCESS) {
    while (memcached_fetch_result(handle_.get(), result(), &rc) != nullptr) {
    }
  }
  const memcached_return_t last = memcached_last_error(handle_.get());
  const bool answered = rc == MEMCACHED_END || rc == MEMCACHED_NOTFOUND;
  if (answered && last == MEMCACHED_SUCCESS && outstanding() == 0) {
    protocol_ = Protocol::Binary;
    isAdmitted_ = true;
    return greet();
  }
  if (rc == MEMCACHED_AUTH_FAILURE) {  // binary, and wants credentials that it was not given
    protocol_ = Protocol::Binary;
    return failure(rc);
  }
  const int systemError = memcached_last_error_errno(handle_.get());
  const bool refused = systemError == ECONNREFUSED || systemError == ENOENT || systemError == EACCES ||
                       systemError == EHOSTUNREACH || systemError == ENETUNREACH;
  const bool couldBeText =
      !refused && (rc == MEMCACHED_UNKNOWN_READ_FAILURE || rc == MEMCACHED_CONNECTION_FAILURE ||
                   rc == MEMCACHED_ERRNO || last == MEMCACHED_ERRNO);
  Opened binary = failure(last == MEMCACHED_SUCCESS ? rc : last);
  if (!couldBeText) return binary;
  const bool hungUp = binary.rc != MEMCACHED_UNKNOWN_READ_FAILURE;
  if (hungUp) {
    // It hung up: a proxy for text, or a server that wants credentials, whose refusal got lost because a
    // multi-get is sent in two pieces. To a version and a get alone it says so.
    protocol_ = Protocol::Binary;
    Opened again = openAs(Protocol::Binary);
    if (again.ok() || again.rc == MEMCACHED_AUTH_FAILURE) return again;
  }
  protocol_ = Protocol::Text;
  Opened text = openAs(Protocol::Text);
  // What hangs up on a binary question may do so for another reason: it was starting, or had no room.
  isGuess_ = text.ok() && hungUp;
  if (!text.ok()) {
    protocol_ = Protocol::Auto;
    isAdmitted_ = false;
  }
  return text;
}

}  // namespace lmc
