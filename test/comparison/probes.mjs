// What docs/comparison.md says that clients can do: each probe tries one thing against real servers, and returns what stands in the
// table. One that throws, or does not end in time, is a no.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const yes = (holds) => (holds ? 'yes' : 'no');
const settles = (promise) => promise.then(() => true, () => true); // prettier-ignore
const fails = (promise) => promise.then(() => false, () => true); // prettier-ignore
const within = (promise, milliseconds) => Promise.race([promise, sleep(milliseconds, false, { ref: false })]);
/** Some clients hand out Buffers only. */
const equals = (value, expected) => String(value) === String(expected);

async function roundTrip(client, key = randomUUID(), value = 'value') {
  await client.connect?.();
  await client.set(key, value);
  return equals(await client.get(key), value);
}

async function untilWorks(client, milliseconds) {
  for (const end = Date.now() + milliseconds; Date.now() < end; await sleep(50))
    if (
      await within(
        roundTrip(client).catch(() => false),
        1000,
      )
    )
      return true;
  return false;
}

/** Has the test do something with its servers. */
const ask = (command, ...args) =>
  new Promise((resolve) => {
    process.once('message', ({ answer }) => resolve(answer));
    process.send({ command, args });
  });

const operations = {
  'many keys in one read': async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    const keys = Array.from({ length: 20 }, () => randomUUID());
    for (const key of keys) await client.set(key, key);
    const found = await client.getMany(keys);
    return yes(keys.every((key) => equals(found[key], key)));
  },
  'many keys in one write': async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    const values = Object.fromEntries(Array.from({ length: 20 }, () => [randomUUID(), 'value']));
    await client.setMany(values);
    return yes(equals(await client.get(Object.keys(values)[19]), 'value'));
  },
  'check and set': async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    await client.set('changed', 'old');
    await client.change('changed', 'new');
    return yes(equals(await client.get('changed'), 'new'));
  },
  prepend: async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    await client.set('greeting', 'world');
    await client.prepend('greeting', 'hello ');
    return yes(equals(await client.get('greeting'), 'hello world'));
  },
  touch: async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    await client.set('touched', 'value');
    await client.touch('touched', 1);
    await sleep(2500);
    const value = await client.get('touched');
    return yes(value === undefined);
  },
  'get and touch': async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    await client.set('got', 'value');
    return yes(equals(await client.getAndTouch('got', 100), 'value'));
  },
  'counters beyond 2<sup>53</sup>': async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    await client.set('large', '9007199254740993');
    return yes(equals(await client.incr('large', 2), '9007199254740995'));
  },
  'counters with a first value': async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    return yes(Number(await client.incrFrom(randomUUID(), 1, 7)) === 7);
  },
  'cancelling with an `AbortSignal`': async ({ open, servers }) =>
    yes(await fails(open({ servers: [servers.one] }).cancel('key'))),
};

const values = {
  'come back as they were': async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    const kept = [];
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    for (const [what, value] of Object.entries({
      strings: 'Grüße',
      numbers: 1.5,
      Buffers: bytes,
      objects: { a: [1] },
    })) {
      const isKept = async () => {
        await client.set('kept', value);
        const found = await client.get('kept');
        return Buffer.isBuffer(value) ? Buffer.isBuffer(found) && found.equals(value) : JSON.stringify(found) === JSON.stringify(value); // prettier-ignore
      };
      if (
        await within(
          isKept().catch(() => false),
          1000,
        )
      )
        kept.push(what);
    }
    return kept.join(', ');
  },
  'can be compressed': async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    await client.setCompressed('compressed', 'x'.repeat(10_000));
    const [, size] = (await ask('raw', 'one', 'mg compressed s')).split(' s');
    return yes(Number(size) < 1000);
  },
};

const keys = {
  'with a line break inject no command': async ({ open, servers }) => {
    const client = open({ servers: [servers.one] });
    const key = `injected-${randomUUID()}`;
    await within(settles(client.get(`a\r\nset ${key} 0 0 1\r\n1`)), 1000);
    await sleep(100);
    return yes((await ask('raw', 'one', `mg ${key}`)) === 'EN');
  },
  'with spaces work': async ({ open, servers }) => {
    const isKept = async (binary) => roundTrip(open({ servers: [servers.one], binary }), 'with a space');
    return yes(
      (await within(
        isKept(undefined).catch(() => false),
        1000,
      )) || (await isKept(true)),
    );
  },
};

const connections = {
  TLS: async ({ open, servers, authority }) => {
    const verifies = await within(fails(roundTrip(open({ servers: [servers.tls], tls: {}, timeout: 1000 }))), 3000);
    return yes(verifies && (await roundTrip(open({ servers: [servers.tls], tls: { ca: authority } }))));
  },
  'SASL (`memcached -S`)': async ({ open, servers, credentials }) =>
    yes(await roundTrip(open({ servers: [servers.sasl], ...credentials }))),
  'text authentication (`memcached -Y`)': async ({ open, servers, credentials }) =>
    yes(await roundTrip(open({ servers: [servers.textAuthentication], binary: false, ...credentials }))),
  'Unix sockets': async ({ open, servers }) => yes(await roundTrip(open({ servers: [servers.unix] }))),
  IPv6: async ({ open, servers }) => yes(await roundTrip(open({ servers: [servers.tcp6] }))),
};

const clusters = {
  'keys are distributed over the servers': async ({ open, cluster }) => {
    const client = open({ servers: cluster });
    const names = Array.from({ length: 60 }, () => randomUUID());
    for (const name of names) await client.set(name, 'value');
    const counts = [];
    for (const place of [0, 1, 2]) counts.push(Number((await ask('count', place)).trim()));
    return yes(counts.every((count) => count > 0) && counts.reduce((sum, count) => sum + count) === 60);
  },
  'on the servers where pylibmc and PHP look (ketama)': async ({ open, cluster }) => {
    const client = open({ servers: cluster });
    const names = Array.from({ length: 30 }, () => randomUUID());
    for (const name of names) await client.set(name, 'value');
    return yes(await ask('arePlaced', names));
  },
  'servers are changed while it runs': async ({ open, cluster }) => {
    const client = open({ servers: cluster.slice(0, 1) });
    await client.connect?.();
    await client.changeServers(cluster.slice(1, 2));
    const key = randomUUID();
    await client.set(key, 'value');
    return yes((await ask('raw', 1, `mg ${key}`)) === 'HD');
  },
  'discovery of ElastiCache’s nodes': async ({ open, discovery, cluster }) => {
    const client = open({ discovery, servers: cluster.slice(0, 1) });
    if (!client.discovers) return 'no';
    await client.connect?.();
    const key = randomUUID();
    await client.set(key, 'value');
    const answers = [];
    for (const place of [0, 1, 2]) answers.push(await ask('raw', place, `mg ${key}`));
    return yes(answers.filter((answer) => answer === 'HD').length === 1);
  },
};

const failures = {
  'an operation on a server that hangs ends in time': async ({ open, servers }) => {
    const client = open({ servers: [servers.hanging], timeout: 500 });
    await roundTrip(client);
    await ask('suspend');
    const isSettled = await within(settles(client.get('key')), 2000);
    await ask('resume');
    return yes(isSettled);
  },
  '… and it works when the server is back': async ({ open, servers }) => {
    const client = open({ servers: [servers.hanging], timeout: 500, fails: true });
    await roundTrip(client);
    await ask('suspend');
    await within(settles(client.get('key')), 2000);
    await ask('resume');
    return yes(await untilWorks(client, 5000));
  },
  'all operations end when the server does': async ({ open, servers }) => {
    const client = open({ servers: [servers.dying], timeout: 2000 });
    await roundTrip(client);
    await ask('suspendDying');
    const reads = Array.from({ length: 20 }, () => settles(client.get('key')));
    await sleep(100);
    await ask('restart');
    return yes(await within(Promise.all(reads), 4000));
  },
  '… and it works when the server has started again': async ({ open, servers }) => {
    const client = open({ servers: [servers.dying], fails: true });
    await roundTrip(client);
    await ask('restart');
    return yes(await untilWorks(client, 5000));
  },
  'the remaining servers take over': async ({ open, cluster }) => {
    const client = open({ servers: cluster, fails: true, timeout: 500 });
    const names = Array.from({ length: 20 }, () => randomUUID());
    for (const name of names) await client.set(name, 'value');
    await ask('kill', 2);
    const isKept = (name) =>
      within(
        roundTrip(client, name).catch(() => false),
        1000,
      );
    const areKept = async () => (await Promise.all(names.map(isKept))).every(Boolean);
    for (const end = Date.now() + 5000; Date.now() < end;) if (await areKept()) return 'yes';
    return 'no';
  },
};

export const probes = {
  Operations: operations,
  Values: values,
  Keys: keys,
  Connections: connections,
  Clusters: clusters,
  Failures: failures,
};
