#pragma once

#include <libmemcached/memcached.h>

#include <memory>

#include "memcached/config.h"

namespace lmc {

struct HandleDeleter {
  void operator()(memcached_st* handle) const;
};
using Handle = std::unique_ptr<memcached_st, HandleDeleter>;

// What fetches read into; goes before its handle. Not one that libmemcached allocates: that it frees itself
// at the end of a fetch.
class FetchResult {
 public:
  explicit FetchResult(memcached_st* handle) { memcached_result_create(handle, &result_); }
  ~FetchResult() { memcached_result_free(&result_); }
  FetchResult(const FetchResult&) = delete;
  FetchResult& operator=(const FetchResult&) = delete;

  // For the next fetch. (With a count of 0 libmemcached reports any error as NOTFOUND, a fake miss.)
  memcached_result_st* use() {
    result_.count = 1;
    return &result_;
  }

 private:
  memcached_result_st result_{};
};

// An empty handle, to be configured by the caller. Null: there is no memory.
Handle makeEmptyHandle();

memcached_return_t addServer(memcached_st* handle, const ServerSpec& server);

// A handle that connects to the one server of a connection. Null if there is no memory, or if libmemcached refuses a
// setting (then `*error` says which return code).
//
// Never memcached_clone: it drops ketama_weighted, and a fresh handle is as cheap.
Handle makeConnectingHandle(const ConnectionConfig& config, memcached_return_t* error);

// A handle that works in memory, see guarded_call.h. Its server is a numeric address, which nobody connects
// to.
Handle makeMemoryHandle(bool binary, bool udp);

// One that authenticates before it asks anything. `*error`: it has no SASL.
Handle makeSaslHandle(const ConnectionConfig& config, memcached_return_t* error);

}  // namespace lmc
