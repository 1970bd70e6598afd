/**
 * How WAL is cut into layers: by position alone, so that the cut is the same for any number of workers, any interruption and any
 * order of arrival. A stripe's layer holds the records that begin in it; its last record may end in the next one.
 */
import type { Lsn } from '../util/lsn.js';

export const STRIPE_BYTES = 128 * 1024 * 1024;

export function stripeEnd(lsn: Lsn): Lsn {
  return (lsn - (lsn % STRIPE_BYTES) + STRIPE_BYTES) as Lsn;
}

/**
 * Where a run of WAL goes on being cut after `position`: the stripe's own beginning, though its first record may begin later
 * (one of the stripe before reaches into it), except in a run's first stripe.
 */
export function stripeStart(position: Lsn, runStart: Lsn): Lsn {
  return Math.max(position - (position % STRIPE_BYTES), runStart) as Lsn;
}

/** Where the stripes of [from, last) begin: the first at `from`. */
export function stripesBetween(from: Lsn, last: Lsn): Lsn[] {
  const starts: Lsn[] = [];
  for (let start = from; start < last; start = stripeEnd(start)) starts.push(start);
  return starts;
}
