// What the sanitizers wrote, one file for each process: which of it is about our addon.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is loaded with us, or is us. */
const OURS = /memcached_binding\.node|libmemcached|libhashkit|libsasl/;
/** Node itself, and code that it compiled. */
const NODE = /\(\/\S*\/node\+0x|<unknown module>/;
const FRAME = /^\s*#\d+ /;

/**
 * A leak is ours if our code comes before Node's, going up from the allocation. (V8 frees nothing when a process exits, and
 * has the frames of everybody's callers in its stacks: suppressions by name would hide ours.)
 */
function isOurLeak(record) {
  for (const line of record.split('\n').filter((line) => FRAME.test(line))) {
    if (OURS.test(line)) return true;
    if (NODE.test(line)) return false;
  }
  return false;
}

function findingsIn(report) {
  if (!report.includes('LeakSanitizer: detected memory leaks')) return report.trim() === '' ? [] : [report];
  return report.split('\n\n').filter((record) => /^(Direct|Indirect) leak of/.test(record) && isOurLeak(record));
}

/** The findings in the folder that `log_path` names. */
export function findings(folder) {
  return readdirSync(folder)
    .flatMap((name) => findingsIn(readFileSync(join(folder, name), 'utf8')))
    .filter((finding, index, all) => all.indexOf(finding) === index);
}
