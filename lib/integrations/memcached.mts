import Memcached from './memcached.js';

export default Memcached;
