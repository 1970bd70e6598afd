/** A page as of a moment, with the records that made it. */
import { ForkNumber, type RelFork } from '../pg/relFileLocator.js';
import { describePage, type PageDescription, type PageKind } from '../pg/describePage.js';
import { BLCKSZ, Page } from '../pg/page.js';
import type { Relation } from '../catalog/relation.js';
import { waldumpDetails, waldumpLine } from '../redo/waldumpText.js';
import { replayRecord } from '../redo/replay.js';
import { ENTRY_IMPLICIT, ENTRY_STARTS_CHAIN } from '../layerfile/deltaLayer.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
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
    const blocks = database.snapshot.blocks(rel) ?? 0;
    throw new WalscopeError('page.absent', `${relation.name} has no block ${block} in its ${FORKS[fork]!} fork at this moment`, {
      exitCode: ExitCode.usage, hint: blocks === 0 ? 'the fork is empty' : `its blocks are 0 to ${blocks - 1}`,
    });
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

/** The records that make the page as of the moment, oldest first. */
export function pageChain(database: DatabaseAt, relation: Relation, block: number, fork: number): { records: ChainRecord[]; usesBase: boolean } {
  const { store } = database.session;
  const chain = store.pages.chain(forkOf(relation, fork), block, database.moment.lsn);
  const records = chain.entries.map((entry) => ({
    lsn: entry.lsn, line: waldumpLine(store.wal.readRecord(entry.lsn)), details: waldumpDetails(store.wal.readRecord(entry.lsn)),
    startsChain: (entry.bits & ENTRY_STARTS_CHAIN) !== 0, implicit: (entry.bits & ENTRY_IMPLICIT) !== 0,
  }));
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
    replayRecord(store.wal.readRecord(line.lsn), rel, block, page);
    visit(line, page, byteChanges(before, page.bytes));
  }
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

