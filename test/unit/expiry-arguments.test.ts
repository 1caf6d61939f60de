import { toExpiry } from '../../lib/options/expiry';

const thirtyDays = 2_592_000;
const now = 1_750_000_000;

beforeAll(() => jest.useFakeTimers({ now: now * 1000 + 600 }));
afterAll(() => jest.useRealTimers());

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
    [new Date(now * 1000), now],
    [new Date(now * 1000 + 1), now + 1],
    [new Date((2 ** 31 - 1) * 1000), 2 ** 31 - 1],
    // Gone already, and neither "never" nor a duration.
    [new Date(0), thirtyDays + 1],
    [new Date(-1000), thirtyDays + 1],
    [new Date(thirtyDays * 1000), thirtyDays + 1],
  ])('%p is sent as %d', (time, sent) => {
    expect(toExpiry(time as never)).toBe(sent);
  });

  it.each([-1, -0.1, 0.1, 0.999, NaN, -Infinity, Infinity, 2 ** 31, 1e300, Number.MAX_SAFE_INTEGER])(
    '%p is out of range',
    (time) => {
      expect(() => toExpiry(time)).toThrow(RangeError);
      expect(() => toExpiry(time)).toThrow(String(time));
    },
  );

  it('dates that are invalid or beyond 2038 are out of range', () => {
    expect(() => toExpiry(new Date(NaN))).toThrow(RangeError);
    expect(() => toExpiry(new Date(2 ** 31 * 1000))).toThrow(RangeError);
  });

  it.each(['1', null, 1n, true, {}, []])('%p is of the wrong type', (time) => {
    expect(() => toExpiry(time as never)).toThrow(TypeError);
  });
});
