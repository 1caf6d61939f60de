/** @type {import('next').NextConfig} */
export default { serverExternalPackages: ['libmemcached'], output: 'standalone' };
