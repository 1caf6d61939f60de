/**
 * The clients in the order of the tables. `package` is where the version comes from; ours is the repository itself. Colours
 * are readable on white and on black.
 */
export const clients = [
  { name: 'libmemcached', title: 'libmemcached', short: 'libmemcached', ours: true, colour: '#1666c0' },
  { name: 'libmemcached-binary', title: 'libmemcached (binary)', short: 'binary', ours: true, colour: '#5ba3e6' },
  { name: 'memjs', title: 'memjs', package: 'memjs', colour: '#e08e2b' },
  { name: 'memcached', title: 'memcached', package: 'memcached', colour: '#8c959f' },
  { name: 'memcache-client', title: 'memcache-client', package: 'memcache-client', colour: '#5f9e6e' },
  { name: 'memcache', title: 'memcache', package: 'memcache', colour: '#b0648f' },
];

export const clientNamed = (name) => clients.find((client) => client.name === name);

/** Imported on demand: a worker must load one client only. */
export async function loadAdapter(name) {
  const { default: adapterClass } = await import(`./${name}.mjs`);
  return adapterClass;
}
