/**
 * How pg_waldump prints BRIN records. Follows access/rmgrdesc/brindesc.c, the same in PG 13–18.
 */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import {
  readXlBrinCreateidx, readXlBrinDesummarize, readXlBrinInsert, readXlBrinRevmapExtend, readXlBrinSamepageUpdate, readXlBrinUpdate,
  XLOG_BRIN_CREATE_INDEX, XLOG_BRIN_DESUMMARIZE, XLOG_BRIN_INIT_PAGE, XLOG_BRIN_INSERT, XLOG_BRIN_OPMASK, XLOG_BRIN_REVMAP_EXTEND,
  XLOG_BRIN_SAMEPAGE_UPDATE, XLOG_BRIN_UPDATE,
} from './xlog.js';

/** brin_desc(): the text after the opcode's name. */
export function brinDesc(record: XLogRecord): string {
  switch (record.rmgrInfo & XLOG_BRIN_OPMASK) {
    case XLOG_BRIN_CREATE_INDEX: {
      const xlrec = readXlBrinCreateidx(record);
      return `v${xlrec.version} pagesPerRange ${xlrec.pagesPerRange}`;
    }
    case XLOG_BRIN_INSERT: {
      const xlrec = readXlBrinInsert(record);
      return `heapBlk ${xlrec.heapBlk} pagesPerRange ${xlrec.pagesPerRange} offnum ${xlrec.offnum}`;
    }
    case XLOG_BRIN_UPDATE: {
      const { insert, oldOffnum } = readXlBrinUpdate(record);
      return `heapBlk ${insert.heapBlk} pagesPerRange ${insert.pagesPerRange} old offnum ${oldOffnum}, new offnum ${insert.offnum}`;
    }
    case XLOG_BRIN_SAMEPAGE_UPDATE:
      return `offnum ${readXlBrinSamepageUpdate(record).offnum}`;
    case XLOG_BRIN_REVMAP_EXTEND:
      return `targetBlk ${readXlBrinRevmapExtend(record).targetBlk}`;
    case XLOG_BRIN_DESUMMARIZE: {
      const xlrec = readXlBrinDesummarize(record);
      return `pagesPerRange ${xlrec.pagesPerRange}, heapBlk ${xlrec.heapBlk}, page offset ${xlrec.regOffset}`;
    }
    default:
      return '';
  }
}

const NAMES = new Map<number, string>([
  [XLOG_BRIN_CREATE_INDEX, 'CREATE_INDEX'],
  [XLOG_BRIN_INSERT, 'INSERT'],
  [XLOG_BRIN_INSERT | XLOG_BRIN_INIT_PAGE, 'INSERT+INIT'],
  [XLOG_BRIN_UPDATE, 'UPDATE'],
  [XLOG_BRIN_UPDATE | XLOG_BRIN_INIT_PAGE, 'UPDATE+INIT'],
  [XLOG_BRIN_SAMEPAGE_UPDATE, 'SAMEPAGE_UPDATE'],
  [XLOG_BRIN_REVMAP_EXTEND, 'REVMAP_EXTEND'],
  [XLOG_BRIN_DESUMMARIZE, 'DESUMMARIZE'],
]);

/** brin_identify() */
export function brinIdentify(info: number): string | undefined {
  return NAMES.get(info & 0xf0);
}
