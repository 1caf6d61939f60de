#pragma once

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <functional>

namespace lmc {

// A small stack on which libmemcached runs where it may have to wait: it gives the thread back to the event
// loop instead, and is resumed when there is something. The stacks are Boost.Context's.
//
// Nothing of JavaScript or Node-API may ever run on a fiber: V8 knows only the thread's own stack.
class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  // It must have finished: whoever waits on it is woken and told to give up first.
  ~Fiber();

  // From outside: runs `body` until it suspends itself or ends.
  void start(std::function<void()> body);
  // From outside: goes on where it was suspended.
  void resume();
  bool isRunning() const { return running_; }  // started, and not finished

  // From inside: gives control back to whoever started or resumed it.
  void suspend();

 private:
  // libmemcached keeps buffers of 8 KB on the stack, and SASL's plugins call into libcrypto.
  static constexpr std::size_t kStackBytes = 256 * 1024;

  // AddressSanitizer follows switches of stacks only if it is told of them.
  struct Stack {
    const void* bottom = nullptr;
    std::size_t size = 0;
    void* fake = nullptr;
  };
  void leaveFor(Stack& from, const Stack& to, bool forGood = false);
  void arrivedAt(Stack& at, Stack* from);

  boost::context::fiber inside_;
  boost::context::fiber outside_;
  std::function<void()> body_;
  bool running_ = false;
  Stack ownStack_;
  Stack callerStack_;
};

}  // namespace lmc
