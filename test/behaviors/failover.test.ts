// retry_timeout, dead_timeout, remove_failed, auto_eject, failure_limit, set at run time: they govern the next failure.
// (Given at once: test/failover/ejection.test.ts.)

import type { Behaviors } from '../../lib/index';
import { sleep, timed, until, useClients, useFreshServers } from '../support/failover-clusters';
import { uniqueKey } from '../support/unique-keys';

const connect = useClients();
const servers = useFreshServers(2);

/** A client, and a key of the first server. */
function start(behaviors: Partial<Behaviors>) {
  const mc = connect(servers(), { timeout: 1000, behaviors });
  const [victim, other] = servers();
  if (victim === undefined || other === undefined) throw new Error('two servers');
  const keys = Array.from({ length: 100 }, () => uniqueKey());
  const key = keys.find((each) => mc.serverFor(each) === victim.address) ?? '';
  const state = () => mc.explain(key).serverState;
  const fail = async () => {
    const { outcome } = await timed(mc.set(key, 1));
    expect(outcome).toBe('ConnectionError');
    await until(() => state() !== 'probing');
  };
  return { mc, key, victim, other, state, fail };
}

it('retry_timeout', async () => {
  const { mc, key, victim, fail } = start({ retry_timeout: 60 });
  await victim.kill();
  await fail();
  expect((await timed(mc.set(key, 1))).outcome).toBe('ServerDown');
  await mc.disconnectAll();
  mc.behaviors.retry_timeout = 0;
  for (let failures = 0; failures < 3; ++failures) await fail(); // tried each time
  mc.behaviors.retry_timeout = 1;
  await fail();
  expect((await timed(mc.set(key, 1))).outcome).toBe('ServerDown');
  await sleep(1050);
  await fail();
});

it.each<[Partial<Behaviors>, failures: number]>([
  [{ remove_failed: 1 }, 1],
  [{ remove_failed: 3 }, 3],
  [{ auto_eject: true, failure_limit: 2 }, 2],
  [{ auto_eject: true, failure_limit: 9, remove_failed: 2 }, 2], // remove_failed is the one that counts
])('%j', async (behaviors, failures) => {
  const { mc, key, victim, other, state, fail } = start({ ketama: true, retry_timeout: 0 });
  await victim.kill();
  for (let failure = 0; failure < 4; ++failure) await fail();
  expect([state(), mc.serverFor(key)]).toEqual(['down', victim.address]); // never removed
  await mc.disconnectAll();
  mc.setBehaviors({ ...behaviors, dead_timeout: 60 });
  for (let failure = 1; failure <= failures; ++failure) {
    expect(state()).not.toBe('dead');
    await fail();
  }
  expect(state()).toBe('dead');
  expect(await mc.set(key, 'elsewhere')).toBe(true); // taken out with the next operation
  expect(mc.serverFor(key)).toBe(other.address);
});

it('dead_timeout', async () => {
  const { mc, key, victim, other, fail } = start({ ketama: true, remove_failed: 1, retry_timeout: 60 });
  mc.behaviors.dead_timeout = 1;
  await victim.kill();
  await fail();
  await mc.set(key, 'elsewhere');
  expect(mc.serverFor(key)).toBe(other.address);
  await victim.restart();
  await until(async () => {
    await mc.get(key);
    return mc.serverFor(key) === victim.address;
  });
});

it('remove_failed taken back: its keys are its own again', async () => {
  const { mc, key, victim, other, fail } = start({
    ketama: true,
    remove_failed: 1,
    retry_timeout: 0,
    dead_timeout: 60,
  });
  await victim.kill();
  await fail();
  await mc.set(key, 'elsewhere');
  expect(mc.serverFor(key)).toBe(other.address);
  mc.behaviors.remove_failed = 0;
  await victim.restart();
  await mc.disconnectAll();
  await timed(mc.get(key));
  expect(mc.serverFor(key)).toBe(victim.address);
  expect(await mc.set(key, 'home')).toBe(true);
});
