/**
 * The Sequence manager: one record type, which holds the whole page.
 * Follows seq_redo() and seq_mask(), commands/sequence.c, and seqdesc.c, PG 13–18.
 */
import { PageError } from '../../pg/page.js';
import { XLR_RMGR_INFO_MASK } from '../../pg/xlogRecord.js';
import { maskPageLsnAndChecksum, maskUnusedSpace } from '../bufmask.js';
import { mainData } from '../recordData.js';
import type { RedoContext, Rmgr } from '../rmgr.js';

const XLOG_SEQ_LOG = 0x00;
/** sizeof(xl_seq_rec): the relation; the sequence's tuple follows. */
const SIZE_OF_XL_SEQ_REC = 12;
const SEQ_MAGIC = 0x1717;
/** sizeof(sequence_magic): the special space. */
const SIZE_OF_SEQUENCE_MAGIC = 4;

/** seq_redo(): the page is always built anew. */
function seqRedo(ctx: RedoContext): void {
  const record = ctx.record;
  if (record.rmgrInfo !== XLOG_SEQ_LOG) throw new PageError(`seq_redo: unknown op code ${record.rmgrInfo}`);
  const page = ctx.initPage(0);
  if (page === null) return;
  if (record.mainLength <= SIZE_OF_XL_SEQ_REC) throw new PageError('the record holds no sequence tuple');
  page.init(SIZE_OF_SEQUENCE_MAGIC);
  page.view.setUint32(page.pdSpecial, SEQ_MAGIC, true);
  page.addItem(record.bytes.subarray(record.mainAt + SIZE_OF_XL_SEQ_REC, record.mainAt + record.mainLength), 1);
  page.lsn = ctx.lsn;
}

export const seqRmgr: Rmgr = {
  id: 15,
  name: 'Sequence',
  identify: (info) => ((info & XLR_RMGR_INFO_MASK) === XLOG_SEQ_LOG ? 'LOG' : undefined),
  desc: (record) => {
    if (record.rmgrInfo !== XLOG_SEQ_LOG) return '';
    const at = mainData(record, SIZE_OF_XL_SEQ_REC, 'xl_seq_rec'), view = record.view;
    return `rel ${view.getUint32(at, true)}/${view.getUint32(at + 4, true)}/${view.getUint32(at + 8, true)}`;
  },
  redo: seqRedo,
  mask: (page) => {
    maskPageLsnAndChecksum(page);
    maskUnusedSpace(page);
  },
};
