// The latency histogram's arithmetic.

import { Latency } from '../../lib/observability/metrics';
import { native } from '../../lib/addon/addon';

/** From so many operations at each bound, in seconds. */
function latency(counts: Record<number, number>, max: number): Latency {
  const bounds = [...native.latencyBounds.map((bound) => bound / 1e9), Infinity];
  for (const bound of Object.keys(counts)) expect(bounds).toContain(Number(bound));
  return new Latency(
    0,
    max,
    bounds.map((bound) => counts[bound] ?? 0),
  );
}

test("the bounds are round numbers, Prometheus' and OpenTelemetry's defaults among them", () => {
  const bounds = native.latencyBounds.map((bound) => bound / 1e9);
  expect(bounds[0]).toBe(0.000001);
  expect(bounds.at(-1)).toBe(100);
  expect(bounds).toHaveLength(129);
  expect(bounds).toEqual([...new Set(bounds)].sort((a, b) => a - b));
  expect(bounds).toEqual(
    expect.arrayContaining([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]),
  );
});

test('percentiles lie in the bucket, and never above the maximum', () => {
  const some = latency({ 0.001: 90, 0.01: 9, Infinity: 1 }, 120);
  expect(some.count).toBe(100);
  expect(some.p50).toBeGreaterThan(0.0009);
  expect(some.p50).toBeLessThanOrEqual(0.001);
  expect(some.p90).toBeCloseTo(0.001, 10);
  expect(some.p99).toBeCloseTo(0.01, 10);
  expect(some.percentile(100)).toBe(120);
  expect(latency({ 0.01: 1 }, 0.0095).percentile(100)).toBe(0.0095);
  expect(latency({}, 0).percentile(50)).toBe(0);
  expect(() => some.percentile(101)).toThrow(RangeError);
});

test('how many took at most so long', () => {
  const some = latency({ 0.001: 90, 0.01: 9, Infinity: 1 }, 120);
  expect([0, 0.0009, 0.001, 0.005, 0.01, 100, Infinity].map((bound) => some.countAtMost(bound))).toEqual([
    0, 0, 90, 90, 99, 99, 100,
  ]);
});
