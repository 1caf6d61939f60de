#pragma once

#include <string>

#include "memcached/config.h"
#include "memcached/decoder.h"
#include "memcached/encoder.h"

namespace lmc {

// What a server said when a connection was opened.
struct Greeting {
  std::int32_t rc = status::kSuccess;
  // Whoever says something, even nonsense or "no", is there; a refused, reset or silent connection is not.
  bool isReached = true;
  std::string message{};
};

// Authenticates, and asks for the version: the first requests on a connection, each decoded before the next one is
// encoded. Nothing of a caller's has been sent before it returns, so a failure here never leaves an outcome unknown.
// On the fiber.
Greeting greet(const ConnectionConfig& config, Encoder& encoder, Decoder& decoder, OutQueue& out);

}  // namespace lmc
