// Random input to the whole public interface, in short: `npm run random-input` is the long form, of ten minutes.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { sanitizerEnvironment } from '../support/sanitizers';

const seed = String(process.env.SEED ?? 20260101);

it(`ends without a crash, a hang, an unhandled rejection or a lost slot (SEED=${seed})`, async () => {
  const script = join(__dirname, '../../scripts/random-input.mjs');
  const child = spawn(process.execPath, [script, '--seconds', '4', '--seed', seed], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...sanitizerEnvironment },
  });
  const ended = new Promise((resolve) =>
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    }),
  );
  const [stdout, stderr, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  expect({ ...(end as object), stdout, stderr }).toEqual({
    code: 0,
    signal: null,
    stdout: expect.stringMatching(/^ *\d+ {2}resolved$[^]* no findings\n$/m),
    stderr: '',
  });
}, 60_000);
