// Where a bundled library came from: the package of the distribution that it belongs to, its version and its licence.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { archives } from '../debian/root.mjs';

const KNOWN = JSON.parse(readFileSync('deps/bundled.json', 'utf8'));

const run = (command, ...args) =>
  execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 * 1024 * 1024,
  }).trim();

function osRelease(root = '/') {
  // Of an unpacked root, only Debian's base-files has it.
  const file = join(root, 'etc/os-release');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : 'ID=debian\nVERSION_ID="12"\n';
  const field = (name) => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), version: field('VERSION_ID') };
}

/** dpkg knows files by the name under which they were packed, which may be without /usr. */
function namesOf(path) {
  return [path, path.replace(/^\/usr/, '')];
}

/** Its fields, by the installed package that owns it. */
function fromDpkg(path) {
  const owner = namesOf(path)
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
  return (what) => run('dpkg-query', '-W', '-f', `\${${what}}\\n`, name).split('\n')[0];
}

/** The same, by the package files that a root was made of. */
function fromArchives(path, root) {
  const names = namesOf(path).map((name) => ` .${name}\n`);
  const owner = archives(root).find((archive) => {
    const list = `${run('dpkg-deb', '--contents', archive)}\n`;
    return names.some((name) => list.includes(name));
  });
  if (!owner) throw new Error(`No package has ${path}.`);
  return (what) => run('dpkg-deb', '--field', owner, what);
}

function fromDebian(field, root) {
  const { id, version: release } = osRelease(root);
  const [name, version, arch] = ['Package', 'Version', 'Architecture'].map(field);
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

function originOf(source, { root, packedName }) {
  if (root !== undefined) return fromDebian(fromArchives(packedName, root), root);
  return existsSync('/etc/alpine-release') ? fromAlpine(source) : fromDebian(fromDpkg(source));
}

/** An entry of bundled.json. `version` is upstream's, as far as the package's tells. */
export function describe({ source, file, sha256 }, toolchain) {
  if (source === undefined) return { ...standIn(), file, sha256 };
  const library = basename(source).split(/\.\d|\.so|\.a$/)[0];
  const known = KNOWN[library];
  if (!known) throw new Error(`${source} would be bundled, but deps/bundled.json has no licence for ${library}.`);
  if (!existsSync(join('deps/licenses', known.text))) throw new Error(`deps/licenses/${known.text} is missing.`);
  const origin = originOf(source, { root: toolchain.root, packedName: toolchain.packedName(source) });
  return {
    name: known.component,
    // Without Debian's epoch and revision, its "+dfsg" or "+ds1", and Alpine's "-r0".
    version: origin.version
      .replace(/^\d+:/, '')
      .replace(/(\+|\.)(dfsg|ds\d).*$/, '')
      .replace(/-[^-]*$/, ''),
    license: known.license,
    licenseText: `licenses/${known.text}`,
    file,
    sha256,
    package: origin.purl,
  };
}

/** Made here: crypto-stand-in.mjs. */
function standIn() {
  const { version, license } = JSON.parse(readFileSync('package.json', 'utf8'));
  return { name: 'libcrypto-stand-in', version, license, licenseText: 'LICENSE' };
}
