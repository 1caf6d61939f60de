/** A page with the data of a `fetch` that has a tag. */
export default async function Page() {
  const response = await fetch(process.env.DATA, { next: { tags: ['data'], revalidate: 3600 } });
  return <p>{`[${await response.text()}]`}</p>;
}

export const dynamic = 'force-static';
export const revalidate = 3600;
