/**
 * Multixact members as of a moment, from the rebuilt offset and member pages.
 * Follows GetMultiXactIdMembers(), access/transam/multixact.c, PG 13–18.
 */
import { inputError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import {
  MULTIXACT_MEMBERS_PER_PAGE, multixactMemberPageOf, multixactOffsetPageOf, nextMultixact, readMultixactMember, readMultixactOffset,
} from '../redo/multixact/redo.js';
import type { MultiXactMember } from '../redo/multixact/xlog.js';
import type { PageStore } from './pageStore.js';
import { Slru, slruRelation } from './slruKeys.js';

/** MultiXactStatus: from here on the member updates or deletes, below it only locks. */
const MULTIXACT_STATUS_NO_KEY_UPDATE = 4;

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
    if (start === 0) throw inputError('multixact.missing', `the members of multixact ${multi} are unknown: neither the base backup nor the WAL up to this moment has them`, {}, 'check the base backup with walscope doctor: files of it are missing');
    const end = this.offset(nextMultixact(multi));
    // a next offset of 0 was not written yet: the members end with the first unused slot
    const limit = end === 0 ? MULTIXACT_MEMBERS_PER_PAGE * 2 : (end - start) >>> 0;
    const members: MultiXactMember[] = [];
    for (let i = 0, offset = start; i < limit; i++, offset = (offset + 1) >>> 0) {
      const member = this.member(offset);
      if (member.xid !== 0) members.push(member);
      else if (end === 0 && offset !== 0) break; // offset 0 is left unused at a wraparound
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
