/** Descriptions of ReplicationOrigin records: rmgrdesc/replorigindesc.c, PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { formatLsn } from '../../util/lsn.js';
import { readXlReploriginDrop, readXlReploriginSet, XLOG_REPLORIGIN_DROP, XLOG_REPLORIGIN_SET } from './xlog.js';

/** replorigin_identify() */
export function reploriginIdentify(info: number): string | undefined {
  switch (info & 0xf0) {
    case XLOG_REPLORIGIN_SET: return 'SET';
    case XLOG_REPLORIGIN_DROP: return 'DROP';
    default: return undefined;
  }
}

/** replorigin_desc() */
export function reploriginDesc(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case XLOG_REPLORIGIN_SET: {
      const { nodeId, remoteLsn, force } = readXlReploriginSet(record);
      return `set ${nodeId}; lsn ${formatLsn(remoteLsn)}; force: ${force ? 1 : 0}`;
    }
    case XLOG_REPLORIGIN_DROP:
      return `drop ${readXlReploriginDrop(record).nodeId}`;
    default:
      return '';
  }
}
