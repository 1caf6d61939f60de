import Libmemcached from './libmemcached.mjs';

export default class LibmemcachedText extends Libmemcached {
  static options = { binary: false };
}
