#include "memcached/handle.h"

#include "memcached/assertion_guard.h"
#include "memcached/sasl_plugins.h"

namespace lmc {

namespace {

// Above any count or size that a batch reaches. With its default watermarks libmemcached reads answers away,
// unseen, while it writes.
constexpr std::uint64_t kNoWatermark = 1u << 30;

}  // namespace

void HandleDeleter::operator()(memcached_st* handle) const {
  if (handle == nullptr) return;
  // Freeing says "quit" and then reads until the server hangs up: for at most this long.
  memcached_behavior_set(handle, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, 1);
  // After a failed assertion of its own it may not even be fit for that: then it is left behind.
  guarded([&] { memcached_free(handle); });
}

Handle makeEmptyHandle() {
  installAssertionGuard();  // before the first call that could need it
  return Handle(memcached_create(nullptr));
}

memcached_return_t addServer(memcached_st* handle, const ServerSpec& server) {
  if (server.transport == Transport::Unix)
    return memcached_server_add_unix_socket_with_weight(handle, server.host.c_str(), server.weight);
  return memcached_server_add_with_weight(handle, server.host.c_str(), server.port, server.weight);
}

Handle makeConnectionHandle(const ConnectionConfig& config, Protocol protocol, memcached_return_t* error) {
  Handle handle = makeEmptyHandle();
  *error = handle ? MEMCACHED_SUCCESS : MEMCACHED_MEMORY_ALLOCATION_FAILURE;
  const auto set = [&](memcached_behavior_t flag, std::uint64_t value) {
    if (*error == MEMCACHED_SUCCESS) *error = memcached_behavior_set(handle.get(), flag, value);
  };
  const bool binary = protocol == Protocol::Binary;
  const bool udp = config.server.transport == Transport::Udp;

  // The order is libmemcached's: several of these close connections or are refused after others.
  if (config.hasCredentials && *error == MEMCACHED_SUCCESS) {
    useBundledSaslPlugins();
    *error = memcached_set_sasl_auth_data(handle.get(), config.username.c_str(), config.password.c_str());
  }
  if (udp) set(MEMCACHED_BEHAVIOR_USE_UDP, 1);
  set(MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, binary ? 1 : 0);
  // Without it a binary mget of two misses takes 44 ms; `behaviors` below may still turn it off.
  set(MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
  set(MEMCACHED_BEHAVIOR_IO_MSG_WATERMARK, kNoWatermark);
  set(MEMCACHED_BEHAVIOR_IO_BYTES_WATERMARK, kNoWatermark);
  for (const auto& [flag, value] : config.behaviors) set(flag, value);
  set(MEMCACHED_BEHAVIOR_POLL_TIMEOUT, config.pollTimeoutMs);
  set(MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, config.connectTimeoutMs);
  // In text only the last status of a batch of buffered sets can be read: they go one by one there, but
  // buffered all the same, because a set that is not buffered aborts the process if the server answers OK,
  // say, instead of STORED.
  if (!udp) set(MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, 1);
  if (!config.keyNamespace.empty() && *error == MEMCACHED_SUCCESS)
    *error = memcached_callback_set(handle.get(), MEMCACHED_CALLBACK_NAMESPACE, config.keyNamespace.c_str());
  if (*error == MEMCACHED_SUCCESS) *error = addServer(handle.get(), config.server);
  if (*error != MEMCACHED_SUCCESS) handle.reset();
  return handle;
}

}  // namespace lmc
