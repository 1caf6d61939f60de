// macOS: Homebrew's libraries beside the addon, by dylibbundler (`brew install dylibbundler`), which copies them, makes
// their install names relative to the addon and signs them again. Libraries of the system itself (libz, libc++) stay
// where they are.
//
// Nobody has run this yet: it follows the tools' documentation. The workflow that runs it also loads and tests the
// result, so a mistake shows there and not at a user's.

import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' });

export function flavor() {
  return 'macos';
}

export function addonName() {
  return 'libmemcached.node';
}

/** Homebrew's libraries that `file` names, by file name. */
function directNeeds(file) {
  return run('otool', '-L', file)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(' ')[0])
    .filter((path) => path.startsWith('/') && !/^\/(usr\/lib|System)\//.test(path));
}

function needs(file, found = new Map()) {
  for (const path of directNeeds(file)) {
    const name = path.split('/').pop();
    if (found.has(name) || !existsSync(path) || realpathSync(path) === realpathSync(file)) continue;
    found.set(name, realpathSync(path));
    needs(path, found);
  }
  return found;
}

export function bundle({ addon, bundle, flavor }) {
  const libraries = needs(addon);
  const bundled = [...libraries].map(([file, source]) => ({ source, file }));
  const fix = (file) =>
    run(
      'dylibbundler',
      ...['--bundle-deps', '--overwrite-files', '--fix-file', file],
      ...['--dest-dir', bundle, '--install-path', `@loader_path/${flavor}/`],
    );
  fix(addon);
  for (const { file } of bundled) {
    // Among themselves they are neighbours, not in a folder below.
    const copy = join(bundle, file);
    for (const { file: other } of bundled) {
      run('install_name_tool', '-change', `@loader_path/${flavor}/${other}`, `@loader_path/${other}`, copy);
    }
  }
  // The system's own libsasl2 has its plugins; Homebrew's copy needs its own.
  const [, sasl] = [...libraries].find(([name]) => name.startsWith('libsasl2.')) ?? [];
  if (sasl) {
    const plugins = join(dirname(sasl), 'sasl2');
    const plain = readdirSync(plugins).find((name) => /^libplain(\.\d+)?\.(so|dylib)$/.test(name));
    if (!plain) throw new Error(`SASL's PLAIN plugin is missing in ${plugins}`);
    mkdirSync(join(bundle, 'sasl2'));
    const file = `sasl2/${plain}`;
    copyFileSync(join(plugins, plain), join(bundle, file));
    bundled.push({ source: realpathSync(join(plugins, plain)), file });
  }
  // On Apple's processors an unsigned library, and one that was changed since, does not load.
  for (const file of [addon, ...bundled.map(({ file }) => join(bundle, file))]) {
    run('codesign', '--force', '--sign', '-', file);
  }
  return bundled.map(({ source, file }) => ({
    source,
    file,
    sha256: createHash('sha256')
      .update(readFileSync(join(bundle, file)))
      .digest('hex'),
  }));
}

/** What its load command says is the oldest macOS. */
export function floor([addon]) {
  const minimum = /minos ([\d.]+)/.exec(run('otool', '-l', addon))?.[1];
  return [`macOS ${minimum ?? 'unknown'}`];
}
