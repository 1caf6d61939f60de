import { inspect } from 'node:util';

import * as lib from '../../lib/index';
import { DeserializationError, MemcachedError } from '../../lib/index';
import { errorForStatus, returnCode } from '../../lib/errors';
import { Outcome, Status } from '../../lib/addon/record-layout';

const names = [
  // pylibmc's
  ...['Failure', 'HostLookupError', 'ConnectionError', 'ConnectionBindError', 'WriteError', 'ReadError'],
  ...['UnknownReadFailure', 'ProtocolError', 'ClientError', 'ServerError', 'SocketCreateError', 'DataExists'],
  ...['DataDoesNotExist', 'NotFound', 'AllocationError', 'SomeErrors', 'NoServers', 'UnixSocketError'],
  ...[
    'NotSupportedError',
    'FetchNotFinished',
    'BadKeyProvided',
    'InvalidHostProtocolError',
    'ServerDead',
    'ServerDown',
  ],
  ...['TooBig', 'UnknownStatKey', 'AuthenticationError', 'TimeoutError'],
  // ours
  ...['CacheMiss', 'Busy', 'ClientClosed'],
];
/** Stable: users compare them. */
const codes: Record<string, string> = {
  Failure: 'ERR_MEMCACHED_FAILURE',
  HostLookupError: 'ERR_MEMCACHED_HOST_LOOKUP',
  ConnectionError: 'ERR_MEMCACHED_CONNECTION',
  ConnectionBindError: 'ERR_MEMCACHED_CONNECTION_BIND',
  WriteError: 'ERR_MEMCACHED_WRITE',
  ReadError: 'ERR_MEMCACHED_READ',
  UnknownReadFailure: 'ERR_MEMCACHED_UNKNOWN_READ_FAILURE',
  ProtocolError: 'ERR_MEMCACHED_PROTOCOL',
  ClientError: 'ERR_MEMCACHED_CLIENT',
  ServerError: 'ERR_MEMCACHED_SERVER',
  SocketCreateError: 'ERR_MEMCACHED_SOCKET_CREATE',
  DataExists: 'ERR_MEMCACHED_DATA_EXISTS',
  DataDoesNotExist: 'ERR_MEMCACHED_DATA_DOES_NOT_EXIST',
  NotFound: 'ERR_MEMCACHED_NOT_FOUND',
  AllocationError: 'ERR_MEMCACHED_ALLOCATION',
  SomeErrors: 'ERR_MEMCACHED_SOME_ERRORS',
  NoServers: 'ERR_MEMCACHED_NO_SERVERS',
  UnixSocketError: 'ERR_MEMCACHED_UNIX_SOCKET',
  NotSupportedError: 'ERR_MEMCACHED_NOT_SUPPORTED',
  FetchNotFinished: 'ERR_MEMCACHED_FETCH_NOT_FINISHED',
  BadKeyProvided: 'ERR_MEMCACHED_BAD_KEY',
  InvalidHostProtocolError: 'ERR_MEMCACHED_INVALID_HOST_PROTOCOL',
  ServerDead: 'ERR_MEMCACHED_SERVER_DEAD',
  ServerDown: 'ERR_MEMCACHED_SERVER_DOWN',
  TooBig: 'ERR_MEMCACHED_TOO_BIG',
  UnknownStatKey: 'ERR_MEMCACHED_UNKNOWN_STAT_KEY',
  AuthenticationError: 'ERR_MEMCACHED_AUTHENTICATION',
  TimeoutError: 'ERR_MEMCACHED_TIMEOUT',
  CacheMiss: 'ERR_MEMCACHED_CACHE_MISS',
  Busy: 'ERR_MEMCACHED_BUSY',
  ClientClosed: 'ERR_MEMCACHED_CLIENT_CLOSED',
};
type ErrorClass = new (message: string, details?: lib.ErrorDetails) => MemcachedError;
const classes = lib as unknown as Record<string, ErrorClass>;

describe.each(names)('%s', (name) => {
  const ErrorType = classes[name] as ErrorClass;

  it('is an error of ours', () => {
    const cause = new Error('cause');
    const details = { retcode: 7, operation: 'get', key: 'key', server: 'localhost:1', cause, outcomeUnknown: true };
    const error = new ErrorType('message', details);
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(MemcachedError);
    expect(error).toBeInstanceOf(ErrorType);
    expect(error).toMatchObject({
      ...details,
      name,
      message: 'message',
      code: codes[name],
    });
    expect(String(error)).toBe(`${name}: message`);
    expect(error.stack).toContain('errors.test.ts');
  });

  it('needs no details', () => {
    const error = new ErrorType('message');
    expect(error).toMatchObject({ retcode: -1, outcomeUnknown: false });
    // Absent, not undefined: errors are printed and logged.
    for (const field of ['operation', 'key', 'server', 'cause', 'name'])
      expect(Object.hasOwn(error, field)).toBe(false);
  });

  it('gives a subclass its name and its code', () => {
    class Subclass extends ErrorType {}
    const error = new Subclass('message');
    expect(error).toBeInstanceOf(ErrorType);
    expect(error).toMatchObject({ name, code: codes[name] });
    expect(inspect(error)).not.toContain('undefined');
  });
});

it('DeserializationError carries data and flags', () => {
  const data = Buffer.from([1]);
  const error = new DeserializationError('message', data, 5, { key: 'key' });
  expect(error).toBeInstanceOf(MemcachedError);
  expect(error).toMatchObject({ name: 'DeserializationError', data, flags: 5, key: 'key' });
  expect(error.code).toBe('ERR_MEMCACHED_DESERIALIZATION');
});

it('every error class of the module is known here', () => {
  const exported = Object.entries(lib)
    .filter(
      ([, value]) =>
        typeof value === 'function' && (value as { prototype?: unknown }).prototype instanceof MemcachedError,
    )
    .map(([name]) => name);
  expect(exported.sort()).toEqual([...names, 'DeserializationError'].sort());
});

describe('statuses become errors', () => {
  const details = { operation: 'get', key: 'a key', server: 'localhost:1' };

  it.each([
    ['FAILURE', 'Failure'],
    ['HOST_LOOKUP_FAILURE', 'HostLookupError'],
    ['CONNECTION_FAILURE', 'ConnectionError'],
    ['CONNECTION_BIND_FAILURE', 'ConnectionBindError'],
    ['WRITE_FAILURE', 'WriteError'],
    ['READ_FAILURE', 'ReadError'],
    ['UNKNOWN_READ_FAILURE', 'UnknownReadFailure'],
    ['PROTOCOL_ERROR', 'ProtocolError'],
    ['CLIENT_ERROR', 'ClientError'],
    ['SERVER_ERROR', 'ServerError'],
    ['DATA_EXISTS', 'DataExists'],
    ['DATA_DOES_NOT_EXIST', 'DataDoesNotExist'],
    ['NOTFOUND', 'NotFound'],
    ['MEMORY_ALLOCATION_FAILURE', 'AllocationError'],
    ['SERVER_MEMORY_ALLOCATION_FAILURE', 'AllocationError'],
    ['SOME_ERRORS', 'SomeErrors'],
    ['NO_SERVERS', 'NoServers'],
    ['FAIL_UNIX_SOCKET', 'UnixSocketError'],
    ['NOT_SUPPORTED', 'NotSupportedError'],
    ['FETCH_NOTFINISHED', 'FetchNotFinished'],
    ['BAD_KEY_PROVIDED', 'BadKeyProvided'],
    ['KEY_TOO_BIG', 'BadKeyProvided'],
    ['INVALID_HOST_PROTOCOL', 'InvalidHostProtocolError'],
    ['SERVER_MARKED_DEAD', 'ServerDead'],
    ['SERVER_TEMPORARILY_DISABLED', 'ServerDown'],
    ['UNKNOWN_STAT_KEY', 'UnknownStatKey'],
    ['E2BIG', 'TooBig'],
    ['TIMEOUT', 'TimeoutError'],
    ['AUTH_PROBLEM', 'AuthenticationError'],
    ['AUTH_FAILURE', 'AuthenticationError'],
    ['AUTH_CONTINUE', 'AuthenticationError'],
  ])('MEMCACHED_%s is %s', (name, expected) => {
    const retcode = returnCode(name);
    expect(retcode).toBeGreaterThan(0);
    const error = errorForStatus(retcode, Outcome.Definite, '', details);
    expect(error).toBeInstanceOf(classes[expected]);
    expect(error).toMatchObject({ name: expected, retcode, ...details, outcomeUnknown: false });
    expect(error.message).toContain('get "a key" on localhost:1: ');
  });

  it.each([
    [Status.Expired, 'TimeoutError', 'TIMEOUT'],
    [Status.Cancelled, 'TimeoutError', 'TIMEOUT'],
    [Status.Closed, 'ClientClosed', undefined],
    [Status.ServerDown, 'ServerDown', 'SERVER_TEMPORARILY_DISABLED'],
    [Status.ServerDead, 'ServerDead', 'SERVER_MARKED_DEAD'],
    [Status.BadTextKey, 'BadKeyProvided', 'BAD_KEY_PROVIDED'],
    [Status.NotInThisProtocol, 'NotSupportedError', 'NOT_SUPPORTED'],
  ])('our own status %d is %s', (status, expected, retcode) => {
    const error = errorForStatus(status, Outcome.NotSent, '', details);
    expect(error).toMatchObject({ name: expected, ...details, outcomeUnknown: false });
    expect(error.retcode).toBe(retcode === undefined ? -1 : returnCode(retcode));
  });

  it('an outcome that is not known is said', () => {
    const error = errorForStatus(returnCode('READ_FAILURE'), Outcome.Unknown, '', { operation: 'set' });
    expect(error.outcomeUnknown).toBe(true);
    expect(error.message).toContain('may or may not have been applied');
  });

  it('an unknown number is a Failure that shows it', () => {
    const error = errorForStatus(9999, Outcome.Definite, '', details);
    expect(error).toMatchObject({ name: 'Failure', retcode: 9999 });
    expect(error.message).toContain('9999');
  });

  it("libmemcached's message is kept, without its addresses", () => {
    const text = '(0x7f0a2c) CONNECTION FAILURE(Connection refused), host: localhost:1 -> src/connect.cc:123';
    const error = errorForStatus(returnCode('CONNECTION_FAILURE'), Outcome.Definite, text, details);
    expect(error.message).toContain('Connection refused');
    expect(error.message).not.toMatch(/0x7f|connect\.cc/);
  });
});
