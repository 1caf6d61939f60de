#pragma once

#include <libmemcached/memcached.h>

#include "core/request.h"

namespace lmc {

// The libmemcached call for a request on one key that is no fetch. `value`: what is encoded; empty in
// decoding, where only the answer counts. Counters: `*number` receives the new value.
// The `_by_key` forms of the counters: the plain ones take 32 bits and truncate.
inline memcached_return_t callFor(memcached_st* handle, const Request& request, std::string_view value,
                                  std::uint64_t* number) {
  const char* const key = request.key;
  const std::size_t length = request.keyLength;
  const auto expiry = static_cast<time_t>(request.expiry);
  const auto store = [&](auto* function) {
    return function(handle, key, length, value.data(), value.size(), expiry, request.flags);
  };
  switch (request.op) {
    case Op::Delete:
      return memcached_delete(handle, key, length, 0);
    case Op::Touch:
      return memcached_touch(handle, key, length, expiry);
    case Op::Set:
      return store(memcached_set);
    case Op::Add:
      return store(memcached_add);
    case Op::Replace:
      return store(memcached_replace);
    case Op::Append:
      return store(memcached_append);
    case Op::Prepend:
      return store(memcached_prepend);
    case Op::Cas:
      return memcached_cas(handle, key, length, value.data(), value.size(), expiry, request.flags, request.number);
    case Op::Incr:
      return memcached_increment_by_key(handle, key, length, key, length, request.number, number);
    case Op::Decr:
      return memcached_decrement_by_key(handle, key, length, key, length, request.number, number);
    case Op::Flush:
      return memcached_flush(handle, expiry);
    default:
      return MEMCACHED_INVALID_ARGUMENTS;
  }
}

}  // namespace lmc
