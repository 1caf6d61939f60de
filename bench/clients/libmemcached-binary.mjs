import Libmemcached from './libmemcached.mjs';

export default class LibmemcachedBinary extends Libmemcached {
  static options = { binary: true };
}
