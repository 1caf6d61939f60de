#include "memcached/handle.h"

#include "memcached/guarded_call.h"
#include "memcached/sasl_plugins.h"

namespace lmc {

namespace {

// Above any count or size that a batch reaches. With its default watermarks libmemcached reads answers away,
// unseen, while it writes.
constexpr std::uint64_t kNoWatermark = 1u << 30;

constexpr std::uint16_t kAnyPort = 11211;

// Discards what is written, and has nothing to read.
class NullSocket final : public VirtualSocket {
 public:
  void send(const char*, std::size_t) override {}
  std::size_t receive(char*, std::size_t) override { return 0; }
};

void setDefaults(memcached_st* handle) {
  memcached_behavior_set(handle, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
  memcached_behavior_set(handle, MEMCACHED_BEHAVIOR_IO_MSG_WATERMARK, kNoWatermark);
  memcached_behavior_set(handle, MEMCACHED_BEHAVIOR_IO_BYTES_WATERMARK, kNoWatermark);
}

void useMemory(memcached_st* handle) {
  setDefaults(handle);
  // An attempt to connect never fails here; whatever an answer did to the counts must not disable the handle.
  memcached_behavior_set(handle, MEMCACHED_BEHAVIOR_SERVER_FAILURE_LIMIT, INT32_MAX);
  memcached_server_add(handle, "127.0.0.1", kAnyPort);
}

}  // namespace

void HandleDeleter::operator()(memcached_st* handle) const {
  // Freeing says "quit" where it is connected: on virtual sockets only, for the connector has taken its
  // own away. After a failed assertion of its own a handle may not even be fit for that: then it is left behind.
  NullSocket nowhere;
  if (handle != nullptr) guarded(nowhere, [&] { memcached_free(handle); });
}

Handle makeEmptyHandle() { return Handle(memcached_create(nullptr)); }

memcached_return_t addServer(memcached_st* handle, const ServerSpec& server) {
  if (server.transport == Transport::Unix)
    return memcached_server_add_unix_socket_with_weight(handle, server.host.c_str(), server.weight);
  return memcached_server_add_with_weight(handle, server.host.c_str(), server.port, server.weight);
}

Handle makeConnectingHandle(const ConnectionConfig& config, memcached_return_t* error) {
  Handle handle = makeEmptyHandle();
  *error = handle ? MEMCACHED_SUCCESS : MEMCACHED_MEMORY_ALLOCATION_FAILURE;
  const auto set = [&](memcached_behavior_t flag, std::uint64_t value) {
    if (*error == MEMCACHED_SUCCESS) *error = memcached_behavior_set(handle.get(), flag, value);
  };
  // The order is libmemcached's: several of these are refused after others.
  if (config.isUdp()) set(MEMCACHED_BEHAVIOR_USE_UDP, 1);
  if (handle) setDefaults(handle.get());
  for (const auto& [flag, value] : config.behaviors) set(flag, value);
  if (*error == MEMCACHED_SUCCESS) *error = addServer(handle.get(), config.server);
  if (*error != MEMCACHED_SUCCESS) handle.reset();
  return handle;
}

Handle makeMemoryHandle(bool binary, bool udp) {
  Handle handle = makeEmptyHandle();
  if (!handle) throw std::bad_alloc();
  if (udp) memcached_behavior_set(handle.get(), MEMCACHED_BEHAVIOR_USE_UDP, 1);
  memcached_behavior_set(handle.get(), MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, binary ? 1 : 0);
  useMemory(handle.get());
  return handle;
}

Handle makeSaslHandle(const ConnectionConfig& config, memcached_return_t* error) {
  useBundledSaslPlugins();
  Handle handle = makeEmptyHandle();
  if (!handle) throw std::bad_alloc();
  // First of all, as libmemcached wants it; it implies the binary protocol.
  *error = memcached_set_sasl_auth_data(handle.get(), config.username.c_str(), config.password.c_str());
  useMemory(handle.get());
  return handle;
}

}  // namespace lmc
