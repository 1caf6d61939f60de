import { Meter } from './meter.mjs';
import { WrongData } from './check.mjs';

/** A closed loop: `inFlight` loops, each of which starts its next operation when the last one is answered. */
export async function closed({ operation, inFlight }, { warmup, seconds }) {
  const counter = { next: 0 };
  await run(operation, inFlight, warmup, counter, new Meter());
  const meter = new Meter();
  await run(operation, inFlight, seconds, counter, meter);
  return meter.result();
}

async function run(operation, inFlight, seconds, counter, meter) {
  do {
    await operation.refill?.();
    const end = operation.refill ? counter.next + operation.supply : Infinity;
    const deadline = performance.now() + (seconds - meter.seconds) * 1000;
    meter.start();
    await Promise.all(Array.from({ length: inFlight }, () => loop(operation, counter, end, deadline, meter)));
    meter.stop();
  } while (meter.seconds < seconds);
}

async function loop(operation, counter, end, deadline, meter) {
  let started = performance.now();
  while (started < deadline && counter.next < end) {
    const n = counter.next++;
    const result = await operation.start(n);
    if (!operation.right(result, n)) throw new WrongData(`a wrong result within the measurement (operation ${n})`);
    const ended = performance.now();
    meter.latency.record((ended - started) * 1000);
    meter.operations++;
    started = ended;
  }
}
