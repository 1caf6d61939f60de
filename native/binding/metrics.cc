#include "binding/metrics.h"

namespace lmc {

namespace {

Napi::Float64Array metricsOfServer(Napi::Env env, const Cluster& cluster, std::size_t server) {
  const Connection& connection = cluster.connectionOf(server);
  const ServerCounters counts = connection.counters();
  const Cluster::OperationCounts& operations = cluster.operationsOf(server);
  const std::uint64_t first[] = {static_cast<std::uint64_t>(cluster.stateOf(server)),
                                 connection.waiting(),
                                 connection.awaited(),
                                 counts.hits,
                                 counts.misses,
                                 counts.batches,
                                 counts.batched,
                                 counts.coalesced,
                                 counts.connects > 0 ? counts.connects - 1 : 0,
                                 counts.bytesReceived,
                                 counts.bytesSent,
                                 counts.latency.sumNs(),
                                 counts.latency.maxNs()};
  Napi::Float64Array numbers =
      Napi::Float64Array::New(env, std::size(first) + operations.size() + LatencyBuckets::kBuckets);
  double* next = numbers.Data();
  for (const std::uint64_t number : first) *next++ = static_cast<double>(number);
  for (const std::uint64_t number : operations) *next++ = static_cast<double>(number);
  for (std::size_t index = 0; index < LatencyBuckets::kBuckets; ++index)
    *next++ = static_cast<double>(counts.latency.bucket(index));
  return numbers;
}

}  // namespace

Napi::Array metricsOf(Napi::Env env, const Cluster& cluster) {
  Napi::Array servers = Napi::Array::New(env, cluster.size());
  for (std::uint32_t index = 0; index < cluster.size(); ++index)
    servers.Set(index, metricsOfServer(env, cluster, index));
  return servers;
}

Napi::Array latencyBounds(Napi::Env env) {
  constexpr auto kBounds = LatencyBuckets::bounds();
  Napi::Array array = Napi::Array::New(env, kBounds.size());
  for (std::uint32_t index = 0; index < kBounds.size(); ++index) array.Set(index, static_cast<double>(kBounds[index]));
  return array;
}

}  // namespace lmc
