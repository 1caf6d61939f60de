// Makes a machine ready to build, test and demonstrate this package: system packages, node modules, the build.
// Does only what is missing, says what it does, and is silent when there is nothing to do.
//
//   node scripts/setup.mjs          what npm test and npm run demo need
//   node scripts/setup.mjs --lint   and what npm run lint needs
//   node scripts/setup.mjs --fuzz   and what npm run fuzz needs
//   node scripts/setup.mjs --cross  and what making and trying linux-arm64 on another machine needs
//
// It runs before `npm ci`: nothing but Node's own modules may be imported here.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isStale } from './stale.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const PACKAGES = [
  // to build the addon and its unit tests
  ...['build-essential', 'python3', 'pkg-config', 'cmake', 'doctest-dev'],
  ...['libmemcached-dev', 'libsasl2-dev', 'libssl-dev', 'zlib1g-dev', 'libboost-context-dev'],
  // to test it: servers, SASL's password files and mechanisms, a proxy, pylibmc
  ...['memcached', 'sasl2-bin', 'libsasl2-modules', 'nutcracker', 'python3-pylibmc'],
  // to make prebuilt binaries, and to install them in a bare Debian
  ...['patchelf', 'debootstrap', 'debian-archive-keyring'],
  ...(process.argv.includes('--lint') ? ['clang-format-19'] : []),
  ...(process.argv.includes('--fuzz') ? ['clang-14', 'libclang-rt-14-dev'] : []),
  ...(process.argv.includes('--cross') ? ['g++-aarch64-linux-gnu', 'qemu-user-static'] : []),
];

/** Other clients: where a package does not exist, the tests with it are skipped, and say so. */
const OTHER_CLIENTS = [
  ['php-cli', 'php-memcached'],
  ['ruby', 'ruby-dalli'],
];

/** For machines without apt, where the rest is up to the reader: the same, as far as it exists there. */
const ELSEWHERE = [
  [
    'dnf',
    'dnf install gcc-c++ make python3 pkgconf cmake doctest-devel libmemcached-awesome-devel cyrus-sasl-devel openssl-devel zlib-devel boost-devel boost-static memcached cyrus-sasl cyrus-sasl-plain',
  ],
  [
    'apk',
    'apk add build-base python3 pkgconf cmake doctest-dev libmemcached-dev cyrus-sasl-dev openssl-dev zlib-dev boost-dev boost-static memcached cyrus-sasl',
  ],
];

function stop(...lines) {
  console.error(lines.join('\n'));
  process.exit(1);
}

function has(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}

function missingOf(packages) {
  // It fails for a package that it has never heard of, but still prints the others.
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...packages], {
    encoding: 'utf8',
  });
  const installed = new Set(
    stdout.split('\n').flatMap((line) => (/ installed$/.test(line) ? [line.split(' ')[0]] : [])),
  );
  return packages.filter((name) => !installed.has(name));
}

function aptGet(...args) {
  const result = spawnSync('apt-get', ['-qq', ...args], {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
}

function installSystemPackages() {
  if (!has('dpkg-query') || !has('apt-get')) {
    // Not Debian's kind. What the build needs is checked below; the tests say which server they miss.
    if (has('memcached') && has('cmake') && has('pkg-config')) return;
    const [, line] = ELSEWHERE.find(([command]) => has(command)) ?? [];
    stop(
      'Some system packages are missing. Install them, then run this again:',
      ...(line ? [`  ${line}`] : ELSEWHERE.map(([, each]) => `  ${each}`)),
    );
  }
  const missing = missingPackages();
  if (missing.length === 0) return;
  if (process.getuid() !== 0) {
    stop(
      'Some system packages are missing. Install them, then run this again:',
      `  sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`,
    );
  }
  // A fresh machine has no package lists; an older one may have lists that name versions which are gone.
  if (hasPackageLists() && install(missing).ok) return;
  console.log('Updating the package lists');
  const update = aptGet('update');
  if (!update.ok) stop(update.output, 'apt-get update failed.');
  const result = install(missingPackages());
  if (!result.ok) stop(result.output, 'apt-get install failed.');
}

function missingPackages() {
  const clients = OTHER_CLIENTS.filter((packages) => {
    const isThere = missingOf(packages).every((name) => !hasPackageLists() || exists(name));
    if (!isThere) console.log(`No such packages here, the tests with them will be skipped: ${packages.join(' ')}`);
    return isThere;
  });
  return missingOf([...PACKAGES, ...clients.flat()]);
}

function install(packages) {
  console.log(`Installing system packages: ${packages.join(' ')}`);
  return aptGet('install', '-y', '--no-install-recommends', ...packages);
}

/** Whether apt knows a version of it that can be installed. */
function exists(name) {
  const { stdout } = spawnSync('apt-cache', ['policy', name], { encoding: 'utf8' });
  return /Candidate: (?!\(none\))/.test(stdout ?? '');
}

function hasPackageLists() {
  const folder = '/var/lib/apt/lists';
  return existsSync(folder) && readdirSync(folder).some((name) => name.includes('_Packages'));
}

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) stop(`${[command, ...args].join(' ')} failed${error ? `: ${error.message}` : ''}.`);
}

function installNodeModules() {
  if (!isStale('node_modules/.package-lock.json', ['package-lock.json'])) return;
  console.log('Installing node modules');
  // No dependency of ours needs its install script, so none is run.
  run('npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error');
}

installSystemPackages();
installNodeModules();
run(process.execPath, 'scripts/build-native.mjs');
run(process.execPath, 'scripts/build-ts.mjs');
