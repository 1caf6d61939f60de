import { fileURLToPath } from 'node:url';

/** @type {import('next').NextConfig} */
export default {
  cacheHandler: fileURLToPath(new URL('cache-handler.mjs', import.meta.url)),
  cacheMaxMemorySize: 0, // Next's own cache, in each instance's memory
  serverExternalPackages: ['libmemcached'],
  // Where node_modules are, and not a folder above with a lock file.
  outputFileTracingRoot: fileURLToPath(new URL('..', import.meta.url)),
  turbopack: { root: fileURLToPath(new URL('..', import.meta.url)) },
};
