/** Numbers as people read them. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 1,234,567 */
export function wholeNumber(value: number): string {
  return grouped.format(value);
}

/** 64.0 MiB */
export function byteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? String(size) : size.toFixed(1)} ${units[unit] as string}`;
}

/** 0 … 1 as 93.1 % */
export function percentage(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}

/** Seconds as 3d 4h, 4h 5m, 5m 6s or 6s. */
export function duration(seconds: number): string {
  const units: [string, number][] = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0s';
  let rest = Math.floor(seconds);
  const parts = units.slice(first, first + 2).map(([name, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return `${count}${name}`;
  });
  return parts.join(' ');
}

/** Milliseconds with the digits that matter: 0.043 ms, 1.27 ms, 153 ms. */
export function milliseconds(value: number): string {
  const digits = value < 1 ? 3 : value < 100 ? 2 : 0;
  return `${value.toFixed(digits)} ms`;
}
