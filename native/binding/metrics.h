#pragma once

#include <napi.h>

#include "memcached/cluster.h"

namespace lmc {

// What lib/observability/metrics.ts makes objects of: for each server a Float64Array of
//   state, queued, in flight, hits, misses, batches, requests in them, coalesced, reconnects,
//   bytes received, bytes sent,
//   sum and maximum of the latency in nanoseconds,
//   the operations by Op, and the latency's buckets.
// Up to 2^53 the numbers are exact.
Napi::Array metricsOf(Napi::Env env, const Cluster& cluster);

// The upper bounds of the latency's buckets but the last, in nanoseconds.
Napi::Array latencyBounds(Napi::Env env);

}  // namespace lmc
