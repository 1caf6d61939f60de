#pragma once

namespace lmc {

// The version of the libmemcached that is in use, which may be newer than the headers.
const char* libraryVersion();
bool librarySupportsSasl();

}  // namespace lmc
