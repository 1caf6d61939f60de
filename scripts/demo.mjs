// Shows what the client does, against a real memcached that it starts itself and stops again.

import { SingleBar } from 'cli-progress';
import { inspect } from 'node:util';
import { Client, buildInfo } from 'libmemcached';
import { startMemcached } from './soak/server.mjs';

const COUNT = 100_000;

function show(code, result) {
  console.log(`  ${code.padEnd(56)} → ${inspect(result, { breakLength: Infinity })}`);
}

async function objects(mc) {
  console.log('\nObjects');
  const user = { name: 'Ada', languages: ['de', 'en'], address: null };
  show("await mc.set('user:1', user, { time: 300 })", await mc.set('user:1', user, { time: 300 }));
  show("await mc.get('user:1')", await mc.get('user:1'));
  show("await mc.get('user:2')", await mc.get('user:2'));
  show("await mc.add('user:1', 'somebody else')", await mc.add('user:1', 'somebody else'));
}

async function counters(mc) {
  console.log('\nCounters');
  await mc.set('visits', 0);
  await Promise.all(Array.from({ length: 1000 }, () => mc.incr('visits')));
  show("1,000 × mc.incr('visits'), all at once; then get", await mc.get('visits'));
  show("await mc.decr('visits', 400)", await mc.decr('visits', 400));
}

async function addToCart(mc, item) {
  for (let attempt = 1; ; attempt++) {
    const [cart, token] = await mc.gets('cart');
    if (await mc.cas('cart', [...cart, item], token)) return attempt;
  }
}

async function optimisticUpdates(mc) {
  console.log('\nUpdates that nobody overwrites (gets, cas)');
  await mc.set('cart', []);
  const attempts = await Promise.all(['apple', 'pear', 'plum'].map((item) => addToCart(mc, item)));
  show('attempts of three writers at the same time', attempts);
  show("await mc.get('cart')", (await mc.get('cart')).sort());
}

async function many(mc) {
  console.log('\nMany keys');
  const prices = { apple: 1.2, pear: 1.5, plum: 2 };
  show('await mc.setMulti(prices, …): keys that failed', await mc.setMulti(prices, { keyPrefix: '€:' }));
  const found = await mc.getMulti(['apple', 'plum', 'kiwi'], { keyPrefix: '€:' });
  show("await mc.getMulti(['apple', 'plum', 'kiwi'], …)", found);
  show("await mc.deleteMulti(['apple', 'pear'], …)", await mc.deleteMulti(['apple', 'pear'], { keyPrefix: '€:' }));
}

/** COUNT operations at once: each is a call and a promise of its own. */
async function batch(what, call) {
  // Draws nothing where there is no terminal.
  const bar = new SingleBar({
    format: `  ${what} {bar} {value} of {total}`,
    formatValue: (value) => value.toLocaleString('en'),
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream: process.stdout,
    fps: 50,
  });
  bar.start(COUNT, 0);
  let done = 0;
  const started = performance.now();
  const results = await Promise.all(
    Array.from({ length: COUNT }, async (_, index) => {
      const result = await call(index);
      if (++done % 1000 === 0) bar.update(done);
      return result;
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  bar.stop();
  const rate = Math.round(COUNT / seconds).toLocaleString('en');
  console.log(`  ${COUNT.toLocaleString('en')} × ${what} in ${seconds.toFixed(2)} s: ${rate} a second`);
  return results;
}

async function batches(mc) {
  console.log('\nOperations all at once, each with a promise of its own');
  const value = (index) => `value ${index} `.padEnd(100, '.');
  await batch('mc.set', (index) => mc.set(`key:${index}`, value(index)));
  const values = await batch('mc.get', (index) => mc.get(`key:${index}`));
  const wrong = values.filter((read, index) => read !== value(index)).length;
  console.log(wrong === 0 ? '  Every value is the one that was stored.' : `  ${wrong} values are WRONG.`);
  if (wrong > 0) process.exitCode = 1;
}

console.log(buildInfo());
const server = await startMemcached(['-m', '256']);
console.log(`A memcached of our own: ${server.address}, process ${server.pid}`);
try {
  // A generous timeout: a busy machine should not spoil the show.
  const mc = new Client(server.address, { timeout: 10_000 });
  await objects(mc);
  await counters(mc);
  await optimisticUpdates(mc);
  await many(mc);
  await batches(mc);
  await mc.close();
} finally {
  await server.stop();
  console.log('\nThe memcached is stopped; nothing is left behind.');
}
