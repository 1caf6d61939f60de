// Where a bundled library came from: the package of the system that it belongs to, its version and its licence.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const KNOWN = JSON.parse(readFileSync('deps/bundled.json', 'utf8'));

const run = (command, ...args) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

function osRelease() {
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (name) => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), version: field('VERSION_ID') };
}

function fromDebian(path) {
  // dpkg knows files by the name under which they were packed, which may be without /usr.
  const owner = [path, path.replace(/^\/usr/, '')]
    .map((name) => {
      try {
        return run('dpkg-query', '-S', name);
      } catch {
        return undefined;
      }
    })
    .find(Boolean);
  const name = owner?.split(':')[0];
  if (!name) throw new Error(`No package owns ${path}.`);
  const field = (what) => run('dpkg-query', '-W', '-f', `\${${what}}\\n`, name).split('\n')[0];
  const { id, version: release } = osRelease();
  const version = field('Version');
  const arch = field('Architecture');
  return { name, version, purl: `pkg:deb/${id}/${name}@${encode(version)}?arch=${arch}&distro=${id}-${release}` };
}

function fromAlpine(path) {
  // "… is owned by libsasl-2.1.28-r8"
  const owner = run('apk', 'info', '--who-owns', path).split(' ').pop();
  const [, name, version] = /^(.*)-(\d[^-]*-r\d+)$/.exec(owner) ?? [];
  if (!name) throw new Error(`No package owns ${path}.`);
  const { id, version: release } = osRelease();
  return { name, version, purl: `pkg:apk/${id}/${name}@${encode(version)}?distro=${id}-${release}` };
}

function encode(version) {
  return encodeURIComponent(version);
}

function packageOf(path) {
  return existsSync('/etc/alpine-release') ? fromAlpine(path) : fromDebian(path);
}

/** An entry of bundled.json. `version` is upstream's, as far as the package's tells. */
export function describe({ source, file, sha256 }) {
  const library = basename(source).split(/\.\d|\.so|\.a$/)[0];
  const known = KNOWN[library];
  if (!known) throw new Error(`${source} would be bundled, but deps/bundled.json has no licence for ${library}.`);
  if (!existsSync(join('deps/licenses', known.text))) throw new Error(`deps/licenses/${known.text} is missing.`);
  const origin = packageOf(source);
  return {
    name: known.component,
    // Without Debian's epoch and revision, its "+dfsg" or "+ds1", and Alpine's "-r0".
    version: origin.version
      .replace(/^\d+:/, '')
      .replace(/(\+|\.)(dfsg|ds\d).*$/, '')
      .replace(/-[^-]*$/, ''),
    license: known.license,
    licenseText: `deps/licenses/${known.text}`,
    file,
    sha256,
    package: origin.purl,
  };
}
