#pragma once

#include <libmemcached/memcached.h>

#include <memory>

#include "memcached/config.h"

namespace lmc {

struct HandleDeleter {
  void operator()(memcached_st* handle) const;
};
using Handle = std::unique_ptr<memcached_st, HandleDeleter>;

// A handle that holds the one server of a connection, speaking `protocol` (Text or Binary). Null if there is
// no memory, or if libmemcached refuses a setting (then `*error` says which return code).
//
// Never memcached_clone: it drops ketama_weighted, and a fresh handle is as cheap.
Handle makeConnectionHandle(const ConnectionConfig& config, Protocol protocol, memcached_return_t* error);

// An empty handle, to be configured by the caller.
Handle makeEmptyHandle();

memcached_return_t addServer(memcached_st* handle, const ServerSpec& server);

}  // namespace lmc
