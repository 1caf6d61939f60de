/**
 * A client that is fast and wrong is not fast. Before a workload is measured, everything that it relies on is looked at
 * closely: a WrongData disqualifies the client.
 */
export class WrongData extends Error {}

const MOST_READ = 1000;

export async function check(adapter, { operation, inFlight = 1, keys: perCall }, data) {
  await checkGets(adapter, data, Math.min(inFlight, 100));
  await (checks[operation] ?? (() => {}))(adapter, data, perCall);
}

async function checkGets(adapter, { keys, values }, inFlight) {
  same(adapter.value(await adapter.get('bench:missing')), undefined, 'get of a missing key');
  let next = 0;
  const loops = Array.from({ length: inFlight }, async () => {
    while (next < Math.min(keys.length, MOST_READ)) {
      const at = next++;
      same(adapter.value(await adapter.get(keys[at])), values[at], `get of ${keys[at]}`);
    }
  });
  await Promise.all(loops);
}

const checks = {
  async incr(adapter) {
    await adapter.set('bench:check:incr', '41');
    same(adapter.number(await adapter.incr('bench:check:incr')), 42, 'incr of 41');
  },

  async add(adapter) {
    same(adapter.ok(await adapter.add('bench:check:add', 'first')), true, 'add of a new key');
    // Some clients say false, some reject: what counts is that the value stayed.
    await adapter.add('bench:check:add', 'second').catch(() => {});
    same(String(adapter.value(await adapter.get('bench:check:add'))), 'first', 'get after a second add');
  },

  async touch(adapter) {
    await adapter.set('bench:check:touch', 'value');
    same(adapter.ok(await adapter.touch('bench:check:touch')), true, 'touch');
  },

  async delete(adapter) {
    await adapter.set('bench:check:delete', 'value');
    same(adapter.ok(await adapter.delete('bench:check:delete')), true, 'delete');
    same(adapter.value(await adapter.get('bench:check:delete')), undefined, 'get after delete');
  },

  async getMulti(adapter, { keys, values }, perCall) {
    const asked = [...keys.slice(0, perCall), 'bench:missing'];
    const result = await adapter.getMulti(asked);
    asked.forEach((key, at) => {
      const wanted = at < perCall ? values[at] : undefined;
      same(adapter.entry(result, key, at), wanted, `${key} of a getMulti`);
    });
  },

  async setMulti(adapter, { keys, values }, perCall) {
    // Each value under the next key, so that it shows that something was stored; then back.
    const moved = keys.slice(0, perCall).map((key, at) => [key, values[at + 1]]);
    same(adapter.allOk(await adapter.setMulti(moved)), true, 'setMulti');
    for (const [key, value] of moved)
      same(adapter.value(await adapter.get(key)), value, `get of ${key} after setMulti`);
  },
};

function same(got, wanted, what) {
  if (got === wanted) return;
  if (Buffer.isBuffer(got) && Buffer.isBuffer(wanted) && got.equals(wanted)) return;
  throw new WrongData(`${what}: ${show(got)} instead of ${show(wanted)}`);
}

function show(value) {
  if (typeof value === 'string') return value.length > 40 ? `"${value.slice(0, 40)}…" (${value.length})` : `"${value}"`;
  if (Buffer.isBuffer(value)) return `Buffer ${value.toString('hex', 0, 16)}… (${value.length})`;
  return String(value);
}
