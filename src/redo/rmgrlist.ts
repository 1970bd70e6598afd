/**
 * The resource managers, one row each, in the order of access/rmgrlist.h (the numbers are on disk; they have not moved from 13 to 18).
 * Replay, printing, masking and statistics all read this table. Custom managers have no row: blocks that they touch are unknown
 * until their next image.
 */
import { brinRmgr } from './brin/index.js';
import { btreeRmgr } from './btree/index.js';
import { clogRmgr } from './clog/index.js';
import { commitTsRmgr } from './committs/index.js';
import { dbaseRmgr } from './dbase/index.js';
import { genericRmgr } from './generic/index.js';
import { ginRmgr } from './gin/index.js';
import { gistRmgr } from './gist/index.js';
import { hashRmgr } from './hash/index.js';
import { heap2Rmgr, heapRmgr } from './heap/index.js';
import { logicalmsgRmgr } from './logicalmsg/index.js';
import { multixactRmgr } from './multixact/index.js';
import { relmapRmgr } from './relmap/index.js';
import { reploriginRmgr } from './replorigin/index.js';
import type { Rmgr } from './rmgr.js';
import { seqRmgr } from './seq/index.js';
import { smgrRmgr } from './smgr/index.js';
import { spgistRmgr } from './spgist/index.js';
import { standbyRmgr } from './standby/index.js';
import { tblspcRmgr } from './tblspc/index.js';
import { xactRmgr } from './xact/index.js';
import { xlogRmgr } from './xlog/index.js';

export const RMGR_NAMES = [
  'XLOG', 'Transaction', 'Storage', 'CLOG', 'Database', 'Tablespace', 'MultiXact', 'RelMap', 'Standby', 'Heap2', 'Heap',
  'Btree', 'Hash', 'Gin', 'Gist', 'Sequence', 'SPGist', 'BRIN', 'CommitTs', 'ReplicationOrigin', 'Generic', 'LogicalMessage',
] as const;

export const RmgrId = {
  xlog: 0, xact: 1, smgr: 2, clog: 3, dbase: 4, tblspc: 5, multixact: 6, relmap: 7, standby: 8, heap2: 9, heap: 10,
  btree: 11, hash: 12, gin: 13, gist: 14, seq: 15, spgist: 16, brin: 17, commitTs: 18, replorigin: 19, generic: 20, logicalmsg: 21,
} as const;

/** Custom resource managers (15 and later) have ids from here on. */
export const RM_MIN_CUSTOM_ID = 128;

/** Row i is the manager with id i. */
export const RMGRS: readonly (Rmgr | undefined)[] = [
  xlogRmgr,
  xactRmgr,
  smgrRmgr,
  clogRmgr,
  dbaseRmgr,
  tblspcRmgr,
  multixactRmgr,
  relmapRmgr,
  standbyRmgr,
  heap2Rmgr,
  heapRmgr,
  btreeRmgr,
  hashRmgr,
  ginRmgr,
  gistRmgr,
  seqRmgr,
  spgistRmgr,
  brinRmgr,
  commitTsRmgr,
  reploriginRmgr,
  genericRmgr,
  logicalmsgRmgr,
];

/** The name pg_waldump prints: `custom131` for a custom manager. */
export function rmgrName(rmid: number): string {
  return RMGR_NAMES[rmid] ?? (rmid >= RM_MIN_CUSTOM_ID ? `custom${String(rmid).padStart(3, '0')}` : `unknown(${rmid})`);
}
