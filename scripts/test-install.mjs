// Proves that `npm install libmemcached` works where there is nothing but node and npm: packs this package, makes a bare
// Debian in a temporary folder (debootstrap), installs the package there without running any install script, and uses
// it from CommonJS, an ES module and TypeScript, against servers that run outside. Then a second tree, without a
// fitting binary, must show how to help oneself. Prints the time that loading takes, and the package's size.
//
//   node scripts/test-install.mjs            as root; needs debootstrap
//     --build                                and follow the message's commands in the second tree (minutes)
//     --suite=bookworm --mirror=http://…     another Debian, another mirror
//     --keep                                 leave the trees where they are, and say where

import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startMemcached } from './soak/server.mjs';
import { Tree } from './test-install/tree.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const { values: options } = parseArgs({
  options: {
    build: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    suite: { type: 'string', default: 'bookworm' },
    mirror: { type: 'string', default: 'http://deb.debian.org/debian' },
  },
});

const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const PROJECT = '/root/project';
const USER = 'alice';
const PASSWORD = 'correct horse';
const started = performance.now();

function say(text) {
  console.log(`[${((performance.now() - started) / 1000).toFixed(0).padStart(3)} s] ${text}`);
}

function check(condition, text) {
  if (!condition) throw new Error(text);
}

function requirements() {
  check(process.platform === 'linux' && process.getuid() === 0, 'It needs root on Linux: for chroot and debootstrap.');
  for (const [command, name] of Object.entries({ debootstrap: 'debootstrap', unshare: 'util-linux' })) {
    check(spawnSync('which', [command]).status === 0, `${command} is missing: apt-get install ${name}`);
  }
}

function npm(...args) {
  return execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

function pack(folder) {
  for (const script of ['build-ts', 'prebuild']) {
    execFileSync(process.execPath, [`scripts/${script}.mjs`], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  // npm says it in a list up to npm 11, in an object by name from npm 12.
  const [{ filename, size, unpackedSize, entryCount }] = Object.values(
    JSON.parse(npm('pack', '--json', '--ignore-scripts', '--pack-destination', folder)),
  );
  const mb = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
  say(`The package: ${mb(size)}, unpacked ${mb(unpackedSize)}, ${entryCount} files`);
  return filename;
}

async function startServers(folder) {
  writeFileSync(
    join(folder, 'memcached.conf'),
    `mech_list: plain\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ${folder}/sasldb\n`,
  );
  execFileSync('saslpasswd2', ['-p', '-c', '-a', 'memcached', '-f', `${folder}/sasldb`, USER], { input: PASSWORD });
  const plain = [await startMemcached(), await startMemcached()];
  const sasl = await startMemcached(['-S'], { SASL_CONF_PATH: folder });
  return {
    SERVERS: plain.map(({ address }) => address).join(),
    SASL_SERVER: sasl.address,
    SASL_USER: USER,
    SASL_PASSWORD: PASSWORD,
    stop: () => Promise.all([...plain, sasl].map((server) => server.stop())),
  };
}

async function install(tree, folder, tarball) {
  copyFileSync(join(folder, tarball), join(tree.path, 'root', tarball));
  cpSync('test/install', join(tree.path, PROJECT), { recursive: true });
  tree.file(`${PROJECT}/package.json`, JSON.stringify({ name: 'project', version: '1.0.0', private: true }));
  const output = await tree.must(`npm install --ignore-scripts /root/${tarball}`, { cwd: PROJECT });
  say(`npm install --ignore-scripts: ${output.trim().split('\n').join(' · ')}`);
  check(!/install.scripts/i.test(output), 'npm speaks of install scripts; there must be none.');
}

async function use(tree, env) {
  const tools = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`);
  await tree.must(`npm install --ignore-scripts --save-dev ${tools.join(' ')}`, { cwd: PROJECT });
  await tree.must('npx tsc -p .', { cwd: PROJECT });
  for (const script of ['consumer.cjs', 'consumer.mjs', 'out/consumer.js']) {
    const output = await tree.must(`node ${script}`, { cwd: PROJECT, env });
    check(/^ok: /m.test(output), `${script} did not say ok:\n${output}`);
    say(`${script}: ${output.trim()}`);
  }
  const get = await tree.must('npx libmemcached --json get cjs', {
    cwd: PROJECT,
    env: { MEMCACHED_SERVERS: env.SERVERS },
  });
  check(JSON.parse(get).value?.from === 'CommonJS', `npx libmemcached get did not print a value:\n${get}`);
  say(`npx libmemcached --json get cjs: ${get.trim()}`);
  const loaded = await tree.must(
    `node -e "require('libmemcached'); console.log(require('fs').readFileSync('/proc/self/maps', 'utf8'))"`,
    { cwd: PROJECT },
  );
  const libraries = new Set(loaded.match(/\/\S+(\.so\S*|\.node)$/gm));
  const foreign = [...libraries].filter((name) => !name.includes('/libmemcached/prebuilds/'));
  say(`From the system: ${foreign.map((name) => name.split('/').pop()).join(', ')}`);
  check(libraries.size > foreign.length, 'The addon that was loaded is not the prebuilt one.');
  check(
    foreign.every((name) =>
      /\/(ld-|libc\.|libm\.|libdl\.|libpthread\.|librt\.|libstdc\+\+\.|libgcc_s\.|libatomic\.)/.test(name),
    ),
    'It uses libraries of the system that node itself does not need.',
  );
}

async function measureLoading(tree) {
  const script = "const t = performance.now(); require('libmemcached'); console.log(performance.now() - t)";
  const times = [];
  for (let run = 0; run < 7; run++) times.push(Number(await tree.must(`node -e "${script}"`, { cwd: PROJECT })));
  const [first] = times;
  times.sort((a, b) => a - b);
  say(`Loading takes ${times[3].toFixed(1)} ms (the median of 7; the first time ${first.toFixed(1)} ms)`);
}

/** As on a machine for which there is no binary. */
async function withoutBinary(tree) {
  const { arch } = process;
  const folder = join(tree.path, PROJECT, 'node_modules/libmemcached/prebuilds');
  renameSync(join(folder, `linux-${arch}`), join(folder, arch === 'arm64' ? 'linux-x64' : 'linux-arm64'));
  let message;
  for (const [face, script] of [
    ['require', `node -e "require('libmemcached')"`],
    ['import', `node --input-type=module -e "import 'libmemcached'"`],
  ]) {
    const { status, output } = await tree.run(script, { cwd: PROJECT });
    check(status !== 0, `${face} worked without a binary.`);
    message = /^Error: libmemcached: [^]*?in the README\.$/m.exec(output)?.[0] ?? '';
    for (const part of [`linux-${arch}`, 'glibc', process.versions.node, 'apt-get install', 'npx node-gyp']) {
      check(message.includes(part), `The message of ${face} does not mention ${part}:\n${output}`);
    }
  }
  say(`Without a fitting binary:\n${message.replace(/^/gm, '    ')}`);
  return message;
}

async function followTheMessage(tree, message, env) {
  tree.addHeaders();
  const commands = message.match(/^ {2}(apt-get|npx) .*$/gm).map((line) => line.trim());
  await tree.must('apt-get update');
  for (const command of commands) {
    say(command);
    await tree.must(command, { cwd: PROJECT, env: { npm_config_yes: 'true' } });
  }
  say(`What was built there: ${(await tree.must('node consumer.cjs', { cwd: PROJECT, env })).trim()}`);
}

requirements();
const folder = mkdtempSync(join(tmpdir(), 'libmemcached-install-'));
const trees = [];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.prependListener(signal, cleanUp);

function cleanUp() {
  if (options.keep) return void console.log(`Kept: ${folder}`);
  for (const tree of trees.splice(0)) tree.remove();
  rmSync(folder, { recursive: true, force: true });
}

let servers;
try {
  const tarball = pack(folder);
  const tree = new Tree(join(folder, 'tree'));
  trees.push(tree);
  say(`debootstrap ${options.suite}`);
  // The official binary of Node 26 needs a library more than Debian's base system has.
  const include = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).includes('libatomic')
    ? ['libatomic1']
    : [];
  await tree.bootstrap({ ...options, include, cache: join(process.cwd(), '.cache/debootstrap') });
  // npm's folder, from the npm that is on the PATH.
  const npmFolder = join(dirname(realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim())), '..');
  tree.addNode({ npm: npmFolder, registry: npm('config', 'get', 'registry') });
  say(`Node ${process.versions.node}, npm ${(await tree.must('npm --version')).trim()}`);
  await install(tree, folder, tarball);
  const second = tree.clone(join(folder, 'second'));
  trees.push(second);

  const { stop, ...env } = await startServers(folder);
  servers = { stop };
  await use(tree, env);
  await measureLoading(tree);
  const message = await withoutBinary(second);
  if (options.build) await followTheMessage(second, message, env);
  say('Everything holds.');
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
} finally {
  await servers?.stop();
  cleanUp();
}
