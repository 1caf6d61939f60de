import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LIMIT = 300_000;
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A command line that runs on the given processor; on any, if none is given. */
export const onCpu = (cpu, command, args) =>
  cpu === undefined ? [command, args] : ['taskset', ['-c', String(cpu), command, ...args]];

/** Runs one measurement in a process of its own; resolves to its JSON, or to { error }. */
export function measure(command, args, cpu) {
  return new Promise((resolve) => {
    const child = spawn(...onCpu(cpu, command, args), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    running.add(child);
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT);
    child.on('error', ({ message }) => resolve({ error: message }));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      const lastLine = out.trimEnd().split('\n').at(-1);
      try {
        resolve(JSON.parse(lastLine));
      } catch {
        // 13 is Node's: nothing left to wait for, though something was awaited.
        const reason = code === 13 ? 'an operation was never answered' : err.trim().split('\n').at(-1) || 'no answer';
        resolve({ error: signal ? `ended by ${signal}` : `exit code ${code}: ${reason}` });
      }
    });
  });
}

const worker = fileURLToPath(new URL('../worker.mjs', import.meta.url));

export function measureClient(task) {
  return measure(process.execPath, ['--no-warnings', worker, JSON.stringify(task)], task.workload.cpu);
}
