/**
 * The multixacts' pages: where each one's members begin (offsets), and the members. Neither has page headers.
 * Follows RecordNewMultiXact() and multixact_redo(), access/transam/multixact.c, PG 13–18.
 *
 * From 14.21, 15.16, 16.12, 17.8 and 18.2 on a multixact also sets the offset of the next one, which is the end of its own members;
 * here that is done for all: the next one's record says the same value, so WAL of an older server ends in the same pages but for the
 * entry after its last multixact. Such WAL creates the last multixact of a page before it zeroes the next page, and zeroing
 * forgets the entry; until the next multixact the end of that one's members must be taken from elsewhere (a checkpoint's nextMultiOffset).
 */
import { BLCKSZ } from '../../pg/page.js';
import type { MultiXactMember, XlMultixactCreate } from './xlog.js';

export const MULTIXACT_OFFSETS_PER_PAGE = BLCKSZ / 4;
const MEMBERS_PER_GROUP = 4;
const GROUP_SIZE = 4 + 4 * MEMBERS_PER_GROUP;
const GROUPS_PER_PAGE = Math.floor(BLCKSZ / GROUP_SIZE);
export const MULTIXACT_MEMBERS_PER_PAGE = GROUPS_PER_PAGE * MEMBERS_PER_GROUP;

const FIRST_MULTIXACT_ID = 1;

/** MultiXactIdToOffsetPage() */
export function multixactOffsetPageOf(multi: number): number {
  return Math.floor(multi / MULTIXACT_OFFSETS_PER_PAGE);
}

/** MXOffsetToMemberPage() */
export function multixactMemberPageOf(offset: number): number {
  return Math.floor(offset / MULTIXACT_MEMBERS_PER_PAGE);
}

/** The multixact after `multi`: 0 is none, so the counter wraps to 1. */
export function nextMultixact(multi: number): number {
  const next = (multi + 1) >>> 0;
  return next < FIRST_MULTIXACT_ID ? FIRST_MULTIXACT_ID : next;
}

/** The pages that a CREATE_ID record touches, each once. Members may wrap around within one record. */
export function multixactPagesOf(create: XlMultixactCreate): { offsetPages: number[]; memberPages: number[] } {
  const memberPages = new Set<number>();
  for (let i = 0; i < create.members.length; i++) memberPages.add(multixactMemberPageOf((create.moff + i) >>> 0));
  return {
    offsetPages: [...new Set([multixactOffsetPageOf(create.mid), multixactOffsetPageOf(nextMultixact(create.mid))])],
    memberPages: [...memberPages],
  };
}

/** Applies a CREATE_ID record to offsets page `pageno`, in place: its own entry and the next one's, where they lie on it. */
export function applyToOffsetPage(page: DataView, pageno: number, create: XlMultixactCreate): void {
  if (multixactOffsetPageOf(create.mid) === pageno) page.setUint32(offsetEntryAt(create.mid), create.moff, true);
  const next = nextMultixact(create.mid);
  // offset 0 means "not set": it is never given out
  const end = (create.moff + create.members.length) >>> 0;
  if (multixactOffsetPageOf(next) === pageno) page.setUint32(offsetEntryAt(next), end === 0 ? 1 : end, true);
}

/** Applies a CREATE_ID record to members page `pageno`, in place. */
export function applyToMemberPage(page: DataView, pageno: number, create: XlMultixactCreate): void {
  create.members.forEach((member, i) => {
    const offset = (create.moff + i) >>> 0;
    if (multixactMemberPageOf(offset) !== pageno) return;
    const group = groupAt(offset);
    const inGroup = offset % MEMBERS_PER_GROUP;
    page.setUint32(group + 4 + inGroup * 4, member.xid, true);
    page.setUint8(group + inGroup, member.status);
  });
}

/** Where the members of `multi` begin; 0: not set. `page` is its offsets page. */
export function readMultixactOffset(page: DataView, multi: number): number {
  return page.getUint32(offsetEntryAt(multi), true);
}

/** The member at `offset`, on its members page. xid 0: the unused slot that offset 0 leaves at a wraparound. */
export function readMultixactMember(page: DataView, offset: number): MultiXactMember {
  const group = groupAt(offset);
  const inGroup = offset % MEMBERS_PER_GROUP;
  return { xid: page.getUint32(group + 4 + inGroup * 4, true), status: page.getUint8(group + inGroup) };
}

function offsetEntryAt(multi: number): number {
  return (multi % MULTIXACT_OFFSETS_PER_PAGE) * 4;
}

function groupAt(offset: number): number {
  return (Math.floor(offset / MEMBERS_PER_GROUP) % GROUPS_PER_PAGE) * GROUP_SIZE;
}
