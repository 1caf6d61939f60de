import { inEveryProtocol, secondsLeft } from '../support/clients';
import { uniqueKey } from '../support/unique-keys';

inEveryProtocol(({ server, connect }) => {
  it('getAndTouch', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'value', 1000);
    expect(await mc.getAndTouch(key, 50)).toBe('value');
    const left = await secondsLeft(server(), key);
    expect(left).toBeLessThanOrEqual(50);
    expect(left).toBeGreaterThan(40);
    expect(await mc.getAndTouch(uniqueKey(), 50)).toBeUndefined();
    expect(await mc.getAndTouch(uniqueKey(), 50, 'default')).toBe('default');
    await expect(mc.getAndTouch(key, -1)).rejects.toThrow(RangeError);
    await expect(mc.getAndTouch('a b'.repeat(100), 1)).rejects.toMatchObject({ name: 'BadKeyProvided' });
  });
});
