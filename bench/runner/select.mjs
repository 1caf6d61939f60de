/** From rows of data (workloads.mjs) to the workloads of one run. */

const expanding = ['values', 'servers', 'inFlight'];

/** A row with lists becomes one workload for each item. */
export function expand(rows) {
  return rows.flatMap((row) => {
    let workloads = [{ kind: 'closed', size: 100, compare: 'rate', ...row, group: row.name }];
    for (const field of expanding) {
      workloads = workloads.flatMap((workload) => {
        const list = workload[field];
        if (!Array.isArray(list)) return [workload];
        return list.map((item) => ({ ...workload, [field]: item, name: `${workload.name}-${item}` }));
      });
    }
    return workloads.map((workload) => ({ values: 'string', servers: 1, ...workload }));
  });
}

/** `quick`, `chart` and `overview` are true, or say for which numbers in flight. */
export function flagged(workload, flag) {
  const value = workload[flag];
  return Array.isArray(value) ? value.includes(workload.inFlight) : value === true;
}

/** Shell patterns: * and ?. No pattern at all matches everything. */
export function matcher(patterns = []) {
  const expressions = patterns.map((pattern) => {
    const escaped = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${escaped}$`);
  });
  return (name) => expressions.length === 0 || expressions.some((expression) => expression.test(name));
}

/** A workload in words. */
export function describe({ kind, operation, keys, size, values, servers, inFlight, rate, operations, cpu, tls }) {
  if (kind === 'memory') return 'memory of a connected client';
  if (kind === 'flat') return `memory over ${operations.toLocaleString('en')} operations`;
  const parts = [operation === 'mix' ? '90 % get, 10 % set' : operation];
  if (keys) parts[0] += ` of ${keys.toLocaleString('en')} keys`;
  if (size !== 100) parts.push(`${bytes(size)} ${values === 'buffer' ? 'Buffers' : 'strings'}`);
  if (tls) parts.push('TLS');
  if (servers > 1) parts.push(`${servers} servers`);
  parts.push(rate ? `${rate.toLocaleString('en')} a second, Poisson` : `${inFlight.toLocaleString('en')} in flight`);
  if (cpu !== undefined) parts.push('all on one processor');
  return parts.join(', ');
}

function bytes(size) {
  return size >= 1_000_000 ? `${size / 1_000_000} MB` : `${size / 1000} KB`;
}
