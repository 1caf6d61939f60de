/** @type {import('next').NextConfig} */
export default {
  serverExternalPackages: ['libmemcached'],
  output: 'standalone',
  outputFileTracingRoot: import.meta.dirname, // and not the folder above with a lock file
};
