import * as lib from '../../lib/index';

it('says what it is', () => {
  expect(lib.version).toMatch(/^\d+\.\d+\.\d+/);
  expect(lib.libmemcachedVersion).toMatch(/^1\.\d+/);
  expect([lib.supportSasl, lib.supportCompression]).toEqual([true, true]);
  for (const part of [lib.version, lib.libmemcachedVersion, process.versions.node, process.platform])
    expect(lib.buildInfo()).toContain(part);
  expect(lib.buildInfo()).not.toContain('\n');
});

it('lists hashers and distributions', () => {
  const hashers = ['default', 'md5', 'crc', 'fnv1_64', 'fnv1a_64', 'fnv1_32', 'fnv1a_32', 'murmur', 'jenkins'];
  expect(Object.keys(lib.hashers)).toEqual(expect.arrayContaining(hashers));
  expect(Object.keys(lib.distributions)).toEqual(expect.arrayContaining(['modula', 'consistent', 'consistent ketama']));
  expect([Object.isFrozen(lib.hashers), Object.isFrozen(lib.distributions)]).toEqual([true, true]);
  for (const hash of Object.keys(lib.hashers)) {
    const mc = new lib.Client('localhost', { behaviors: { hash: hash as lib.Hasher } });
    expect(mc.behaviors.hash).toBe(hash);
    mc.destroy();
  }
  for (const distribution of Object.keys(lib.distributions)) {
    const mc = new lib.Client('localhost');
    mc.behaviors.distribution = distribution as lib.Distribution;
    expect(mc.behaviors.distribution).toBe(distribution);
    mc.destroy();
  }
});
