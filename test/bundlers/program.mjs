import { Client } from 'libmemcached';

async function main() {
  const mc = new Client(process.env.SERVER);
  await mc.set('bundled', 'by a bundler');
  console.log(await mc.get('bundled'));
  await mc.close();
}

main();
