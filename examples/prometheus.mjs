/**
 * mc.metrics() for Prometheus, with prom-client: a service that counts its visits, and exports metrics at /metrics.
 *
 *     MEMCACHED_SERVERS=127.0.0.1:11211 PORT=3000 node examples/prometheus.mjs
 */

import { createServer } from 'node:http';
import { Client } from 'libmemcached';
import { Counter, Gauge, Registry } from 'prom-client';

const mc = new Client((process.env.MEMCACHED_SERVERS ?? '127.0.0.1:11211').split(','), { failSoft: true });
const registry = new Registry();

/** The client keeps the numbers; they are copied when Prometheus scrapes. */
function expose(Metric, name, help, labelNames, read) {
  const metric = new Metric({
    name: `memcached_client_${name}`,
    help,
    labelNames: ['server', ...labelNames],
    registers: [registry],
    collect() {
      this.reset();
      for (const server of mc.metrics().servers) {
        for (const [labels, value] of read(server))
          metric[Metric === Gauge ? 'set' : 'inc']({ server: server.server, ...labels }, value);
      }
    },
  });
}

const labelled = (label, counts) => Object.entries(counts).map(([name, count]) => [{ [label]: name }, count]);
const states = ['up', 'down', 'probing', 'dead'];

expose(Counter, 'operations_total', 'Operations that were called.', ['operation'], (server) =>
  labelled('operation', server.operationsByName),
);
expose(Counter, 'errors_total', 'Operations that failed.', ['error'], (server) =>
  labelled('error', server.errorsByKind),
);
expose(Counter, 'hits_total', 'Reads that found a value.', [], ({ hits }) => [[{}, hits]]);
expose(Counter, 'misses_total', 'Reads that found nothing.', [], ({ misses }) => [[{}, misses]]);
expose(Counter, 'batches_total', 'Groups of requests that were encoded together.', [], ({ batches }) => [
  [{}, batches],
]);
expose(Counter, 'batched_total', 'Requests in them.', [], ({ batches, meanBatchSize }) => [
  [{}, Math.round(batches * meanBatchSize)],
]);
expose(Counter, 'coalesced_total', 'Reads that shared the request of another.', [], ({ coalesced }) => [
  [{}, coalesced],
]);
expose(Counter, 'reconnects_total', 'Connections that were made again.', [], ({ reconnects }) => [[{}, reconnects]]);
expose(Counter, 'received_bytes_total', 'Bytes from the server.', [], ({ bytesReceived }) => [[{}, bytesReceived]]);
expose(Counter, 'sent_bytes_total', 'Bytes to the server.', [], ({ bytesSent }) => [[{}, bytesSent]]);
expose(Gauge, 'queue_depth', 'Operations that wait.', [], ({ queueDepth }) => [[{}, queueDepth]]);
expose(Gauge, 'in_flight', 'Operations that are being worked on.', [], ({ inFlight }) => [[{}, inFlight]]);
expose(Gauge, 'state', '1 for the state that the server is in.', ['state'], ({ state }) =>
  states.map((each) => [{ state: each }, each === state ? 1 : 0]),
);

/** prom-client's own Histogram takes single observations; the client's has its buckets filled already. */
const bounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, Infinity];
const name = 'memcached_client_latency_seconds';
registry.registerMetric({
  name,
  get: () => ({
    name,
    help: 'From the call to the answer.',
    type: 'histogram',
    aggregator: 'sum',
    values: mc.metrics().servers.flatMap(({ server, latency }) => [
      ...bounds.map((bound) => ({
        metricName: `${name}_bucket`,
        labels: { server, le: bound === Infinity ? '+Inf' : String(bound) },
        value: latency.countAtMost(bound),
      })),
      { metricName: `${name}_sum`, labels: { server }, value: latency.sum },
      { metricName: `${name}_count`, labels: { server }, value: latency.count },
    ]),
  }),
});

await mc.add('visits', 0);
const service = createServer((request, response) => {
  const answer = async () => {
    if (request.url !== '/metrics') return `visit no. ${await mc.incr('visits')}\n`;
    response.setHeader('Content-Type', registry.contentType);
    return registry.metrics();
  };
  answer().then(
    (text) => response.end(text),
    (error) => response.writeHead(503).end(`${error.message}\n`),
  );
});
service.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening on http://localhost:${service.address().port}`);
});
