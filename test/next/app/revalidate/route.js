import { revalidatePath, revalidateTag } from 'next/cache';

/** `?path=…`, or `?tag=…` with `&profile=max` or the seconds `&expire=…` for which what is stale may be served. */
export async function POST(request) {
  const { searchParams } = new URL(request.url);
  const path = searchParams.get('path');
  if (path !== null) revalidatePath(path);
  else {
    const profile = searchParams.get('profile') ?? { expire: Number(searchParams.get('expire')) };
    revalidateTag(searchParams.get('tag'), profile);
  }
  return new Response('done');
}
