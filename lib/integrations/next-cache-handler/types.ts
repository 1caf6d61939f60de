/** Next's interface of a cache handler, as far as it is used: of Next 16, which this package does not depend on. */

/** What Next passes to the constructor, for each request. */
export interface NextContext {
  serverDistDir?: string | undefined;
}

export interface NextCacheControl {
  /** Seconds; false: never. */
  revalidate: number | false;
  /** Seconds. */
  expire?: number | undefined;
}

/** A response, an image, or the result of a `fetch` or of `unstable_cache`. */
export interface NextValue {
  kind: string;
  /** Of a fetch. */
  tags?: string[] | undefined;
  /** Of a fetch: seconds. */
  revalidate?: number | false | undefined;
  headers?: Record<string, unknown> | undefined;
}

export interface NextGetContext {
  kind: string;
  tags?: string[] | undefined;
  softTags?: string[] | undefined;
}

export interface NextSetContext {
  fetchCache?: boolean | undefined;
  kind?: string | undefined;
  tags?: string[] | undefined;
  cacheControl?: NextCacheControl | undefined;
}

export interface NextEntry {
  value: NextValue | null;
  /** Milliseconds since 1970. */
  lastModified: number;
  cacheControl?: NextCacheControl | undefined;
}

/** `expire`: seconds for which what has the tag may be served while it is made again. Without durations it may not. */
export interface NextDurations {
  expire?: number | undefined;
}

export interface NextCacheHandler {
  get(key: string, context: NextGetContext): Promise<NextEntry | null>;
  set(key: string, value: NextValue | null, context: NextSetContext): Promise<void>;
  revalidateTag(tags: string | string[], durations?: NextDurations): Promise<void>;
  resetRequestCache(): void;
}
