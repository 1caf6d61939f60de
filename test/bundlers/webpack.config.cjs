const path = require('node:path');

module.exports = {
  mode: 'production',
  target: 'node20',
  entry: './program.mjs',
  output: { path: path.join(__dirname, 'webpack'), filename: 'bundle.mjs', module: true },
  experiments: { outputModule: true },
  externals: { libmemcached: 'module libmemcached' },
};
