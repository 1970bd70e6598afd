/**
 * What standbys are told: running transactions, exclusive locks, cache invalidations.
 * Layout: storage/standbydefs.h, storage/lockdefs.h, storage/sinval.h, the same in PG 13–18.
 */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { MainDataCursor } from '../mainDataCursor.js';
import { mainData } from '../recordData.js';

export const XLOG_STANDBY_LOCK = 0x00;
export const XLOG_RUNNING_XACTS = 0x10;
export const XLOG_INVALIDATIONS = 0x20;

/** xl_running_xacts: the transactions in progress when it was written. */
export interface XlRunningXacts {
  /** True: there were more subtransactions than the list holds. */
  subxidOverflow: boolean;
  nextXid: number;
  oldestRunningXid: number;
  latestCompletedXid: number;
  xids: number[];
  subxids: number[];
}

export function readXlRunningXacts(record: XLogRecord): XlRunningXacts {
  const { view } = record;
  const at = mainData(record, 24, 'xl_running_xacts');
  const data = new MainDataCursor(record, at + 24, 'xl_running_xacts');
  return {
    subxidOverflow: view.getUint8(at + 8) !== 0,
    nextXid: view.getUint32(at + 12, true),
    oldestRunningXid: view.getUint32(at + 16, true),
    latestCompletedXid: view.getUint32(at + 20, true),
    xids: data.array(view.getInt32(at, true), 4, (v, i) => v.getUint32(i, true)),
    subxids: data.array(view.getInt32(at + 4, true), 4, (v, i) => v.getUint32(i, true)),
  };
}

/** xl_standby_lock: an AccessExclusiveLock and who holds it. */
export interface XlStandbyLock {
  xid: number;
  dbOid: number;
  relOid: number;
}

export function readXlStandbyLocks(record: XLogRecord): XlStandbyLock[] {
  const data = new MainDataCursor(record, record.mainAt, 'xl_standby_locks');
  return data.array(data.int32(), 12, (view, at) => ({
    xid: view.getUint32(at, true), dbOid: view.getUint32(at + 4, true), relOid: view.getUint32(at + 8, true),
  }));
}

export const SIZE_OF_INVALIDATION = 16;

/** SharedInvalidationMessage: `id` ≥ 0 is a catalog cache, negative ids are the kinds below. */
export interface InvalidationMessage {
  id: number;
  dbId: number;
  /** Catalog, relation or, for a catalog cache, hash value. */
  objId: number;
}

export const SHAREDINVALCATALOG_ID = -1;
export const SHAREDINVALRELCACHE_ID = -2;
export const SHAREDINVALSMGR_ID = -3;
export const SHAREDINVALRELMAP_ID = -4;
export const SHAREDINVALSNAPSHOT_ID = -5;
/** From 18 on. */
export const SHAREDINVALRELSYNC_ID = -6;

export function readInvalidation(view: DataView, at: number): InvalidationMessage {
  return { id: view.getInt8(at), dbId: view.getUint32(at + 4, true), objId: view.getUint32(at + 8, true) };
}

/** xl_invalidations: of transactions that commit without an xid. */
export interface XlInvalidations {
  dbId: number;
  tsId: number;
  relcacheInitFileInval: boolean;
  msgs: InvalidationMessage[];
}

export function readXlInvalidations(record: XLogRecord): XlInvalidations {
  const { view } = record;
  const at = mainData(record, 16, 'xl_invalidations');
  const data = new MainDataCursor(record, at + 12, 'xl_invalidations');
  return {
    dbId: view.getUint32(at, true),
    tsId: view.getUint32(at + 4, true),
    relcacheInitFileInval: view.getUint8(at + 8) !== 0,
    msgs: data.array(data.int32(), SIZE_OF_INVALIDATION, readInvalidation),
  };
}
