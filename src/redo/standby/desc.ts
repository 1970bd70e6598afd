/** Descriptions of Standby records: rmgrdesc/standbydesc.c, PG 13–18. */
import type { PgMajor } from '../../pg/version.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import {
  readXlInvalidations, readXlRunningXacts, readXlStandbyLocks, SHAREDINVALCATALOG_ID, SHAREDINVALRELCACHE_ID, SHAREDINVALRELMAP_ID,
  SHAREDINVALRELSYNC_ID, SHAREDINVALSMGR_ID, SHAREDINVALSNAPSHOT_ID, XLOG_INVALIDATIONS, XLOG_RUNNING_XACTS, XLOG_STANDBY_LOCK,
  type InvalidationMessage,
} from './xlog.js';

/** standby_identify() */
export function standbyIdentify(info: number): string | undefined {
  switch (info & 0xf0) {
    case XLOG_STANDBY_LOCK: return 'LOCK';
    case XLOG_RUNNING_XACTS: return 'RUNNING_XACTS';
    case XLOG_INVALIDATIONS: return 'INVALIDATIONS';
    default: return undefined;
  }
}

/** standby_desc() */
export function standbyDesc(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case XLOG_STANDBY_LOCK:
      return readXlStandbyLocks(record).map((lock) => `xid ${lock.xid} db ${lock.dbOid} rel ${lock.relOid} `).join('');
    case XLOG_RUNNING_XACTS:
      return describeRunningXacts(record);
    case XLOG_INVALIDATIONS: {
      const { msgs, dbId, tsId, relcacheInitFileInval } = readXlInvalidations(record);
      return describeInvalidations(msgs, dbId, tsId, relcacheInitFileInval, record.major);
    }
    default:
      return '';
  }
}

function describeRunningXacts(record: XLogRecord): string {
  const x = readXlRunningXacts(record);
  let text = `nextXid ${x.nextXid} latestCompletedXid ${x.latestCompletedXid} oldestRunningXid ${x.oldestRunningXid}`;
  if (x.xids.length > 0) text += `; ${x.xids.length} xacts:${x.xids.map((xid) => ` ${xid}`).join('')}`;
  if (x.subxidOverflow) text += record.major >= 16 ? '; subxid overflowed' : '; subxid ovf';
  if (record.major >= 16 && x.subxids.length > 0) text += `; ${x.subxids.length} subxacts:${x.subxids.map((xid) => ` ${xid}`).join('')}`;
  return text;
}

/** standby_desc_invalidations(), which transaction ends and logical messages of invalidations print too. */
export function describeInvalidations(
  msgs: readonly InvalidationMessage[], dbId: number, tsId: number, relcacheInitFileInval: boolean, major: PgMajor,
): string {
  if (msgs.length === 0) return '';
  const initFile = relcacheInitFileInval ? `; relcache init file inval dbid ${dbId} tsid ${tsId}` : '';
  return `${initFile}; inval msgs:${msgs.map((msg) => describeInvalidation(msg, major)).join('')}`;
}

function describeInvalidation(msg: InvalidationMessage, major: PgMajor): string {
  if (msg.id >= 0) return ` catcache ${msg.id}`;
  switch (msg.id) {
    case SHAREDINVALCATALOG_ID: return ` catalog ${msg.objId}`;
    case SHAREDINVALRELCACHE_ID: return ` relcache ${msg.objId}`;
    case SHAREDINVALSMGR_ID: return ' smgr';
    case SHAREDINVALRELMAP_ID: return ` relmap db ${msg.dbId}`;
    case SHAREDINVALSNAPSHOT_ID: return ` snapshot ${msg.objId}`;
    default: return msg.id === SHAREDINVALRELSYNC_ID && major >= 18 ? ` relsync ${msg.objId}` : ` unrecognized id ${msg.id}`;
  }
}
