import { Client } from 'libmemcached';

export const dynamic = 'force-dynamic';

export async function GET() {
  const mc = new Client(process.env.SERVER);
  await mc.set('bundled', 'by Next');
  const value = await mc.get('bundled');
  await mc.close();
  return new Response(value);
}
