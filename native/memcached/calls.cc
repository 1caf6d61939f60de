#include "memcached/calls.h"

#include "memcached/assertion_guard.h"

namespace lmc {

namespace {

memcached_return_t call(memcached_st* handle, const Request& request, std::uint64_t* number) {
  const char* key = request.key;
  const std::size_t keyLength = request.keyLength;
  const char* value = request.value;
  const std::size_t valueLength = request.valueLength;
  const auto expiry = static_cast<time_t>(request.expiry);
  switch (request.op) {
    case Op::Delete:
      return memcached_delete(handle, key, keyLength, 0);
    case Op::Touch:
      return memcached_touch(handle, key, keyLength, expiry);
    case Op::Set:
      return memcached_set(handle, key, keyLength, value, valueLength, expiry, request.flags);
    case Op::Add:
      return memcached_add(handle, key, keyLength, value, valueLength, expiry, request.flags);
    case Op::Replace:
      return memcached_replace(handle, key, keyLength, value, valueLength, expiry, request.flags);
    case Op::Append:
      return memcached_append(handle, key, keyLength, value, valueLength, expiry, request.flags);
    case Op::Prepend:
      return memcached_prepend(handle, key, keyLength, value, valueLength, expiry, request.flags);
    case Op::Cas:
      return memcached_cas(handle, key, keyLength, value, valueLength, expiry, request.flags, request.number);
    case Op::Incr:
      return memcached_increment_by_key(handle, key, keyLength, key, keyLength, request.number, number);
    case Op::Decr:
      return memcached_decrement_by_key(handle, key, keyLength, key, keyLength, request.number, number);
    case Op::IncrInitial:
      return memcached_increment_with_initial(handle, key, keyLength, request.number, request.initial, expiry,
                                              number);
    case Op::DecrInitial:
      return memcached_decrement_with_initial(handle, key, keyLength, request.number, request.initial, expiry,
                                              number);
    default:
      return MEMCACHED_INVALID_ARGUMENTS;
  }
}

}  // namespace

memcached_return_t callFor(memcached_st* handle, const Request& request, std::uint64_t* number,
                           bool* isTrapped) {
  memcached_return_t rc;
  *isTrapped = !guarded([&] { rc = call(handle, request, number); });
  return *isTrapped ? MEMCACHED_PROTOCOL_ERROR : rc;
}

}  // namespace lmc
