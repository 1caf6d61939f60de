// A process that ends with thousands of operations in flight ends as it was told: no crash, no hang.

import { slowness } from '../support/sanitizers';
import { startSilentServer } from '../support/fake-servers';
import { run, useServer } from '../support/life-cycle-programs';

const server = useServer();
const onPurpose = /Error: (uncaught|unhandled) on purpose/;

const ways: [way: string, code: number][] = [
  ['exit', 3],
  ['exitNextTurn', 3],
  ['exitInAnswer', 3],
  ['exitInExitHandler', 3],
  ['exitWhileClosing', 3],
  ['exitAfterDestroy', 3],
  ['exception', 1],
  ['exceptionInAnswer', 1],
  ['rejection', 1],
  ['abandoned', 3],
];

describe.each([
  ['true', '1'],
  ['true', '8'],
  ['false', '4'],
])('binary: %s, %s clients', (binary, clients) => {
  it.each(ways)('%s: exit code %i', async (way, code) => {
    const ended = await run('deaths', [way, server().address, binary, clients]);
    expect({ code: ended.code, signal: ended.signal }).toEqual({ code, signal: null });
    if (code === 1) expect(ended.stderr).toMatch(onPurpose);
    else expect(ended.stderr).toBe('');
  });

  it('signal: SIGTERM ends it', async () => {
    const ended = await run('deaths', ['signal', server().address, binary, clients]);
    expect({ signal: ended.signal, stderr: ended.stderr }).toEqual({ signal: 'SIGTERM', stderr: '' });
  });
});

describe('while the server is stopped', () => {
  beforeEach(() => {
    server().suspend();
  });
  afterEach(() => {
    server().resume();
  });

  it.each<[string, string, number]>([
    ['exit', 'true', 3],
    ['exit', 'false', 3],
    ['exitWhileClosing', 'true', 3],
    ['exitAfterDestroy', 'false', 3],
    ['exception', 'true', 1],
  ])('%s (binary: %s) does not wait for it', async (way, binary, code) => {
    const ended = await run('deaths', [way, server().address, binary, '2']);
    expect({ code: ended.code, signal: ended.signal }).toEqual({ code, signal: null });
    expect(ended.milliseconds).toBeLessThan(2500 * slowness);
  });
});

it('a server that swallows everything: exit does not wait for it', async () => {
  const silent = await startSilentServer();
  const ended = await run('deaths', ['exit', silent.address, 'true', '16']);
  expect({ code: ended.code, signal: ended.signal, stderr: ended.stderr }).toEqual({
    code: 3,
    signal: null,
    stderr: '',
  });
  expect(ended.milliseconds).toBeLessThan(2500 * slowness);
  await silent.stop();
});
