/** The results of `version`, `stats` and their kind, in the forms of memcached 2.2.2. */

export interface StatusData {
  server?: string | undefined;
  [key: string]: string | boolean | number | undefined;
}

export interface VersionData extends StatusData {
  version: string;
  major: string;
  minor: string;
  bugfix: string;
}

type Groups = Record<string, unknown>;

export function versionData(server: string, text: string): VersionData {
  const [version, major, minor, bugfix] = /(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [text];
  return { server, version, major: major ?? '0', minor: minor ?? '0', bugfix: bugfix ?? '0' };
}

/** Statistics as an object; of slabs and items an object for each slab. No statistics: nothing, not even the server. */
export function statistics(type: string, server: string, stats: Readonly<Record<string, string>>): Groups {
  const entries = Object.entries(stats);
  if (entries.length === 0) return {};
  const result: Groups = { server };
  for (const [name, text] of entries) {
    const value = numberOrWord(text);
    const parts = name.split(':');
    if (type === 'stats slabs') put(result, parts[0], parts[1], value);
    else if (type === 'stats items') put(result, parts[1], parts[2], value);
    else result[name] = value;
  }
  return result;
}

/** What has no slab is in a group, too, under the name `undefined`. */
function put(result: Groups, group: string | undefined, name: string | undefined, value: unknown): void {
  const members = (result[String(group)] ??= {}) as Groups;
  members[String(name)] = value;
}

/** memcached reads no further than the first blank. */
function numberOrWord(text: string): number | string {
  const word = text.split(' ', 1)[0] ?? '';
  return /^\d+$/.test(word) ? Number(word) : word;
}
