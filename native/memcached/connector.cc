#include "memcached/connector.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/clock.h"
#include "memcached/guarded_call.h"
#include "memcached/handle.h"

namespace lmc {

Connector::Connector(Loop& loop, Fiber& fiber, std::function<void()> wake, const ConnectionConfig& config,
                     double timeoutMs)
    : loop_(loop), fiber_(fiber), wake_(std::move(wake)), config_(config), deadline_(nowMs() + timeoutMs) {}

Connector::~Connector() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int Connector::connect() {
  Handle handle = makeConnectingHandle(config_, &rc);
  if (!handle) return -1;
  const auto set = [&](memcached_behavior_t flag, double value) {
    // To libmemcached 0 is "time out at once".
    memcached_behavior_set(handle.get(), flag, static_cast<std::uint64_t>(std::clamp(value, 1.0, 2147483647.0)));
  };
  set(MEMCACHED_BEHAVIOR_POLL_TIMEOUT, std::min(remainingMs(), config_.maxSilenceMs()));
  set(MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, config_.connectTimeoutMs);
  // A request of any kind connects; it goes no further (see connected()).
  guarded(nullptr, this, [&] {
    rc = memcached_delete(handle.get(), "k", 1, 0);
    // Over UDP it waits for no answer, and still holds the socket: freeing the handle would close it.
    if (isConnected_) memcached_quit(handle.get());
  });
  if (isConnected_ && !isCancelled_) {
    rc = MEMCACHED_SUCCESS;
    if (const int seconds = config_.keepIntervalSeconds; seconds > 0 && config_.server.transport == Transport::Tcp)
      setsockopt(descriptor_, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
    return std::exchange(descriptor_, -1);
  }
  if (memcached_last_error(handle.get()) != MEMCACHED_SUCCESS) {
    rc = memcached_last_error(handle.get());
    if (const char* const said = memcached_last_error_message(handle.get())) message = said;
  }
  if (rc == MEMCACHED_SUCCESS) rc = MEMCACHED_CONNECTION_FAILURE;
  return -1;
}

double Connector::remainingMs() const { return std::max(1.0, deadline_ - nowMs()); }

void Connector::suspend() {
  const CallContext call = std::exchange(callContext, {});
  fiber_.suspend();
  callContext = call;
}

int Connector::resolve(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
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

void Connector::opened(int descriptor) {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = descriptor;
  isConnecting_ = true;
}

int Connector::wait(int descriptor, short events, int timeoutMs, short* happened) {
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

void Connector::close(int descriptor) {
  if (isConnected_) return;
  ::close(descriptor);
  if (descriptor == descriptor_) descriptor_ = -1;
}

}  // namespace lmc
