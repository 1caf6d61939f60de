const path = require('node:path');

const common = {
  mode: 'production',
  target: 'node20',
  entry: './program.mjs',
};

module.exports = [
  {
    ...common,
    output: { path: path.join(__dirname, 'webpack'), filename: 'bundle.cjs' },
    externals: { libmemcached: 'commonjs libmemcached' },
  },
  {
    ...common,
    output: { path: path.join(__dirname, 'webpack'), filename: 'bundle.mjs', module: true },
    experiments: { outputModule: true },
    externals: { libmemcached: 'module libmemcached' },
  },
];
