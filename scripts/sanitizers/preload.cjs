// Has Node load the addon that SANITIZED_ADDON names wherever it would load ours. (--require, also in worker threads)

'use strict';

const { basename } = require('node:path');

const addon = process.env.SANITIZED_ADDON;
const load = process.dlopen;

process.dlopen = function dlopen(module, file, ...rest) {
  return load.call(this, module, addon && basename(file) === basename(addon) ? addon : file, ...rest);
};
