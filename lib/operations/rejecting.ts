/** What is thrown while arguments are checked becomes a rejection. */

export function rejecting<T>(run: () => Promise<T>): Promise<T> {
  try {
    return run();
  } catch (error) {
    return rejection(error);
  }
}

export function rejection(error: unknown): Promise<never> {
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is what was thrown
  return Promise.reject(error);
}
