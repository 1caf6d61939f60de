#pragma once

#include <chrono>

namespace lmc {

// Milliseconds of the steady clock: the clock of every deadline. Node's performance.now() runs on the same
// one with another origin.
inline double nowMs() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace lmc
