/** Replays one record on one SLRU page: the counterpart of replayRecord() for pages without a page header and without an LSN. */
import { COMMIT_TS_ZEROPAGE } from '../redo/committs/xlog.js';
import { applyToMemberPage, applyToOffsetPage } from '../redo/multixact/redo.js';
import { readXlMultixactCreate, XLOG_MULTIXACT_CREATE_ID, XLOG_MULTIXACT_ZERO_MEM_PAGE, XLOG_MULTIXACT_ZERO_OFF_PAGE } from '../redo/multixact/xlog.js';
import { RmgrId } from '../redo/rmgrlist.js';
import type { XLogRecord } from '../pg/xlogRecord.js';
import { Slru } from './slruKeys.js';

/** Applies `record` to page `pageno` of an SLRU, in place. */
export function replaySlruRecord(record: XLogRecord, kind: Slru, pageno: number, bytes: Uint8Array): void {
  if (record.rmid === RmgrId.commitTs) {
    if (record.rmgrInfo === COMMIT_TS_ZEROPAGE) bytes.fill(0);
    return;
  }
  switch (record.rmgrInfo) {
    case XLOG_MULTIXACT_ZERO_OFF_PAGE:
    case XLOG_MULTIXACT_ZERO_MEM_PAGE:
      bytes.fill(0);
      break;
    case XLOG_MULTIXACT_CREATE_ID: {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      if (kind === Slru.multixactOffsets) applyToOffsetPage(view, pageno, readXlMultixactCreate(record));
      else applyToMemberPage(view, pageno, readXlMultixactCreate(record));
      break;
    }
  }
}
