import memjs from './memjs.js';

export * from './memjs.js';
export default memjs.default;
