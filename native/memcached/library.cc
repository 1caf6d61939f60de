#include "memcached/library.h"

#include <libmemcached/memcached.h>

namespace lmc {

const char* libraryVersion() { return memcached_lib_version(); }

bool librarySupportsSasl() {
#if defined(LIBMEMCACHED_WITH_SASL_SUPPORT) && LIBMEMCACHED_WITH_SASL_SUPPORT
  return true;
#else
  return false;
#endif
}

}  // namespace lmc
