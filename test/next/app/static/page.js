/** A page that is made once. */
export default function Page() {
  return <p>{`[made ${crypto.randomUUID()}]`}</p>;
}

export const revalidate = 3600;
