/**
 * Multixact members as of a moment, from the rebuilt offset and member pages.
 * Follows GetMultiXactIdMembers(), access/transam/multixact.c, PG 13–18.
 */
import { inputError, type WalscopeError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import {
  multixactMemberPageOf, multixactOffsetPageOf, nextMultixact, readMultixactMember, readMultixactOffset,
} from '../redo/multixact/redo.js';
import type { MultiXactMember } from '../redo/multixact/xlog.js';
import type { PageStore } from './pageStore.js';
import { Slru, slruRelation } from './slruKeys.js';

/** MultiXactStatus: from here on the member updates or deletes, below it only locks. */
const MULTIXACT_STATUS_NO_KEY_UPDATE = 4;

/** A member is a transaction that was under way at the same time: no server has had that many. More is what a damaged page says. */
const MAX_MEMBERS = 1 << 20;

export class MultixactView {
  private readonly known = new Map<number, MultiXactMember[]>();

  constructor(private readonly pages: PageStore, private readonly upTo: Lsn) {}

  members(multi: number): MultiXactMember[] {
    let members = this.known.get(multi);
    if (!members) this.known.set(multi, (members = this.read(multi)));
    return members;
  }

  /** The member that updated or deleted; 0: none. */
  updater(multi: number): number {
    return this.members(multi).find((member) => member.status >= MULTIXACT_STATUS_NO_KEY_UPDATE)?.xid ?? 0;
  }

  private read(multi: number): MultiXactMember[] {
    const start = this.offset(multi);
    // no multixact has its members at offset 0, which stands for none
    if (start === 0) throw missing(multi);
    const end = this.offset(nextMultixact(multi));
    // a next offset of 0 was not written yet: the members end with the first unused slot
    const isOpen = end === 0;
    const count = isOpen ? Infinity : (end - start) >>> 0;
    const members: MultiXactMember[] = [];
    for (let i = 0, offset = start; i < count; i++, offset = (offset + 1) >>> 0) {
      if (i > MAX_MEMBERS) throw damaged(multi);
      const member = this.member(offset);
      if (member.xid !== 0) members.push(member);
      else if (offset === 0) continue; // left unused at a wraparound
      else if (isOpen && i > 0) break;
      else throw missing(multi);
    }
    return members;
  }

  private offset(multi: number): number {
    const page = this.pages.getPage(slruRelation(Slru.multixactOffsets), multixactOffsetPageOf(multi), this.upTo);
    return page ? readMultixactOffset(page.page.view, multi) : 0;
  }

  private member(offset: number): MultiXactMember {
    const page = this.pages.getPage(slruRelation(Slru.multixactMembers), multixactMemberPageOf(offset), this.upTo);
    return page ? readMultixactMember(page.page.view, offset) : { xid: 0, status: 0 };
  }
}

function missing(multi: number): WalscopeError {
  return inputError('multixact.missing', `the members of multixact ${multi} are unknown: neither the base backup nor the WAL up to this moment has them`, {}, 'check the base backup with walscope doctor: files of it are missing');
}

function damaged(multi: number): WalscopeError {
  return inputError('multixact.damaged', `multixact ${multi} would have more than ${MAX_MEMBERS.toLocaleString('en-US')} members: pg_multixact/offsets is damaged`, {}, 'check the base backup with walscope doctor');
}
