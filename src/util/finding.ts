/** Damage or oddity in the input that a run reports and continues past, as opposed to an error that ends it. */
import type { ErrorPlace } from './errors.js';

export interface Finding {
  /** Stable and machine-readable, named as error codes are: `wal.segment_short`. */
  code: string;
  /** One line, without a full stop. */
  message: string;
  place?: ErrorPlace;
}
