#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/stack_context.hpp>
#include <cstddef>
#include <new>

#include "transport/address_sanitizer.h"

namespace lmc {

// Stacks for Boost.Context's fibers, with a page below that may not be touched. (Its own allocators need
// stack_traits, which Debian's static library has not compiled for shared objects.)
class FiberStack {
 public:
  explicit FiberStack(std::size_t bytes) : bytes_(bytes) {}

  boost::context::stack_context allocate() {
    const std::size_t guard = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const memory =
        mmap(nullptr, bytes_ + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    mprotect(memory, guard, PROT_NONE);
    boost::context::stack_context stack;
    stack.size = bytes_ + guard;
    stack.sp = static_cast<char*>(memory) + stack.size;
    return stack;
  }

  void deallocate(boost::context::stack_context& stack) noexcept {
    char* const bottom = static_cast<char*>(stack.sp) - stack.size;
    forget(bottom, stack.size);  // frames that were never left
    munmap(bottom, stack.size);
  }

 private:
  std::size_t bytes_;
};

}  // namespace lmc
