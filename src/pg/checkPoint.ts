/** struct CheckPoint (catalog/pg_control.h), PG 13–18: in checkpoint records, and the last one's copy in pg_control. 64-bit little-endian. */
import { readLsn, type Lsn } from '../util/lsn.js';
import type { PgMajor } from './version.js';

/** wal_level, as it is numbered in records and pg_control. */
export const WAL_LEVELS = ['minimal', 'replica', 'logical'] as const;
export type WalLevel = (typeof WAL_LEVELS)[number];
export const WAL_LEVEL_MINIMAL = 0;

export interface CheckPoint {
  redo: Lsn;
  timeline: number;
  prevTimeline: number;
  fullPageWrites: boolean;
  /** A place in WAL_LEVELS, unchecked; from 17 on, where it took padding over. */
  walLevel: number | undefined;
  /** FullTransactionId: the epoch is its upper half. Exact: an epoch never reaches 2^21. */
  nextFullXid: number;
  nextOid: number;
  nextMulti: number;
  nextMultiOffset: number;
  oldestXid: number;
  oldestXidDb: number;
  oldestMulti: number;
  oldestMultiDb: number;
  /** Seconds since 1970-01-01 UTC. */
  time: number;
  oldestCommitTsXid: number;
  newestCommitTsXid: number;
  oldestActiveXid: number;
}

/** The CheckPoint at `at`: the 84 bytes before its padding must be there. */
export function readCheckPointAt(view: DataView, at: number, major: PgMajor): CheckPoint {
  const u32 = (offset: number): number => view.getUint32(at + offset, true);
  return {
    redo: readLsn(view, at),
    timeline: u32(8),
    prevTimeline: u32(12),
    fullPageWrites: view.getUint8(at + 16) !== 0,
    walLevel: major >= 17 ? u32(20) : undefined,
    nextFullXid: u32(24) + u32(28) * 0x1_0000_0000,
    nextOid: u32(32),
    nextMulti: u32(36),
    nextMultiOffset: u32(40),
    oldestXid: u32(44),
    oldestXidDb: u32(48),
    oldestMulti: u32(52),
    oldestMultiDb: u32(56),
    time: Number(view.getBigInt64(at + 64, true)),
    oldestCommitTsXid: u32(72),
    newestCommitTsXid: u32(76),
    oldestActiveXid: u32(80),
  };
}
