import { unstable_cache } from 'next/cache';

export const dynamic = 'force-dynamic';

const load = unstable_cache(async () => crypto.randomUUID(), ['value'], { tags: ['value'], revalidate: 3600 });

/** A response that is made each time, from a value that is not. */
export async function GET() {
  return new Response(`[${await load()}]`);
}
