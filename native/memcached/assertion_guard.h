#pragma once

#include <csetjmp>

namespace lmc {

// Distributions build libmemcached with its assertions on, and some of them are about what a server did: a
// connection that is reset under memcached_touch (error.cc, rc != MEMCACHED_ERRNO), a text server that
// answers OK where STORED is expected (storage.cc), an answer to a counter that closes the connection without
// an error being noted (auto.cc). Each would end the process. So libmemcached's assertions, and only its own,
// are led here: a call that runs guarded comes back, and the handle is then thrown away as if the connection
// had broken.
//
// It is done by changing the entries for __assert_fail, abort and fprintf in libmemcached's own linkage table
// (Linux; elsewhere assertions abort as ever). libmemcached's frames are left by longjmp: at its assertions
// they own nothing but the handle.
void installAssertionGuard();

#if defined(__linux__)
constexpr bool kGuardsAssertions = true;
#else
constexpr bool kGuardsAssertions = false;
#endif

// The guarded call that this thread is in.
struct AssertionTrap {
  std::jmp_buf buffer;
  AssertionTrap* outer;
};
extern thread_local AssertionTrap* currentTrap;

// False: an assertion failed in the call. `call` must do nothing but call libmemcached: its frame is not
// unwound.
template <typename Call>
bool guarded(Call&& call) {
  AssertionTrap trap;
  trap.outer = currentTrap;
  if (_setjmp(trap.buffer) != 0) {
    currentTrap = currentTrap->outer;
    return false;
  }
  currentTrap = &trap;
  call();
  currentTrap = trap.outer;
  return true;
}

// Leaves the guarded call from a callback of libmemcached, as a failed assertion does.
[[noreturn]] void leaveGuardedCall();

}  // namespace lmc
