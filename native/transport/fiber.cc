#include "transport/fiber.h"

#include <cstdlib>
#include <utility>

#include "transport/address_sanitizer.h"
#include "transport/fiber_stack.h"

namespace lmc {

namespace context = boost::context;

Fiber::~Fiber() {
  if (running_) std::abort();  // libmemcached's frames on it would never be left
}

void Fiber::start(std::function<void()> body) {
  body_ = std::move(body);
  running_ = true;
  FiberStack allocator(kStackBytes);
  const context::stack_context stack = allocator.allocate();
  ownStack_ = Stack{static_cast<char*>(stack.sp) - stack.size, stack.size, nullptr};
  inside_ = context::fiber(std::allocator_arg, context::preallocated(stack.sp, stack.size, stack), allocator,
                           [this](context::fiber&& caller) {
                             arrivedAt(ownStack_, &callerStack_);
                             outside_ = std::move(caller);
                             body_();
                             running_ = false;
                             leaveFor(ownStack_, callerStack_, true);
                             return std::move(outside_);
                           });
  resume();
}

void Fiber::resume() {
  leaveFor(callerStack_, ownStack_);
  inside_ = std::move(inside_).resume();
  arrivedAt(callerStack_, nullptr);
}

void Fiber::suspend() {
  leaveFor(ownStack_, callerStack_);
  outside_ = std::move(outside_).resume();
  arrivedAt(ownStack_, &callerStack_);
}

#if defined(LMC_ADDRESS_SANITIZER)
void Fiber::leaveFor(Stack& from, const Stack& to, bool forGood) {
  __sanitizer_start_switch_fiber(forGood ? nullptr : &from.fake, to.bottom, to.size);
}
void Fiber::arrivedAt(Stack& at, Stack* from) {
  __sanitizer_finish_switch_fiber(at.fake, from != nullptr ? &from->bottom : nullptr,
                                  from != nullptr ? &from->size : nullptr);
}
#else
void Fiber::leaveFor(Stack&, const Stack&, bool) {}
void Fiber::arrivedAt(Stack&, Stack*) {}
#endif

}  // namespace lmc
