import { describe, expect, it } from 'vitest';
import { BLCKSZ, Page } from '../../src/pg/page.js';
import { applyToMemberPage, applyToOffsetPage, multixactMemberPageOf, multixactOffsetPageOf } from '../../src/redo/multixact/redo.js';
import { MultixactView } from '../../src/store/multixactView.js';
import type { PageStore } from '../../src/store/pageStore.js';
import { Slru } from '../../src/store/slruKeys.js';
import type { Lsn } from '../../src/util/lsn.js';

describe('the members of a multixact', () => {
  const pages = new Map<string, Page>();
  let filler = 0;
  const page = (slru: number, number: number): Page => {
    const key = `${slru} ${number}`;
    if (!pages.has(key)) pages.set(key, new Page(new Uint8Array(BLCKSZ).fill(filler)));
    return pages.get(key)!;
  };
  const store = { getPage: (rel: { relNumber: number }, block: number) => ({ page: page(rel.relNumber, block) }) } as unknown as PageStore;
  const members = (multi: number): number[] => new MultixactView(store, 1000 as Lsn).members(multi).map(({ xid }) => xid);
  const create = (mid: number, moff: number, xids: number[]): void => {
    pages.clear();
    const record = { mid, moff, members: xids.map((xid) => ({ xid, status: 1 })) };
    for (const number of [mid, mid + 1].map(multixactOffsetPageOf)) applyToOffsetPage(page(Slru.multixactOffsets, number).view, number, record);
    for (const number of xids.map((_, i) => multixactMemberPageOf((moff + i) >>> 0))) applyToMemberPage(page(Slru.multixactMembers, number).view, number, record);
  };
  const setOffset = (multi: number, offset: number): void => page(Slru.multixactOffsets, 0).view.setUint32(multi * 4, offset, true);

  it('lie between its offset and the next one', () => {
    create(7, 1630, [800, 801, 802, 803, 804, 805, 806, 807]);
    expect(members(7)).toEqual([800, 801, 802, 803, 804, 805, 806, 807]);
  });

  it('end at the first unused one where the next offset is not written yet', () => {
    create(7, 100, [800, 801]);
    setOffset(8, 0);
    expect(members(7)).toEqual([800, 801]);
  });

  it('pass over offset 0 at a wraparound', () => {
    create(7, 0xffff_ffff, [800]);
    expect(members(7)).toEqual([800]);
  });

  it('are not known where their page is not there: none is left out in silence', () => {
    create(7, 100, [800, 801]);
    page(Slru.multixactMembers, 0).bytes.fill(0);
    expect(() => members(7)).toThrow('the members of multixact 7 are unknown');
    setOffset(8, 0);
    expect(() => members(7)).toThrow('the members of multixact 7 are unknown');
  });

  it('are refused where a damaged page claims more than there can be', () => {
    create(7, 100, [800, 801]);
    page(Slru.multixactMembers, 0).bytes.fill(1);
    filler = 1;
    setOffset(8, 99);
    expect(() => members(7)).toThrow('more than 1,048,576 members');
  });
});
