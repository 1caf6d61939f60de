#pragma once

#include <span>

namespace lmc {

// A function that libmemcached imports, and what it is led to instead.
struct Replacement {
  const char* name;
  void* function;
  bool isRequired;  // without it nothing works in memory
};

// libmemcached's calls to the system: behind a virtual socket they move bytes in memory; in a call that opens
// a connection they wait on a fiber; anybody else's pass through. And the way out of its failed assertions.
std::span<const Replacement> replacements();

}  // namespace lmc
