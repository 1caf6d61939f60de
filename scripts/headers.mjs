// Node's headers for the Node that runs this, where they are installed: node-gyp need not download them then.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The prefix under which they are, for node-gyp's `nodedir`; undefined if only other versions' are there, or none. */
export function headers() {
  if (process.env.npm_config_nodedir) return process.env.npm_config_nodedir;
  return [join(dirname(process.execPath), '..'), '/usr'].find((prefix) => {
    const config = join(prefix, 'include/node/node_version.h');
    if (!existsSync(config)) return false;
    const text = readFileSync(config, 'utf8');
    const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1];
    return `v${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}` === process.version;
  });
}
