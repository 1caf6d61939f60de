#pragma once

#include <libmemcached/memcached.h>

#include "core/request.h"

namespace lmc {

// The libmemcached call for a write. For counters `*number` receives the new value if the call itself read
// the answer. The `_by_key` forms of the counters: the plain ones take 32 bits and truncate.
memcached_return_t callFor(memcached_st* handle, const Request& request, std::uint64_t* number,
                           bool* isTrapped);

}  // namespace lmc
