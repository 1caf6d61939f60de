#include "memcached/system_calls.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "memcached/connector.h"
#include "memcached/guarded_call.h"

namespace lmc {

thread_local CallContext callContext;

void leaveGuardedCall() {
  if (callContext.trap == nullptr) std::abort();
  _longjmp(*callContext.trap, 1);
}

namespace {

int socketCall(int domain, int type, int protocol) {
  if (callContext.socket != nullptr) return callContext.socket->descriptor();
  const int descriptor = ::socket(domain, type, protocol);
  if (callContext.live != nullptr && descriptor >= 0) callContext.live->opened(descriptor);
  return descriptor;
}

int connectCall(int descriptor, const sockaddr* address, socklen_t length) {
  return VirtualSocket::find(descriptor) != nullptr ? 0 : ::connect(descriptor, address, length);
}

ssize_t sendCall(int descriptor, const void* bytes, std::size_t size, int flags) {
  VirtualSocket* const socket = VirtualSocket::find(descriptor);
  if (socket == nullptr && callContext.live == nullptr) return ::send(descriptor, bytes, size, flags);
  if (socket != nullptr) {
    socket->send(static_cast<const char*>(bytes), size);
  } else {
    callContext.live->connected();
  }
  return static_cast<ssize_t>(size);
}

ssize_t sendmsgCall(int descriptor, const msghdr* message, int flags) {
  if (VirtualSocket::find(descriptor) == nullptr && callContext.live == nullptr)
    return ::sendmsg(descriptor, message, flags);
  std::string whole;
  for (std::size_t index = 0; index < message->msg_iovlen; ++index)
    whole.append(static_cast<const char*>(message->msg_iov[index].iov_base), message->msg_iov[index].iov_len);
  return sendCall(descriptor, whole.data(), whole.size(), flags);
}

ssize_t recvCall(int descriptor, void* into, std::size_t room, int flags) {
  if (VirtualSocket* const socket = VirtualSocket::find(descriptor))
    return static_cast<ssize_t>(socket->receive(static_cast<char*>(into), room));
  if (callContext.live != nullptr) {  // nothing was sent: nothing is answered
    errno = ECONNRESET;
    return -1;
  }
  return ::recv(descriptor, into, room, flags);
}

ssize_t checkedRecvCall(int descriptor, void* into, std::size_t room, std::size_t, int flags) {
  return recvCall(descriptor, into, room, flags);
}

int pollCall(pollfd* polled, nfds_t count, int timeoutMs) {
  if (count == 1 && VirtualSocket::find(polled->fd) != nullptr) {
    polled->revents = static_cast<short>(polled->events & (POLLIN | POLLOUT));
    return 1;
  }
  if (count == 1 && callContext.live != nullptr)
    return callContext.live->wait(polled->fd, polled->events, timeoutMs, &polled->revents);
  return ::poll(polled, count, timeoutMs);
}

int checkedPollCall(pollfd* polled, nfds_t count, int timeoutMs, std::size_t) {
  return pollCall(polled, count, timeoutMs);
}

int closeCall(int descriptor) {
  if (VirtualSocket::find(descriptor) != nullptr) return 0;
  if (callContext.live == nullptr) return ::close(descriptor);
  callContext.live->close(descriptor);
  return 0;
}

// libmemcached shuts down what it is about to close; what the connector keeps must stay usable.
int shutdownCall(int descriptor, int how) {
  if (VirtualSocket::find(descriptor) != nullptr || callContext.live != nullptr) return 0;
  return ::shutdown(descriptor, how);
}

int setsockoptCall(int descriptor, int level, int name, const void* value, socklen_t size) {
  return VirtualSocket::find(descriptor) != nullptr ? 0 : ::setsockopt(descriptor, level, name, value, size);
}

int getsockoptCall(int descriptor, int level, int name, void* value, socklen_t* size) {
  if (VirtualSocket::find(descriptor) == nullptr) return ::getsockopt(descriptor, level, name, value, size);
  std::memset(value, 0, *size);
  return 0;
}

// SASL asks for both ends of the connection. No mechanism that a memcached offers makes use of them.
int getNameCall(int descriptor, sockaddr* address, socklen_t* size, int (*real)(int, sockaddr*, socklen_t*)) {
  if (VirtualSocket::find(descriptor) == nullptr) return real(descriptor, address, size);
  sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(address, &loopback, std::min<std::size_t>(*size, sizeof loopback));
  *size = sizeof loopback;
  return 0;
}

int getsocknameCall(int descriptor, sockaddr* address, socklen_t* size) {
  return getNameCall(descriptor, address, size, ::getsockname);
}

int getpeernameCall(int descriptor, sockaddr* address, socklen_t* size) {
  return getNameCall(descriptor, address, size, ::getpeername);
}

// In memory the server is a numeric address: nothing is looked up.
int getaddrinfoCall(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
  if (callContext.live != nullptr) return callContext.live->resolve(host, service, hints, found);
  return ::getaddrinfo(host, service, hints, found);
}

void assertFailCall(const char* assertion, const char* file, unsigned line, const char* function) {
  if (callContext.trap != nullptr) leaveGuardedCall();
  std::fprintf(stderr, "%s:%u: %s: Assertion `%s' failed.\n", file, line, function, assertion);
  std::abort();
}

// What libmemcached's own assert_msg begins with: the only thing that it ever prints.
int printCall(std::FILE* stream, const char* format, ...) {
  if (callContext.trap != nullptr) leaveGuardedCall();
  va_list arguments;
  va_start(arguments, format);
  const int printed = std::vfprintf(stream, format, arguments);
  va_end(arguments);
  return printed;
}

int checkedPrintCall(std::FILE* stream, int, const char* format, ...) {
  if (callContext.trap != nullptr) leaveGuardedCall();
  va_list arguments;
  va_start(arguments, format);
  const int printed = std::vfprintf(stream, format, arguments);
  va_end(arguments);
  return printed;
}

// And what it ends in.
void abortCall() {
  if (callContext.trap != nullptr) leaveGuardedCall();
  std::abort();
}

template <typename Function>
Replacement required(const char* name, Function* function) {
  return {name, reinterpret_cast<void*>(function), true};
}

template <typename Function>
Replacement optional(const char* name, Function* function) {
  return {name, reinterpret_cast<void*>(function), false};
}

}  // namespace

std::span<const Replacement> replacements() {
  // Optional are what only some builds import: the checked forms, and assertions.
  static const Replacement all[] = {
      required("socket", socketCall),
      required("connect", connectCall),
      required("send", sendCall),
      required("sendmsg", sendmsgCall),
      required("close", closeCall),
      required("shutdown", shutdownCall),
      required("setsockopt", setsockoptCall),
      required("getsockopt", getsockoptCall),
      required("getaddrinfo", getaddrinfoCall),
      optional("getsockname", getsocknameCall),
      optional("getpeername", getpeernameCall),
      optional("recv", recvCall),
      optional("__recv_chk", checkedRecvCall),
      optional("poll", pollCall),
      optional("__poll_chk", checkedPollCall),
      optional("__assert_fail", assertFailCall),
      optional("fprintf", printCall),
      optional("__fprintf_chk", checkedPrintCall),
      optional("abort", abortCall),
  };
  return all;
}

}  // namespace lmc
