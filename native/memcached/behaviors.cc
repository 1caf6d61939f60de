#include "memcached/behaviors.h"

#include <memory>

namespace lmc {

namespace {

using enum BehaviorKind;

constexpr Behavior kBehaviors[] = {
    {"no_block", MEMCACHED_BEHAVIOR_NO_BLOCK, Boolean},
    {"tcp_nodelay", MEMCACHED_BEHAVIOR_TCP_NODELAY, Boolean},
    {"tcp_keepalive", MEMCACHED_BEHAVIOR_TCP_KEEPALIVE, Boolean},
    {"tcp_keepidle", MEMCACHED_BEHAVIOR_TCP_KEEPIDLE, Unsigned},
    {"tcp_keepintvl", kTcpKeepInterval, Unsigned},
    {"hash", MEMCACHED_BEHAVIOR_HASH, Hash},
    {"ketama_hash", MEMCACHED_BEHAVIOR_KETAMA_HASH, Hash},
    {"ketama", MEMCACHED_BEHAVIOR_KETAMA, Boolean},
    {"ketama_weighted", MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, Boolean},
    {"distribution", MEMCACHED_BEHAVIOR_DISTRIBUTION, Distribution},
    {"cas", MEMCACHED_BEHAVIOR_SUPPORT_CAS, Boolean},
    {"buffer_requests", MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, Boolean},
    {"verify_keys", MEMCACHED_BEHAVIOR_VERIFY_KEY, Boolean},
    {"connect_timeout", MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, Unsigned},
    {"send_timeout", MEMCACHED_BEHAVIOR_SND_TIMEOUT, Unsigned},
    {"receive_timeout", MEMCACHED_BEHAVIOR_RCV_TIMEOUT, Unsigned},
    {"num_replicas", MEMCACHED_BEHAVIOR_NUMBER_OF_REPLICAS, Unsigned},
    {"auto_eject", MEMCACHED_BEHAVIOR_AUTO_EJECT_HOSTS, Boolean},
    {"retry_timeout", MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, Unsigned},
    {"remove_failed", MEMCACHED_BEHAVIOR_REMOVE_FAILED_SERVERS, Unsigned},
    {"failure_limit", MEMCACHED_BEHAVIOR_SERVER_FAILURE_LIMIT, Unsigned},
    {"_io_msg_watermark", MEMCACHED_BEHAVIOR_IO_MSG_WATERMARK, Unsigned},
    {"_io_bytes_watermark", MEMCACHED_BEHAVIOR_IO_BYTES_WATERMARK, Unsigned},
    {"_io_key_prefetch", MEMCACHED_BEHAVIOR_IO_KEY_PREFETCH, Unsigned},
    {"_hash_with_prefix_key", MEMCACHED_BEHAVIOR_HASH_WITH_PREFIX_KEY, Boolean},
    {"_noreply", MEMCACHED_BEHAVIOR_NOREPLY, Boolean},
    {"_sort_hosts", MEMCACHED_BEHAVIOR_SORT_HOSTS, Boolean},
    {"_poll_timeout", MEMCACHED_BEHAVIOR_POLL_TIMEOUT, Unsigned},
    {"_socket_send_size", MEMCACHED_BEHAVIOR_SOCKET_SEND_SIZE, Unsigned},
    {"_socket_recv_size", MEMCACHED_BEHAVIOR_SOCKET_RECV_SIZE, Unsigned},
    {"dead_timeout", MEMCACHED_BEHAVIOR_DEAD_TIMEOUT, Unsigned},
};

constexpr NamedNumber kHashers[] = {
    {"default", MEMCACHED_HASH_DEFAULT},   {"md5", MEMCACHED_HASH_MD5},           {"crc", MEMCACHED_HASH_CRC},
    {"fnv1_64", MEMCACHED_HASH_FNV1_64},   {"fnv1a_64", MEMCACHED_HASH_FNV1A_64}, {"fnv1_32", MEMCACHED_HASH_FNV1_32},
    {"fnv1a_32", MEMCACHED_HASH_FNV1A_32}, {"hsieh", MEMCACHED_HASH_HSIEH},       {"murmur", MEMCACHED_HASH_MURMUR},
    {"jenkins", MEMCACHED_HASH_JENKINS},
};

// virtual_bucket needs a bucket map that no behavior can give, and consistent_max is a sentinel whose use is
// an assertion failure: pylibmc lists both, we do not.
constexpr NamedNumber kDistributions[] = {
    {"modula", MEMCACHED_DISTRIBUTION_MODULA},
    {"consistent", MEMCACHED_DISTRIBUTION_CONSISTENT},
    {"consistent ketama", MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA},
    {"consistent ketama spy", MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY},
    {"consistent weighted", MEMCACHED_DISTRIBUTION_CONSISTENT_WEIGHTED},
    {"random", MEMCACHED_DISTRIBUTION_RANDOM},
};

constexpr NamedNumber kReturnCodes[] = {
    {"SUCCESS", MEMCACHED_SUCCESS},
    {"FAILURE", MEMCACHED_FAILURE},
    {"HOST_LOOKUP_FAILURE", MEMCACHED_HOST_LOOKUP_FAILURE},
    {"CONNECTION_FAILURE", MEMCACHED_CONNECTION_FAILURE},
    {"CONNECTION_BIND_FAILURE", MEMCACHED_CONNECTION_BIND_FAILURE},
    {"WRITE_FAILURE", MEMCACHED_WRITE_FAILURE},
    {"READ_FAILURE", MEMCACHED_READ_FAILURE},
    {"UNKNOWN_READ_FAILURE", MEMCACHED_UNKNOWN_READ_FAILURE},
    {"PROTOCOL_ERROR", MEMCACHED_PROTOCOL_ERROR},
    {"CLIENT_ERROR", MEMCACHED_CLIENT_ERROR},
    {"SERVER_ERROR", MEMCACHED_SERVER_ERROR},
    {"ERROR", MEMCACHED_ERROR},
    {"DATA_EXISTS", MEMCACHED_DATA_EXISTS},
    {"DATA_DOES_NOT_EXIST", MEMCACHED_DATA_DOES_NOT_EXIST},
    {"NOTSTORED", MEMCACHED_NOTSTORED},
    {"STORED", MEMCACHED_STORED},
    {"NOTFOUND", MEMCACHED_NOTFOUND},
    {"MEMORY_ALLOCATION_FAILURE", MEMCACHED_MEMORY_ALLOCATION_FAILURE},
    {"PARTIAL_READ", MEMCACHED_PARTIAL_READ},
    {"SOME_ERRORS", MEMCACHED_SOME_ERRORS},
    {"NO_SERVERS", MEMCACHED_NO_SERVERS},
    {"END", MEMCACHED_END},
    {"DELETED", MEMCACHED_DELETED},
    {"VALUE", MEMCACHED_VALUE},
    {"STAT", MEMCACHED_STAT},
    {"ITEM", MEMCACHED_ITEM},
    {"ERRNO", MEMCACHED_ERRNO},
    {"FAIL_UNIX_SOCKET", MEMCACHED_FAIL_UNIX_SOCKET},
    {"NOT_SUPPORTED", MEMCACHED_NOT_SUPPORTED},
    {"NO_KEY_PROVIDED", MEMCACHED_NO_KEY_PROVIDED},
    {"FETCH_NOTFINISHED", MEMCACHED_FETCH_NOTFINISHED},
    {"TIMEOUT", MEMCACHED_TIMEOUT},
    {"BUFFERED", MEMCACHED_BUFFERED},
    {"BAD_KEY_PROVIDED", MEMCACHED_BAD_KEY_PROVIDED},
    {"INVALID_HOST_PROTOCOL", MEMCACHED_INVALID_HOST_PROTOCOL},
    {"SERVER_MARKED_DEAD", MEMCACHED_SERVER_MARKED_DEAD},
    {"UNKNOWN_STAT_KEY", MEMCACHED_UNKNOWN_STAT_KEY},
    {"E2BIG", MEMCACHED_E2BIG},
    {"INVALID_ARGUMENTS", MEMCACHED_INVALID_ARGUMENTS},
    {"KEY_TOO_BIG", MEMCACHED_KEY_TOO_BIG},
    {"AUTH_PROBLEM", MEMCACHED_AUTH_PROBLEM},
    {"AUTH_FAILURE", MEMCACHED_AUTH_FAILURE},
    {"AUTH_CONTINUE", MEMCACHED_AUTH_CONTINUE},
    {"PARSE_ERROR", MEMCACHED_PARSE_ERROR},
    {"PARSE_USER_ERROR", MEMCACHED_PARSE_USER_ERROR},
    {"DEPRECATED", MEMCACHED_DEPRECATED},
    {"IN_PROGRESS", MEMCACHED_IN_PROGRESS},
    {"SERVER_TEMPORARILY_DISABLED", MEMCACHED_SERVER_TEMPORARILY_DISABLED},
    {"SERVER_MEMORY_ALLOCATION_FAILURE", MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE},
};

}  // namespace

std::span<const Behavior> behaviors() { return kBehaviors; }

const Behavior* findBehavior(std::string_view name) {
  for (const Behavior& behavior : kBehaviors) {
    if (name == behavior.name) return &behavior;
  }
  return nullptr;
}

std::vector<NamedNumber> hashers() {
  std::unique_ptr<memcached_st, decltype(&memcached_free)> handle(memcached_create(nullptr), memcached_free);
  std::vector<NamedNumber> found;
  for (const NamedNumber& hasher : kHashers) {
    if (memcached_success(memcached_behavior_set(handle.get(), MEMCACHED_BEHAVIOR_HASH, hasher.value)))
      found.push_back(hasher);
  }
  return found;
}

std::vector<NamedNumber> distributions() { return {std::begin(kDistributions), std::end(kDistributions)}; }

std::span<const NamedNumber> returnCodes() { return kReturnCodes; }

}  // namespace lmc
