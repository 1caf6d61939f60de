#pragma once

#include <cstdint>

#include "core/latency.h"

namespace lmc {

// What one server's connection has done since the client was made, for metrics().
struct ServerCounters {
  std::uint64_t hits = 0;  // reads (each caller's, also if one answer served several)
  std::uint64_t misses = 0;
  std::uint64_t batches = 0;    // sends that carried operations on keys
  std::uint64_t batched = 0;    // requests in them; of reads: distinct keys
  std::uint64_t coalesced = 0;  // reads that were answered together with another one of the same key
  std::uint64_t connects = 0;   // connections made
  std::uint64_t bytesReceived = 0;
  std::uint64_t bytesSent = 0;
  LatencyHistogram latency;
};

}  // namespace lmc
