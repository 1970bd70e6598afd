/** Descriptions of Database records: rmgrdesc/dbasedesc.c, PG 13–18. */
import type { PgMajor } from '../../pg/version.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import {
  dbaseOpcode, readXlDbaseCreateFileCopy, readXlDbaseCreateWalLog, readXlDbaseDrop,
  XLOG_DBASE_CREATE_FILE_COPY, XLOG_DBASE_CREATE_WAL_LOG, XLOG_DBASE_DROP,
} from './xlog.js';

/** dbase_identify() */
export function dbaseIdentify(info: number, major: PgMajor): string | undefined {
  switch (dbaseOpcode(info, major)) {
    case XLOG_DBASE_CREATE_FILE_COPY: return major >= 15 ? 'CREATE_FILE_COPY' : 'CREATE';
    case XLOG_DBASE_CREATE_WAL_LOG: return 'CREATE_WAL_LOG';
    case XLOG_DBASE_DROP: return 'DROP';
    default: return undefined;
  }
}

/** dbase_desc() */
export function dbaseDesc(record: XLogRecord): string {
  switch (dbaseOpcode(record.info, record.major)) {
    case XLOG_DBASE_CREATE_FILE_COPY: {
      const copy = readXlDbaseCreateFileCopy(record);
      return `copy dir ${copy.srcTablespaceId}/${copy.srcDbId} to ${copy.tablespaceId}/${copy.dbId}`;
    }
    case XLOG_DBASE_CREATE_WAL_LOG: {
      const { tablespaceId, dbId } = readXlDbaseCreateWalLog(record);
      return `create dir ${tablespaceId}/${dbId}`;
    }
    case XLOG_DBASE_DROP: {
      const { tablespaceIds, dbId } = readXlDbaseDrop(record);
      return `dir${tablespaceIds.map((tablespaceId) => ` ${tablespaceId}/${dbId}`).join('')}`;
    }
    default:
      return '';
  }
}
