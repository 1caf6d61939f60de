/** Text from outside (servers, stored values, keys), made so that nothing in it can command a terminal. */

/** What terminals obey: C0 and C1 controls and DEL; and the marks that have text read in another order than it is stored. */
// eslint-disable-next-line no-control-regex -- these are what a terminal must not get
const commanding = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
}

/** For one line. */
export function printable(text: string): string {
  return text.replace(commanding, escaped);
}

/** Keeps line breaks and tabs: for values, which may have several lines. */
export function printableLines(text: string): string {
  return text.replace(commanding, (character) => (/[\t\n]/.test(character) ? character : escaped(character)));
}

/** As JSON says it, which leaves some of them as they are. The meaning stays the same. */
export function printableJson(json: string): string {
  return json.replace(commanding, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
