import { Histogram } from './histogram.mjs';

/** Adds up what is measured, over one stretch or several (a workload may pause to prepare the next). */
export class Meter {
  operations = 0;
  seconds = 0;
  cpu = 0; // µs, of all threads of this process
  latency = new Histogram();

  start() {
    this.startedCpu = process.cpuUsage();
    this.startedAt = performance.now();
  }

  stop() {
    this.seconds += (performance.now() - this.startedAt) / 1000;
    const { user, system } = process.cpuUsage(this.startedCpu);
    this.cpu += user + system;
  }

  result() {
    return {
      operations: this.operations,
      seconds: this.seconds,
      rate: this.operations / this.seconds,
      p50: this.latency.percentile(0.5),
      p99: this.latency.percentile(0.99),
      cpu: this.cpu / this.operations,
    };
  }
}
