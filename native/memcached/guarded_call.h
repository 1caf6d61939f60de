#pragma once

#include <csetjmp>
#include <utility>

#include "transport/virtual_socket.h"

namespace lmc {

class Connector;

// The context of this thread's current call of libmemcached. Set before every call, and set aside while a
// fiber is suspended in one.
struct CallContext {
  // A failed assertion leads here.
  std::jmp_buf* trap = nullptr;
  // What socket() returns: the call works in memory.
  VirtualSocket* socket = nullptr;
  // Else, the call connects for real, and waits without blocking the thread.
  Connector* live = nullptr;
};
extern thread_local CallContext callContext;

// Distributions build libmemcached with its assertions on, and some of them are about what a server said: a
// text server that answers OK where STORED is expected (storage.cc), an answer to a counter that closes the
// connection without an error being noted (auto.cc). Each would end the process. So libmemcached's
// assertions, and only its own, are led to leaveGuardedCall() (see linkage.h). Its frames are left by
// longjmp: at its assertions they own nothing but the handle, which is good for the next call.
//
// False: an assertion failed in the call. `call` must do nothing but call libmemcached: its frame is not
// unwound.
template <typename Call>
bool guarded(VirtualSocket* socket, Connector* live, Call&& call) {
  std::jmp_buf trap;
  const CallContext outer = callContext;
  if (_setjmp(trap) != 0) {
    callContext = outer;
    return false;
  }
  callContext = CallContext{&trap, socket, live};
  call();
  callContext = outer;
  return true;
}

template <typename Call>
bool guarded(VirtualSocket& socket, Call&& call) {
  return guarded(&socket, nullptr, std::forward<Call>(call));
}

// Leaves the guarded call from inside of libmemcached. Aborts if there is none.
[[noreturn]] void leaveGuardedCall();

}  // namespace lmc
