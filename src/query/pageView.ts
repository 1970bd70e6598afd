/** A page as of a moment, with the records that made it. */
import { ForkNumber, sameRelation, type RelFork } from '../pg/relFileLocator.js';
import { describePage, type PageDescription, type PageKind } from '../pg/describePage.js';
import { BLCKSZ, Page } from '../pg/page.js';
import type { Relation } from '../catalog/relation.js';
import { waldumpDetails, waldumpLine } from '../redo/waldumpText.js';
import { replayRecord } from '../redo/replay.js';
import { ENTRY_IMPLICIT, ENTRY_STARTS_CHAIN } from '../layerfile/deltaLayer.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import type { DatabaseAt } from './session.js';

export interface PageAnswer {
  relation: Relation;
  fork: RelFork;
  block: number;
  bytes: Uint8Array;
  description: PageDescription;
  unknown: { lsn: Lsn; rmgr: string } | undefined;
}

/** A record of a page's chain. */
export interface ChainRecord {
  lsn: Lsn;
  /** As pg_waldump prints it. */
  line: string;
  /** As pg_waldump --bkp-details prints it. */
  details: string[];
  /** The entry starts the chain: the page is what this record says, whatever was before. */
  startsChain: boolean;
  /** The record carries an image of this page to restore. */
  hasImage: boolean;
  /** Edited without a block reference (the visibility map). */
  implicit: boolean;
}

/** One byte range that a record changed. */
export interface ByteChange {
  offset: number;
  before: Uint8Array;
  after: Uint8Array;
}

const FORKS = ['main', 'fsm', 'vm', 'init'] as const;

/** A fork's number by its name (main, fsm, vm, init). Throws `usage.fork`. */
export function parseFork(name: string): number {
  const fork = FORKS.findIndex((known) => known === name);
  if (fork < 0) throw new WalscopeError('usage.fork', `unknown fork "${name}"`, { exitCode: ExitCode.usage, hint: 'use main, fsm, vm or init' });
  return fork;
}

/** Rebuilds a page. Refuses what has no pages, and a block past the fork's end by naming its size. */
export function pageAsOf(database: DatabaseAt, relation: Relation, block: number, fork: number): PageAnswer {
  const rel = forkOf(relation, fork);
  const found = database.snapshot.page(rel, block);
  if (!found) {
    if (fork !== ForkNumber.init) database.refuseUnlogged(relation);
    if (fork === ForkNumber.main) database.snapshot.requireFork(rel);
    throw absentPage(relation, block, fork, database.snapshot.blocks(rel) ?? 0, 'at this moment');
  }
  const bytes = found.page.bytes.slice();
  return { relation, fork: rel, block, bytes, description: describePage(new Page(bytes), pageKind(database, relation, fork), block, database.snapshot.major), unknown: found.unknown };
}

function forkOf(relation: Relation, fork: number): RelFork {
  if (relation.locator.relNumber === 0) {
    throw new WalscopeError('page.no_storage', `${relation.name} has no pages of its own`, { exitCode: ExitCode.usage, hint: 'name a table or an index' });
  }
  return { ...relation.locator, fork };
}

/** Access methods by name (pg_am); a table's is heap unless an extension says otherwise. */
export function pageKind(database: DatabaseAt, relation: Relation, fork: number): PageKind {
  if (fork === ForkNumber.vm) return 'vm';
  if (fork === ForkNumber.fsm) return 'fsm';
  if (relation.kind === 'S') return 'sequence';
  const name = database.types.accessMethod(relation.amOid);
  const known: readonly PageKind[] = ['heap', 'btree', 'hash', 'gin', 'gist', 'spgist', 'brin'];
  return known.find((kind) => kind === name) ?? 'heap';
}

/** The records that make the page as of the moment, oldest first; `usesBase`: they begin over the base backup's page. */
export function pageChain(database: DatabaseAt, relation: Relation, block: number, fork: number): { records: ChainRecord[]; usesBase: boolean } {
  const { store } = database.session;
  const rel = forkOf(relation, fork);
  const chain = store.pages.chain(rel, block, database.moment.lsn);
  const records = chain.entries.map((entry): ChainRecord => {
    const record = store.wal.readRecord(entry.lsn);
    const ref = record.blocks.find((each) => each.block === block && each.fork === fork && sameRelation(each, rel));
    return {
      lsn: entry.lsn, line: waldumpLine(record), details: waldumpDetails(record), hasImage: ref !== undefined && ref.hasImage && ref.applyImage,
      startsChain: (entry.bits & ENTRY_STARTS_CHAIN) !== 0, implicit: (entry.bits & ENTRY_IMPLICIT) !== 0,
    };
  });
  return { records, usesBase: chain.usesBase };
}

/** The page after each record of its chain, and which bytes that record changed. `visit` gets a page that is overwritten afterwards. */
export function stepChain(database: DatabaseAt, relation: Relation, block: number, fork: number, visit: (record: ChainRecord, page: Page, changes: ByteChange[]) => void): void {
  const { store } = database.session;
  const rel = forkOf(relation, fork);
  const { records, usesBase } = pageChain(database, relation, block, fork);
  const base = usesBase ? store.pages.basePage(rel, block, database.moment.lsn) : null;
  const page = new Page(base ?? new Uint8Array(BLCKSZ));
  for (const line of records) {
    const before = page.bytes.slice();
    replayRecord(store.wal.readRecord(line.lsn), rel, block, page, { hintBitsLogged: store.pages.hintBitsLogged(line.lsn) });
    visit(line, page, byteChanges(before, page.bytes));
  }
}

/** A byte range that differs between two moments, and the part of the later page in which it begins. */
export interface PageChange extends ByteChange {
  where: string;
}

/** Which bytes of a page changed between two positions; a block that one of them lacks counts as zeros. */
export function pageDiff(database: DatabaseAt, relation: Relation, block: number, fork: number, from: Lsn, to: Lsn): PageChange[] {
  const { store } = database.session;
  const rel = forkOf(relation, fork);
  const at = (lsn: Lsn): Uint8Array | undefined => {
    const found = store.pages.getPage(rel, block, lsn);
    if (found?.unknown) throw unknownPage(relation, block, found.unknown);
    return found?.page.bytes.slice();
  };
  const before = at(from);
  const after = at(to);
  if (!before && !after) throw absentPage(relation, block, fork, 0, 'at either moment');
  const later = after ?? before!;
  const description = describePage(new Page(later), pageKind(database, relation, fork), block, database.snapshot.major);
  return byteChanges(before ?? new Uint8Array(BLCKSZ), after ?? new Uint8Array(BLCKSZ)).map((change) => ({ ...change, where: partOfPage(description, change.offset) }));
}

/** The part of a page that a byte belongs to, in words. */
export function partOfPage(description: PageDescription, offset: number): string {
  const HEADER_FIELDS: [number, string][] = [[8, 'pd_lsn'], [10, 'pd_checksum'], [12, 'pd_flags'], [14, 'pd_lower'], [16, 'pd_upper'], [18, 'pd_special'], [20, 'pd_pagesize_version'], [24, 'pd_prune_xid']];
  const LINE_POINTER_BYTES = 4;
  const field = HEADER_FIELDS.find(([end]) => offset < end);
  if (field) return field[1];
  const pointer = Math.floor((offset - HEADER_FIELDS.at(-1)![0]) / LINE_POINTER_BYTES) + 1;
  if (pointer <= description.linePointers.length) return `line pointer ${pointer}`;
  const item = description.linePointers.find((lp) => lp.len > 0 && offset >= lp.off && offset < lp.off + lp.len);
  if (item) return `item ${item.offnum} + ${offset - item.off}`;
  const { lower, upper, special } = description.header;
  if (offset >= Number(special) && Number(special) > 0) return 'special space';
  if (offset >= Number(lower) && offset < Number(upper)) return 'free space';
  return 'contents';
}

/** What to say of a block whose state a record that cannot be replayed has hidden. */
export function unknownPage(relation: Relation, block: number, unknown: { lsn: Lsn; rmgr: string }): WalscopeError {
  return new WalscopeError('page.unknown', `block ${block} of ${relation.name} is unknown after LSN ${formatLsn(unknown.lsn)} (${unknown.rmgr})`, {
    exitCode: ExitCode.partial, hint: `ask for a moment before it, --at ${formatLsn(unknown.lsn)}`, place: { lsn: formatLsn(unknown.lsn), rmgr: unknown.rmgr },
  });
}

function absentPage(relation: Relation, block: number, fork: number, blocks: number, when: string): WalscopeError {
  return new WalscopeError('page.absent', `${relation.name} has no block ${block} in its ${FORKS[fork]!} fork ${when}`, {
    exitCode: ExitCode.usage, hint: blocks === 0 ? 'the fork is empty' : `its blocks are 0 to ${blocks - 1}`,
  });
}

const MERGE_WITHIN_BYTES = 8;

/** Ranges in which two pages differ; ranges a few bytes apart are one. */
export function byteChanges(before: Uint8Array, after: Uint8Array): ByteChange[] {
  const changes: ByteChange[] = [];
  let start = -1;
  let last = -1;
  const close = (): void => {
    if (start >= 0) changes.push({ offset: start, before: before.slice(start, last + 1), after: after.slice(start, last + 1) });
  };
  for (let i = 0; i < after.length; i++) {
    if (before[i] === after[i]) continue;
    if (start < 0 || i - last > MERGE_WITHIN_BYTES) {
      close();
      start = i;
    }
    last = i;
  }
  close();
  return changes;
}
