#include "memcached/router.h"

#include <algorithm>
#include <cstring>
#include <ctime>

namespace lmc {

namespace {

// remove_failed is a number to pylibmc and a boolean to libmemcached; verify_keys is refused by binary
// handles; the socket sizes are asked of a live connection.
bool isStoredLocally(memcached_behavior_t flag) {
  switch (static_cast<int>(flag)) {
    case MEMCACHED_BEHAVIOR_REMOVE_FAILED_SERVERS:
    case MEMCACHED_BEHAVIOR_AUTO_EJECT_HOSTS:
    case MEMCACHED_BEHAVIOR_SOCKET_SEND_SIZE:
    case MEMCACHED_BEHAVIOR_SOCKET_RECV_SIZE:
    case MEMCACHED_BEHAVIOR_NUMBER_OF_REPLICAS:
    case MEMCACHED_BEHAVIOR_TCP_NODELAY:
    case MEMCACHED_BEHAVIOR_VERIFY_KEY:
    case kTcpKeepInterval:
      return true;
    default:
      return false;
  }
}

std::uint64_t defaultOf(memcached_behavior_t flag) {
  return flag == MEMCACHED_BEHAVIOR_TCP_NODELAY ? 1 : 0;  // ours: see makeConnectingHandle
}

constexpr time_t kFarFuture = 0x7fffffff;

}  // namespace

Router::Router(std::vector<ServerSpec> servers, const std::vector<BehaviorValue>& behaviors,
               const std::string& keyNamespace, bool binary, memcached_return_t* error)
    : handle_(makeEmptyHandle()) {
  *error = handle_ ? MEMCACHED_SUCCESS : MEMCACHED_MEMORY_ALLOCATION_FAILURE;
  // Decides nothing about placement, but which namespaces libmemcached takes.
  if (*error == MEMCACHED_SUCCESS && binary)
    *error = memcached_behavior_set(handle_.get(), MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, 1);
  const Behavior* refused = nullptr;
  if (*error == MEMCACHED_SUCCESS) *error = set(behaviors, &refused);
  if (*error == MEMCACHED_SUCCESS) *error = setNamespace(keyNamespace);
  if (*error == MEMCACHED_SUCCESS) *error = setServers(std::move(servers));
}

memcached_return_t Router::setServers(std::vector<ServerSpec> servers) {
  servers_ = std::move(servers);
  memcached_servers_reset(handle_.get());
  for (const ServerSpec& server : servers_) {
    if (const memcached_return_t rc = addServer(handle_.get(), server); rc != MEMCACHED_SUCCESS) return rc;
  }
  learnOrder();
  return MEMCACHED_SUCCESS;
}

memcached_return_t Router::set(const std::vector<BehaviorValue>& values, const Behavior** refused) {
  for (const Behavior& behavior : behaviors()) {
    for (const BehaviorValue& given : values) {
      if (given.behavior != &behavior) continue;
      if (isStoredLocally(behavior.flag)) {
        std::erase_if(overrides_, [&](const auto& pair) { return pair.first == behavior.flag; });
        overrides_.emplace_back(behavior.flag, given.value);
        continue;
      }
      const memcached_return_t rc = memcached_behavior_set(handle_.get(), behavior.flag, given.value);
      if (rc != MEMCACHED_SUCCESS) {
        *refused = &behavior;
        return rc;
      }
    }
  }
  if (memcached_server_count(handle_.get()) > 0) learnOrder();
  return MEMCACHED_SUCCESS;
}

std::uint64_t Router::get(const Behavior& behavior) const {
  if (isStoredLocally(behavior.flag)) {
    for (const auto& [flag, value] : overrides_) {
      if (flag == behavior.flag) return value;
    }
    return defaultOf(behavior.flag);
  }
  return memcached_behavior_get(handle_.get(), behavior.flag);
}

memcached_return_t Router::setNamespace(const std::string& keyNamespace) {
  return memcached_callback_set(handle_.get(), MEMCACHED_CALLBACK_NAMESPACE,
                                keyNamespace.empty() ? nullptr : keyNamespace.c_str());
}

std::uint32_t Router::digestOf(std::string_view key) const {
  const auto hash = static_cast<memcached_hash_t>(memcached_behavior_get(handle_.get(), MEMCACHED_BEHAVIOR_HASH));
  return memcached_generate_hash_value(key.data(), key.size(), hash);
}

bool Router::ejects() const {
  switch (memcached_behavior_get(handle_.get(), MEMCACHED_BEHAVIOR_DISTRIBUTION)) {
    case MEMCACHED_DISTRIBUTION_CONSISTENT:
    case MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA:
    case MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY:
    case MEMCACHED_DISTRIBUTION_CONSISTENT_WEIGHTED:
      return true;
    default:
      return false;
  }
}

void Router::learnOrder() {
  // With _sort_hosts libmemcached sorts its own list, and its indices are no longer ours.
  order_.assign(servers_.size(), 0);
  std::vector<bool> taken(servers_.size(), false);
  for (std::uint32_t position = 0; position < servers_.size(); ++position) {
    const memcached_instance_st* instance = memcached_server_instance_by_position(handle_.get(), position);
    for (std::uint32_t index = 0; index < servers_.size(); ++index) {
      const bool samePort =
          servers_[index].transport == Transport::Unix || servers_[index].port == memcached_server_port(instance);
      if (!taken[index] && samePort && servers_[index].host == memcached_server_name(instance)) {
        taken[index] = true;
        order_[position] = index;
        break;
      }
    }
  }
}

void Router::eject(const std::vector<bool>& dead) {
  if (!ejects()) return;
  // libmemcached leaves out of its continuum those whose retry time is to come, if ejecting is on.
  const bool any = std::find(dead.begin(), dead.end(), true) != dead.end();
  memcached_behavior_set(handle_.get(), MEMCACHED_BEHAVIOR_AUTO_EJECT_HOSTS, any ? 1 : 0);
  for (std::uint32_t position = 0; position < order_.size(); ++position) {
    memcached_instance_next_retry(memcached_server_instance_by_position(handle_.get(), position),
                                  dead[order_[position]] ? kFarFuture : 0);
  }
  // Not by setting DISTRIBUTION again: that turns weights off as a side effect. Sorting the hosts the way
  // they are sorted already recomputes the continuum and changes nothing else.
  memcached_behavior_set(handle_.get(), MEMCACHED_BEHAVIOR_SORT_HOSTS,
                         memcached_behavior_get(handle_.get(), MEMCACHED_BEHAVIOR_SORT_HOSTS));
}

}  // namespace lmc
