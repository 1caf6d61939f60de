#pragma once

#include <string>

namespace lmc {

// Leads libmemcached's calls to the system (system_calls.h) to us, by changing its own linkage table: nobody
// else in the process is concerned. Once a process; later calls return what the first did.
//
// Empty: done. Else what is missing, in words: a libmemcached that is linked statically, an unknown loader.
const std::string& installLinkage();

}  // namespace lmc
