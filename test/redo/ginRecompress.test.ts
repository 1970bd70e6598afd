import { describe, expect, it } from 'vitest';
import { GIN_COMPRESSED, GIN_DATA, GIN_DATA_AT, GIN_LEAF, ginInitPage, ginPageFlags, ginPageMaxoff, ginPageSetMaxoff } from '../../src/pg/gin.js';
import { decodeGinPostingLists, encodeGinPostingList } from '../../src/pg/ginPostingList.js';
import { writeBlockId } from '../../src/pg/itemPointer.js';
import { Page } from '../../src/pg/page.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { ginRedoRecompress } from '../../src/redo/gin/recompress.js';
import { GIN_SEGMENT_ADDITEMS, GIN_SEGMENT_DELETE, GIN_SEGMENT_INSERT, GIN_SEGMENT_REPLACE } from '../../src/redo/gin/xlog.js';

const item = (block: number, offset: number): number => block * 2048 + offset;

function writeTid(view: DataView, at: number, value: number): void {
  writeBlockId(view, at, Math.floor(value / 2048));
  view.setUint16(at + 4, value % 2048, true);
}

/** A record whose block 0 carries these actions and nothing else. */
function recordOf(actions: { segno: number; action: number; items?: number[] }[]): XLogRecord {
  const view = new DataView(new ArrayBuffer(8192));
  view.setUint16(0, actions.length, true);
  let at = 2;
  for (const { segno, action, items = [] } of actions) {
    view.setUint8(at, segno);
    view.setUint8(at + 1, action);
    at += 2;
    if (action === GIN_SEGMENT_ADDITEMS) {
      view.setUint16(at, items.length, true);
      items.forEach((value, i) => writeTid(view, at + 2 + i * 6, value));
      at += 2 + items.length * 6;
    } else if (action !== GIN_SEGMENT_DELETE) {
      at += encodeGinPostingList(items, view, at, 8192);
    }
  }
  const record = new XLogRecord();
  record.view = view;
  record.bytes = new Uint8Array(view.buffer);
  record.blocks = [{
    id: 0, spcOid: 1663, dbOid: 5, relNumber: 16384, fork: 0, block: 3, willInit: false, hasData: true, dataAt: 0, dataLength: at,
    hasImage: false, applyImage: false, imageAt: 0, imageLength: 0, compression: 'none', holeOffset: 0, holeLength: 0,
  }];
  return record;
}

function leafOf(segments: number[][]): Page {
  const page = new Page();
  ginInitPage(page, GIN_DATA | GIN_LEAF | GIN_COMPRESSED);
  page.pdLower = GIN_DATA_AT;
  for (const segment of segments) page.pdLower += encodeGinPostingList(segment, page.view, page.pdLower, 8184);
  return page;
}

const itemsOf = (page: Page): number[] => decodeGinPostingLists(page.view, GIN_DATA_AT, page.pdLower);

describe('recompression of a posting tree leaf', () => {
  const segments = [[item(1, 1), item(1, 2)], [item(5, 1), item(6, 9)], [item(9, 3)], [item(12, 1), item(13, 1)]];

  it('applies every kind of action and keeps what none names', () => {
    const page = leafOf(segments);
    ginRedoRecompress(page, recordOf([
      { segno: 1, action: GIN_SEGMENT_ADDITEMS, items: [item(5, 2), item(7, 1)] },
      { segno: 2, action: GIN_SEGMENT_DELETE },
      { segno: 3, action: GIN_SEGMENT_REPLACE, items: [item(12, 1)] },
      { segno: 4, action: GIN_SEGMENT_INSERT, items: [item(20, 1), item(21, 1)] },
    ]));
    expect(itemsOf(page)).toEqual([item(1, 1), item(1, 2), item(5, 1), item(5, 2), item(6, 9), item(7, 1), item(12, 1), item(20, 1), item(21, 1)]);
  });

  it('inserts before a segment and copies those behind it', () => {
    const page = leafOf(segments);
    ginRedoRecompress(page, recordOf([{ segno: 1, action: GIN_SEGMENT_INSERT, items: [item(2, 1), item(3, 1)] }]));
    expect(itemsOf(page)).toEqual([...segments[0]!, item(2, 1), item(3, 1), ...segments.slice(1).flat()]);
  });

  it('packs the plain item pointers of a page from before 9.4 first', () => {
    const page = new Page();
    ginInitPage(page, GIN_DATA | GIN_LEAF);
    const old = [item(1, 1), item(2, 5), item(300, 7)];
    old.forEach((value, i) => writeTid(page.view, GIN_DATA_AT + i * 6, value));
    ginPageSetMaxoff(page, old.length);
    ginRedoRecompress(page, recordOf([{ segno: 0, action: GIN_SEGMENT_ADDITEMS, items: [item(4, 4)] }]));
    expect(itemsOf(page)).toEqual([item(1, 1), item(2, 5), item(4, 4), item(300, 7)]);
    expect(ginPageFlags(page) & GIN_COMPRESSED).toBe(GIN_COMPRESSED);
    expect(ginPageMaxoff(page)).toBe(0);
  });

  it('refuses what the page does not bear out', () => {
    expect(() => ginRedoRecompress(leafOf(segments), recordOf([{ segno: 4, action: GIN_SEGMENT_DELETE }]))).toThrow('past the last segment');
    expect(() => ginRedoRecompress(leafOf(segments), recordOf([{ segno: 9, action: GIN_SEGMENT_INSERT, items: [1] }]))).toThrow('cut short');
    expect(() => ginRedoRecompress(leafOf(segments), recordOf([{ segno: 0, action: GIN_SEGMENT_ADDITEMS, items: [item(1, 2)] }]))).toThrow('already holds');
    expect(() => ginRedoRecompress(leafOf(segments), recordOf([{ segno: 0, action: 7, items: [1] }]))).toThrow('unexpected GIN leaf action: 7');
    const full = Array.from({ length: 8100 }, (_, i) => item(1, 1) + i);
    expect(() => ginRedoRecompress(leafOf([full]), recordOf([{ segno: 1, action: GIN_SEGMENT_INSERT, items: full }]))).toThrow('do not fit the page');
  });
});
