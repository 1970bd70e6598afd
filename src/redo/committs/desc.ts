/** Descriptions of CommitTs records: rmgrdesc/committsdesc.c, PG 13–18. */
import type { PgMajor } from '../../pg/version.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { timestamptzToStr } from '../descText.js';
import {
  COMMIT_TS_SETTS, COMMIT_TS_TRUNCATE, COMMIT_TS_ZEROPAGE, readCommitTsZeropage, readXlCommitTsSet, readXlCommitTsTruncate,
} from './xlog.js';

/** commit_ts_identify() */
export function commitTsIdentify(info: number, major: PgMajor): string | undefined {
  switch (info & 0xf0) {
    case COMMIT_TS_ZEROPAGE: return 'ZEROPAGE';
    case COMMIT_TS_TRUNCATE: return 'TRUNCATE';
    case COMMIT_TS_SETTS: return major === 13 ? 'SETTS' : undefined;
    default: return undefined;
  }
}

/** commit_ts_desc() */
export function commitTsDesc(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case COMMIT_TS_ZEROPAGE:
      return String(readCommitTsZeropage(record).pageno);
    case COMMIT_TS_TRUNCATE: {
      const { pageno, oldestXid } = readXlCommitTsTruncate(record);
      return `pageno ${pageno}, oldestXid ${oldestXid}`;
    }
    case COMMIT_TS_SETTS: {
      if (record.major !== 13) return '';
      const set = readXlCommitTsSet(record);
      return `set ${timestamptzToStr(set.timestamp)}/${set.nodeId} for: ${[set.mainXid, ...set.subxids].join(', ')}`;
    }
    default:
      return '';
  }
}
