/**
 * How WAL is cut into layers: by position alone, so that the cut is the same for any number of workers, any interruption and any
 * order of arrival. A stripe's layer holds the records that begin in it; its last record may end in the next one.
 */
import type { Lsn } from '../util/lsn.js';

export const STRIPE_BYTES = 128 * 1024 * 1024;

export function stripeEnd(lsn: Lsn): Lsn {
  return (lsn - (lsn % STRIPE_BYTES) + STRIPE_BYTES) as Lsn;
}
