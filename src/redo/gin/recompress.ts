import {
  GIN_COMPRESSED, GIN_DATA_AT, GIN_OPAQUE_AT, ginDataPageSetDataSize, ginPageFlags, ginPageMaxoff, ginPageSetFlags, ginPageSetMaxoff,
} from '../../pg/gin.js';
import { decodeGinPostingLists, encodeGinPostingList, itemptrToNumber, mergeItems, sizeOfGinPostingList } from '../../pg/ginPostingList.js';
import { BLCKSZ, PageError, type Page } from '../../pg/page.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import {
  GIN_SEGMENT_ADDITEMS, GIN_SEGMENT_DELETE, GIN_SEGMENT_INSERT, GIN_SEGMENT_REPLACE, readGinSegmentActions, type GinSegmentAction,
} from './xlog.js';

/** The page's old posting lists, copied before any is overwritten. */
const oldBytes = new Uint8Array(BLCKSZ);
const oldView = new DataView(oldBytes.buffer);

function readItems(view: DataView, at: number, count: number): number[] {
  const items: number[] = [];
  for (let i = 0; i < count; i++) items.push(itemptrToNumber(view, at + i * 6));
  return items;
}

/** A page from before 9.4 (the cluster was upgraded) holds `maxoff` plain item pointers: it becomes one posting list. */
function compressOldPage(page: Page): void {
  const count = ginPageMaxoff(page);
  if (GIN_DATA_AT + count * 6 > GIN_OPAQUE_AT) throw new PageError(`${count} items do not fit a GIN data page`);
  const items = readItems(page.view, GIN_DATA_AT, count);
  ginDataPageSetDataSize(page, count > 0 ? encodeGinPostingList(items, page.view, GIN_DATA_AT, GIN_OPAQUE_AT) : 0);
  ginPageSetFlags(page, ginPageFlags(page) | GIN_COMPRESSED);
  ginPageSetMaxoff(page, 0);
}

/**
 * ginRedoRecompress(), access/gin/ginxlog.c, PG 13–18: applies the actions in block 0's data to the posting lists of a leaf of a
 * posting tree. Where C copies the page's tail once the first segment changes, all old segments are copied first here.
 */
export function ginRedoRecompress(page: Page, record: XLogRecord): void {
  if ((ginPageFlags(page) & GIN_COMPRESSED) === 0) compressOldPage(page);
  const segmentend = page.pdLower;
  if (segmentend < GIN_DATA_AT || segmentend > GIN_OPAQUE_AT) throw new PageError(`posting lists end at ${segmentend}`);
  oldBytes.set(page.bytes.subarray(GIN_DATA_AT, segmentend), GIN_DATA_AT);
  let oldseg = GIN_DATA_AT;
  let writeAt = GIN_DATA_AT;
  let segno = 0;

  const copy = (bytes: Uint8Array, at: number, end: number): void => {
    if (writeAt + (end - at) > GIN_OPAQUE_AT) throw new PageError('recompressed posting lists do not fit the page');
    page.bytes.set(bytes.subarray(at, end), writeAt);
    writeAt += end - at;
  };
  const applyAction = ({ action, at, end, nitems }: GinSegmentAction): void => {
    const segsize = oldseg !== segmentend ? sizeOfGinPostingList(oldView, oldseg, segmentend) : 0;
    if (segsize === 0 && action !== GIN_SEGMENT_INSERT) throw new PageError(`GIN leaf action ${action} past the last segment`);
    switch (action) {
      case GIN_SEGMENT_INSERT:
        copy(record.bytes, at, end);
        return;
      case GIN_SEGMENT_REPLACE:
        copy(record.bytes, at, end);
        break;
      case GIN_SEGMENT_ADDITEMS: {
        const olditems = decodeGinPostingLists(oldView, oldseg, oldseg + segsize);
        const newitems = mergeItems(readItems(record.view, at, nitems), olditems);
        if (newitems.length !== olditems.length + nitems) throw new PageError('a GIN segment already holds an item that is added to it');
        writeAt += encodeGinPostingList(newitems, page.view, writeAt, GIN_OPAQUE_AT);
        break;
      }
      case GIN_SEGMENT_DELETE:
        break;
    }
    oldseg += segsize;
    segno++;
  };

  for (const action of readGinSegmentActions(record)) {
    if (action.segno < segno) throw new PageError(`GIN leaf action on segment ${action.segno} after segment ${segno}`);
    while (segno < action.segno) {
      const segsize = sizeOfGinPostingList(oldView, oldseg, segmentend);
      copy(oldBytes, oldseg, oldseg + segsize);
      oldseg += segsize;
      segno++;
    }
    applyAction(action);
  }
  copy(oldBytes, oldseg, segmentend);
  ginDataPageSetDataSize(page, writeAt - GIN_DATA_AT);
}
