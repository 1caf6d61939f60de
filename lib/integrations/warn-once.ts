/** Warnings of options that the package which is replaced had, and that have no meaning here. */

const warned = new Set<string>();

/** Once a process for each option. */
export function warnOnce(entryPoint: string, option: string, why: string): void {
  const id = `${entryPoint} ${option}`;
  if (warned.has(id)) return;
  warned.add(id);
  process.emitWarning(`the option ${option} has no effect in ${entryPoint}: ${why}`, {
    code: 'LIBMEMCACHED_OPTION_WITHOUT_EFFECT',
  });
}
