// libhashkit needs OpenSSL's libcrypto (5 MB) for the AES of memcached_set_encoding_key(), which nothing here calls, and
// does not load without it. In its place comes a library that has the same functions, and they all answer "failed".

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export function isCrypto(library) {
  return /^libcrypto\.so/.test(library);
}

/** The functions that `files` want of it: name → version, which is empty on Alpine. */
function wanted(files) {
  const functions = new Map();
  for (const file of files) {
    const symbols = execFileSync('readelf', ['--dyn-syms', '--wide', file], { encoding: 'utf8' });
    for (const [, name, version = ''] of symbols.matchAll(/ UND (\w+)(?:@+(OPENSSL_\S+))?/g)) {
      if (version !== '' || /^(EVP|OPENSSL|CRYPTO)_/.test(name)) functions.set(name, version);
    }
  }
  return functions;
}

export function makeStandIn({ target, users, toolchain }) {
  const functions = wanted(users);
  const folder = mkdtempSync(join(tmpdir(), 'libmemcached-crypto-'));
  try {
    const [source, script] = ['stand-in.c', 'versions.map'].map((name) => join(folder, name));
    writeFileSync(source, [...functions.keys()].map((name) => `void *${name}(void) { return 0; }\n`).join(''));
    const versions = [...new Set(functions.values())].filter((version) => version !== '');
    const members = (version) => [...functions].flatMap(([name, of]) => (of === version ? [`${name};`] : [])).join(' ');
    writeFileSync(script, versions.map((version) => `${version} { ${members(version)} };\n`).join(''));
    execFileSync(
      toolchain.compiler,
      [
        ...['-x', 'c', '-O2', '-fPIC', '-shared', '-nostdlib', source, '-o', target],
        '-Wl,--strip-all',
        `-Wl,-soname,${basename(target)}`,
        ...(versions.length > 0 ? [`-Wl,--version-script,${script}`] : []),
      ],
      { stdio: 'inherit' },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
