/** Stripes of 64 kB instead of 128 MB: for tests that need many of them in a small archive. Stands in for src/store/stripes. */
export const STRIPE_BYTES = 64 * 1024;
export const stripeEnd = (lsn: number): number => lsn - (lsn % STRIPE_BYTES) + STRIPE_BYTES;
export const stripeStart = (position: number, runStart: number): number => Math.max(position - (position % STRIPE_BYTES), runStart);
export const stripesBetween = (from: number, last: number): number[] => {
  const starts: number[] = [];
  for (let start = from; start < last; start = stripeEnd(start)) starts.push(start);
  return starts;
};
