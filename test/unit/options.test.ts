import { Client, codecs, type ClientOptions } from '../../lib/index';

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});
const make = (options?: unknown): Client => {
  const client = new Client('127.0.0.1:1', options as ClientOptions);
  clients.push(client);
  return client;
};

it.each<[ClientOptions | undefined]>([
  [undefined],
  [{}],
  [{ binary: true }],
  [{ binary: false }],
  [{ username: 'alice', password: 'secret' }],
  [{ username: 'alice', password: '', binary: true }],
  [{ behaviors: {} }],
  [{ codec: codecs.raw }],
  [{ codec: { serialize: () => ['', 0], deserialize: () => 1 } }],
  [{ maxInflated: 1 }],
  [{ maxInflated: 2 ** 30 }],
  [{ timeout: 0.5 }],
  [{ timeout: 2 ** 31 - 1 }],
  [{ maxPending: 1 }],
])('accepted: %p', (options) => {
  expect(make(options)).toBeInstanceOf(Client);
});

it.each<[unknown, new () => Error, RegExp]>([
  [null, TypeError, /options.*null/],
  [5, TypeError, /options.*number/],
  [{ binery: true }, TypeError, /"binery".*binary/],
  [{ binary: 'yes' }, TypeError, /binary.*"yes"/],
  [{ binary: 'auto' }, TypeError, /binary must be true or false, not "auto"/],
  [{ binary: 1 }, TypeError, /binary.*number/],
  [{ binary: null }, TypeError, /binary.*null/],
  [{ username: 'a b', password: 'secret', binary: false }, TypeError, /username.*space/],
  [{ username: 'alice' }, TypeError, /password/],
  [{ codec: null }, TypeError, /codec/],
  [{ codec: {} }, TypeError, /codec.*serialize.*deserialize/],
  [{ codec: { serialize: () => ['', 0] } }, TypeError, /codec/],
  [{ codec: { serialize: 1, deserialize: 2 } }, TypeError, /codec/],
  [{ connections: 1 }, TypeError, /"connections".*maxInflated/],
  [{ maxInflated: 0 }, RangeError, /maxInflated.*0/],
  [{ maxInflated: 1.5 }, RangeError, /maxInflated.*1\.5/],
  [{ maxInflated: 2 ** 30 + 1 }, RangeError, /maxInflated.*1073741825/],
  [{ maxInflated: '1' }, TypeError, /maxInflated.*string/],
  [{ timeout: 0 }, RangeError, /timeout.*0/],
  [{ timeout: -1 }, RangeError, /timeout.*-1/],
  [{ timeout: NaN }, RangeError, /timeout.*NaN/],
  [{ timeout: '1' }, TypeError, /timeout.*string/],
  [{ maxPending: 0 }, RangeError, /maxPending.*0/],
  [{ maxPending: Infinity }, RangeError, /maxPending.*Infinity/],
  [{ maxPending: null }, TypeError, /maxPending.*null/],
  [{ behaviors: { nonsense: true } }, TypeError, /nonsense/],
])('refused at once, and named: %p', (options, type, message) => {
  let error: unknown;
  try {
    make(options);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(type);
  expect((error as Error).message).toMatch(message);
});

it('are copied', () => {
  const options: ClientOptions = { behaviors: { namespace: 'a:' } };
  const mc = make(options);
  (options.behaviors as { namespace: string }).namespace = 'b:';
  options.timeout = -1;
  const copy = mc.clone();
  clients.push(copy);
  expect(copy.behaviors.namespace).toBe('a:');
});
