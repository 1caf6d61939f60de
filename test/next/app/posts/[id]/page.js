export const dynamicParams = false;

export function generateStaticParams() {
  return [{ id: '1' }, { id: '2' }];
}

/** A page for each of some posts, and none for others. */
export default async function Page({ params }) {
  const { id } = await params;
  return <p>{`[post ${id}]`}</p>;
}
