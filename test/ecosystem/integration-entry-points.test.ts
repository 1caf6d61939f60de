// The integrations as users import them: by `import` and by `require`, with one set of classes behind both.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

it.each([
  ['keyv', 'KeyvMemcached'],
  ['express-session', 'MemcachedStore'],
])('libmemcached/%s: %s', (subpath, name) => {
  const program = `
    import { createRequire } from 'node:module';
    import { Client } from 'libmemcached';
    import { ${name} } from 'libmemcached/${subpath}';
    const required = createRequire(import.meta.url)('libmemcached/${subpath}');
    const made = new ${name}('localhost');
    console.log(required.${name} === ${name}, made.client instanceof Client);
  `;
  const args = ['--input-type=module', '--eval', program];
  const options = { cwd: join(__dirname, '..', '..'), env: { PATH: process.env.PATH }, encoding: 'utf8' } as const;
  expect(execFileSync(process.execPath, args, options)).toBe('true true\n');
});

it('libmemcached/next-cache-handler: nextCacheHandler', () => {
  const program = `
    import { createRequire } from 'node:module';
    import { nextCacheHandler } from 'libmemcached/next-cache-handler';
    const required = createRequire(import.meta.url)('libmemcached/next-cache-handler');
    const Handler = nextCacheHandler('localhost');
    console.log(required.nextCacheHandler === nextCacheHandler, typeof new Handler().revalidateTag);
  `;
  const args = ['--input-type=module', '--eval', program];
  const options = { cwd: join(__dirname, '..', '..'), env: { PATH: process.env.PATH }, encoding: 'utf8' } as const;
  expect(execFileSync(process.execPath, args, options)).toBe('true function\n');
});
