import { later, toExpiry } from '../../lib/options/expiry';

const thirtyDays = 2_592_000;
const now = 1_750_000_000;

jest.mock('../../lib/timing', () => ({
  ...jest.requireActual<object>('../../lib/timing'),
  wallClock: () => now * 1000 + 600,
}));

describe('toExpiry', () => {
  it.each<[unknown, number]>([
    [undefined, 0],
    [0, 0],
    [-0, 0],
    [1, 1],
    [1.9, 1],
    [thirtyDays, thirtyDays],
    [thirtyDays + 0.5, thirtyDays],
    [thirtyDays + 1, now + thirtyDays + 1],
    [365 * 86_400, now + 365 * 86_400],
    [now, now],
    [now - 100, now - 100],
    [now + 100, now + 100],
    [2 ** 31 - 1, 2 ** 31 - 1],
    // Beyond what can be said: as long as possible.
    ...[2 ** 31, 1e300, Infinity, Number.MAX_SAFE_INTEGER, 700_000_000].map((time): [number, number] => [
      time,
      2 ** 31 - 1,
    ]),
    [new Date(now * 1000), now],
    [new Date(now * 1000 + 1), now + 1],
    [new Date((2 ** 31 - 1) * 1000), 2 ** 31 - 1],
    [new Date(2 ** 31 * 1000), 2 ** 31 - 1],
    [new Date(8.64e15), 2 ** 31 - 1],
    // Gone already, and neither "never" nor a duration.
    [new Date(0), thirtyDays + 1],
    [new Date(-1000), thirtyDays + 1],
    [new Date(thirtyDays * 1000), thirtyDays + 1],
  ])('%p is sent as %d', (time, sent) => {
    expect(toExpiry(time as never)).toBe(sent);
  });

  it.each([-1, -0.1, 0.1, 0.999, NaN, -Infinity])('%p is out of range', (time) => {
    expect(() => toExpiry(time)).toThrow(RangeError);
    expect(() => toExpiry(time)).toThrow(String(time));
  });

  it('dates that are invalid are out of range', () => {
    expect(() => toExpiry(new Date(NaN))).toThrow(RangeError);
  });

  it.each(['1', null, 1n, true, {}, []])('%p is of the wrong type', (time) => {
    expect(() => toExpiry(time as never)).toThrow(TypeError);
  });
});

it.each<[number | Date, number, number]>([
  [10, 5, 15],
  [thirtyDays, 10, now + thirtyDays + 10],
  [20 * 365 * 86_400, 20 * 365 * 86_400, 2 ** 31 - 1],
  [now + 5, 10, now + 15],
  [new Date(now * 1000), 10, now + 10],
  [new Date(8.64e15), 10, 2 ** 31 - 1],
  [1, Infinity, 2 ** 31 - 1],
])('%p and %d seconds more are sent as %d', (time, seconds, sent) => {
  expect(toExpiry(later(time, seconds))).toBe(sent);
});
