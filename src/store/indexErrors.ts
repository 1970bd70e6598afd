/** What ends an index run, in words. */
import { inputError, type WalscopeError } from '../util/errors.js';
import { formatLsn, type Lsn } from '../util/lsn.js';

/** What was indexed cannot be read any more. */
export function walIsGone(lsn: Lsn): WalscopeError {
  return inputError('wal.gone', `the WAL from ${formatLsn(lsn)} on that the index refers to is not in the archive any more`, { lsn: formatLsn(lsn) },
    'put it back, or name the place where it is now with --wal');
}

/** An input of another cluster than the case's. */
export function otherCluster(what: string, id: bigint, wanted: bigint): WalscopeError {
  return inputError('cluster.mismatch', `${what} is of another cluster: system identifier ${id}, not ${wanted}`, {}, 'give a backup and a WAL archive of the same cluster, each cluster its own case directory');
}

/** Two stripes whose records do not follow each other: each is whole by itself, so the WAL was put together from two histories. */
export function unjoined(position: Lsn, prev: Lsn, expected: Lsn): WalscopeError {
  return inputError('wal.prev_link', `record with incorrect prev-link ${formatLsn(prev)} (expected ${formatLsn(expected)}) at ${formatLsn(position)}`, { lsn: formatLsn(position) });
}
