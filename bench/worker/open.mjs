import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

import { WrongData } from './check.mjs';
import { Meter } from './meter.mjs';

/**
 * An open loop: operations start at random moments, `rate` of them a second, whether or not earlier ones are answered,
 * and latency counts from the moment meant. A client that stalls cannot slow its own load down and so hide the stall.
 *
 * The arrivals need microseconds and Node's timers have milliseconds, so the loop never sleeps. Every client has the
 * same busy loop beside it; CPU time says nothing here and is not reported.
 */
export async function open({ operation, rate }, { warmup, seconds }) {
  // Always the same arrivals.
  const generator = xoroshiro128plus(20_000);
  const random = () => uniformFloat64(generator);
  await run(operation, rate, warmup, random, new Meter());
  const meter = new Meter();
  await run(operation, rate, seconds, random, meter);
  return { ...meter.result(), cpu: null };
}

function run(operation, rate, seconds, random, meter) {
  return new Promise((resolve, reject) => {
    const end = performance.now() + seconds * 1000;
    let intended = performance.now();
    let started = 0;
    let lastSent = false;

    async function one(n, from) {
      const result = await operation.start(n);
      if (!operation.right(result, n)) throw new WrongData(`a wrong result within the measurement (operation ${n})`);
      meter.latency.record((performance.now() - from) * 1000);
      meter.operations++;
      if (lastSent && meter.operations === started) finish();
    }

    function pump() {
      const now = performance.now();
      while (intended <= now && intended < end) {
        one(started++, intended).catch(reject);
        intended += (-Math.log(1 - random()) * 1000) / rate;
      }
      if (intended < end) return setImmediate(pump);
      lastSent = true;
      if (meter.operations === started) finish();
    }

    function finish() {
      meter.stop();
      resolve();
    }

    meter.start();
    pump();
  });
}
