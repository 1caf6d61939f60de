/** The folder of this package, as seen from lib/ and, since all of the library becomes one file there, from dist/. */

import path from 'node:path';

export const packageRoot = path.join(__dirname, '..');
