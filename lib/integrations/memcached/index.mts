import Memcached from './index.js';

export default Memcached;
