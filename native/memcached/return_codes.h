#pragma once

#include <libmemcached/memcached.h>

#include "core/session.h"
#include "memcached/link.h"

namespace lmc {

static_assert(status::kSuccess == MEMCACHED_SUCCESS && status::kNotFound == MEMCACHED_NOTFOUND);

// The connection broke while it was in use, other than by silence.
inline bool isConnectionLoss(memcached_return_t rc) {
  return rc == MEMCACHED_CONNECTION_FAILURE || rc == MEMCACHED_ERRNO || rc == MEMCACHED_WRITE_FAILURE ||
         rc == MEMCACHED_READ_FAILURE || rc == MEMCACHED_SOME_ERRORS || rc == MEMCACHED_FAILURE;
}

// What an exchange on an open link that ended in `rc` says about the server.
inline Contact contactOf(memcached_return_t rc) {
  if (rc == MEMCACHED_TIMEOUT || rc == MEMCACHED_IN_PROGRESS) return Contact::Failed;
  return isConnectionLoss(rc) ? Contact::Lost : Contact::Answered;
}

// The most telling code of a call that returned `rc` and left the connection in a state that it must not
// have: libmemcached often returns a summary and keeps the reason in its last error.
inline memcached_return_t worstOf(Link& link, memcached_return_t rc) {
  const memcached_return_t last = memcached_last_error(link.handle());
  if (last != MEMCACHED_SUCCESS) return last;
  if (memcached_fatal(rc)) return rc;
  return MEMCACHED_PROTOCOL_ERROR;  // no error anywhere, and yet answers are missing or left over
}

}  // namespace lmc
