#pragma once

// Defines LMC_ADDRESS_SANITIZER where it watches. (Not every compiler has its headers.)

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define LMC_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LMC_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(LMC_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace lmc {

// Forgets what it knows of memory that is given back to the system: whoever gets that address next is not to blame.
inline void forget([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) {
#if defined(LMC_ADDRESS_SANITIZER)
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

}  // namespace lmc
