// Checks the C++ sources: their format (clang-format) and the layer rule. `--fix` formats them.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

/** Pinned: another version formats differently. */
const CLANG_FORMAT = 'clang-format-19';

const NODE = '(napi|node_api|js_native_api|uv|v8)\\.h|node/|uv/';
const LIBMEMCACHED = 'libmemcached|libhashkit|sasl/';
/** What a layer must not include: the layers above it, and the libraries that only other layers may use. */
const FORBIDDEN = {
  'native/core/': new RegExp(`^(transport/|memcached/|binding/|${NODE}|${LIBMEMCACHED}|zlib\\.h|boost/|sys/)`),
  'native/transport/': new RegExp(`^(memcached/|binding/|${NODE}|${LIBMEMCACHED}|zlib\\.h)`),
  'native/memcached/': new RegExp(`^(binding/|${NODE}|boost/)`),
  'native/binding/': new RegExp(`^(${LIBMEMCACHED}|zlib\\.h|boost/)`),
};

const sources = ['native', 'test/native', 'test/fuzz']
  .filter((folder) => existsSync(folder))
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name)))
  .filter((name) => /\.(cc|h)$/.test(name));

function checkLayers() {
  const wrong = [];
  for (const file of sources) {
    const forbidden = Object.entries(FORBIDDEN).find(([folder]) => file.startsWith(folder))?.[1];
    if (!forbidden) continue;
    readFileSync(file, 'utf8')
      .split('\n')
      .forEach((line, index) => {
        // From `#include "../memcached/x.h"` as well as from `"memcached/x.h"`.
        const included = /^\s*#\s*include\s*["<](?:\.\.?\/)*([^">]+)/.exec(line)?.[1];
        if (included && forbidden.test(included))
          wrong.push(`${file}:${index + 1}: this layer must not include ${included}`);
      });
  }
  if (wrong.length > 0) {
    console.error(wrong.join('\n'));
    process.exitCode = 1;
  }
}

function checkFormat(mode) {
  const { status, error } = spawnSync(CLANG_FORMAT, [...mode, ...sources], { stdio: 'inherit' });
  if (error) {
    console.error(`${CLANG_FORMAT} is not installed; node scripts/setup.mjs --lint installs it.`);
    process.exitCode = 1;
  } else if (status !== 0) {
    process.exitCode = 1;
  }
}

if (sources.length > 0) {
  checkLayers();
  checkFormat(process.argv.includes('--fix') ? ['-i'] : ['--dry-run', '-Werror']);
}
