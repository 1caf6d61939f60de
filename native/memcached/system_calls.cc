#include "memcached/system_calls.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "memcached/guarded_call.h"
#include "memcached/opener.h"

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

ssize_t noteSent(ssize_t sent) {
  if (sent > 0 && callContext.live != nullptr) callContext.live->sent(static_cast<std::size_t>(sent));
  return sent;
}

ssize_t sendCall(int descriptor, const void* bytes, std::size_t size, int flags) {
  if (VirtualSocket* const socket = VirtualSocket::find(descriptor)) {
    socket->send(static_cast<const char*>(bytes), size);
    return static_cast<ssize_t>(size);
  }
  if (callContext.live != nullptr && callContext.live->swallows(descriptor)) return static_cast<ssize_t>(size);
  return noteSent(::send(descriptor, bytes, size, flags));
}

ssize_t sendmsgCall(int descriptor, const msghdr* message, int flags) {
  VirtualSocket* const socket = VirtualSocket::find(descriptor);
  const bool isSwallowed = callContext.live != nullptr && callContext.live->swallows(descriptor);
  if (socket == nullptr && !isSwallowed) return noteSent(::sendmsg(descriptor, message, flags));
  std::string whole;
  for (std::size_t index = 0; index < message->msg_iovlen; ++index)
    whole.append(static_cast<const char*>(message->msg_iov[index].iov_base), message->msg_iov[index].iov_len);
  if (socket != nullptr) socket->send(whole.data(), whole.size());
  return static_cast<ssize_t>(whole.size());
}

ssize_t recvCall(int descriptor, void* into, std::size_t room, int flags) {
  if (VirtualSocket* const socket = VirtualSocket::find(descriptor))
    return static_cast<ssize_t>(socket->receive(static_cast<char*>(into), room));
  if (callContext.live != nullptr) return callContext.live->receive(descriptor, static_cast<char*>(into), room);
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

// libmemcached shuts down what it is about to close; what the opener keeps must stay usable.
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
