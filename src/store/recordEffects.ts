/** What a record does beyond the blocks that it references, told to whoever follows the WAL: the index's builder, a walk that replays. */
import type { XactRow } from '../layerfile/deltaLayer.js';
import type { RelFileLocator, RelFork } from '../pg/relFileLocator.js';
import type { Lsn } from '../util/lsn.js';

export interface RecordEffects {
  /** A page that is no relation block (an SLRU page). */
  slruPage(rel: RelFork, page: number, startsChain: boolean): void;
  clogPageZeroed(page: number): void;
  forkCreated(rel: RelFork): void;
  forkTruncated(rel: RelFork, blocks: number): void;
  /** All forks of a relation are gone. */
  relationDropped(rel: RelFileLocator): void;
  /** The end of a transaction: a row of the log, and the CLOG bits of it and its subtransactions. */
  transactionEnd(row: XactRow): void;
  /** A row that carries a time but ends no transaction. */
  transactionNote(row: XactRow): void;
  /** A message of an application; xid 0: of no transaction. */
  logicalMessage(lsn: Lsn, xid: number): void;
  /** One of EventKind. */
  event(kind: number, args: number[], text?: string): void;
}
