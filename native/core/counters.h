#pragma once

#include <atomic>
#include <cstdint>

#include "core/latency.h"

namespace lmc {

// A number that one thread writes and others may read at any moment. The reader never sees a torn number, but
// it may see one counter of a batch before the next: they are for looking at, not for deciding.
class Counter {
 public:
  // The owning thread. It is the only writer, so no locked instruction is needed.
  void add(std::uint64_t count) { value_.store(get() + count, std::memory_order_relaxed); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }

  // Any thread.
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// What one connection has done since the client was made. Written by its connection thread, read by the
// JavaScript thread. What belongs to a completion is counted before the completion is handed over, so whoever
// has a result finds it counted.
struct ConnectionCounters {
  Counter taken;      // requests that the thread took from its inbox
  Counter completed;  // of these: done, whatever became of them
  Counter hits;       // reads (each caller's, also if one answer served several)
  Counter misses;
  Counter batches;    // exchanges with the server that carried operations on keys
  Counter batched;    // requests in them; of reads: distinct keys
  Counter coalesced;  // reads that were answered together with another one of the same key
  Counter connects;   // connections made
  LatencyHistogram<Counter> latency;
};

// A snapshot of a server's counters: the sum over its connections. JavaScript thread only.
struct ServerCounts {
  std::uint64_t queued = 0;
  std::uint64_t inFlight = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t batches = 0;
  std::uint64_t batched = 0;
  std::uint64_t coalesced = 0;
  std::uint64_t reconnects = 0;
  LatencyHistogram<PlainCounter> latency;

  void add(const ConnectionCounters& of) {
    // In this order: a request that completes in between must not count as minus one in flight.
    const std::uint64_t completed = of.completed.get();
    const std::uint64_t taken = of.taken.get();
    inFlight += taken > completed ? taken - completed : 0;
    hits += of.hits.get();
    misses += of.misses.get();
    batches += of.batches.get();
    batched += of.batched.get();
    coalesced += of.coalesced.get();
    const std::uint64_t connects = of.connects.get();
    reconnects += connects > 0 ? connects - 1 : 0;
    latency.add(of.latency);
  }
};

}  // namespace lmc
