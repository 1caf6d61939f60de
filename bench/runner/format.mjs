/** Figures as people read them. */

export const NONE = '–';

export function count(number) {
  if (number === null || number === undefined) return NONE;
  if (number < 100) return figure(number);
  return Math.round(number).toLocaleString('en');
}

/** Three digits: 1.23, 12.3, 123. */
export function figure(number) {
  if (number === null || number === undefined) return NONE;
  const size = Math.abs(number);
  if (size >= 1000) return Math.round(number).toLocaleString('en');
  return number.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}

/** 1,234,567 as 1.23 M. */
export function short(number) {
  if (number === null || number === undefined) return NONE;
  if (number >= 1e6) return `${figure(number / 1e6)} M`;
  if (number >= 1e3) return `${figure(number / 1e3)} k`;
  return figure(number);
}
