/** What `walscope verify` finds: counts, the first differences with the records that led there, and what could not be checked. */
import { formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import type { XLogRecord } from '../pg/xlogRecord.js';
import type { ByteDifference } from '../redo/compareImage.js';
import { RMGRS, rmgrName } from '../redo/rmgrlist.js';
import { waldumpLine } from '../redo/waldumpText.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import type { PageStore } from './pageStore.js';
import type { WalStore } from './sources.js';

export interface ManagerCounts {
  records: number;
  /** Pages that its records were replayed on. */
  replayed: number;
  /** Pages held against the image that the record carries for wal_consistency_checking, after masking both. */
  compared: number;
  /** Of these, the ones that differ. */
  different: number;
  /** Replays that refused: the page was not what the record expects. */
  failed: number;
  /** Block references that nothing here can replay: an unknown manager. */
  unhandled: number;
}

export type CheckKind = 'consistency image' | 'hint-bit image' | 'backup' | 'replay';

export interface PageDifference {
  check: CheckKind;
  /** The record that carried the image, or the page's own LSN in a backup. */
  lsn: string;
  rmgr: string;
  /** pg_waldump's name of the record; empty for a backup. */
  opcode: string;
  rel: string;
  block: number;
  /** Why there is nothing to show, where there is not. */
  message: string;
  bytes: { offset: number; ours: string; theirs: string }[];
  /** The records that led to the page, oldest first, as pg_waldump prints them. */
  chain: string[];
  /** How many older records of the chain are left out. */
  chainLeftOut: number;
}

export const LEFT_OUT = 'tables that the index leaves out: walscope status names those that it holds';

export interface ImageCounts {
  compared: number;
  different: number;
}

/**
 * Pages that are counted apart: what a server does without WAL, so that no replay can be equal byte for byte, and pages that there is
 * nothing to compare with. The text says what of each was checked all the same.
 */
export const APART = {
  sequenceAhead: 'sequences that handed out values which the WAL had logged ahead; checked: last_value and log_cnt × increment make the logged value',
  spgistLastUsed: "SP-GiST metapages whose note of the pages last used is not logged; checked: the rest, and that the note names pages of the index's own",
  clonedMap: 'visibility map pages of databases cloned by WAL, whose bits that WAL leaves out; checked: every bit beyond ours stands for a heap page that is all visible',
  mended: "pages that were written while they were copied; checked: they are ours after the backup's own WAL",
  gone: 'pages of relations that were dropped or cut off while the backup was taken; not compared, recovery drops them too',
  extendedAhead: 'pages of zeros that a file was made longer by ahead of use, which is not logged',
  leftByCrash: 'pages of files that a crash left behind, written ahead of WAL that it lost; checked: no WAL mentions the file, and no record ends at the page\'s LSN',
  unloggedPages: 'pages of unlogged relations, which no WAL carries; not compared',
  freeSpaceMap: 'pages of free space maps, which are not logged; not compared',
  newerThanRecord: 'consistency images of pages that the base backup already has newer; not compared, as in recovery',
  noPage: 'consistency images of pages that are not there: what makes them is older than the base backup, or lost; not compared, as in recovery',
  gistTuplesDeleted: "GiST pages that differ in F_TUPLES_DELETED alone: gistprunepage() does not set it and the replay of its record does, so that PostgreSQL's own check fails there, too; some minor releases never set it",
  bloomInitFork: "metapages of unlogged bloom indexes' init forks, which no WAL makes from 16 on (GenericXLogStart() takes the relation's persistence, not the fork's), so that a recovery does not have them",
} as const;
export type ApartReason = keyof typeof APART;
/** Of these PostgreSQL's own replay is not its primary's equal: they are neither a fault of ours nor equal. */
export const POSTGRES_DISCREPANCIES: readonly ApartReason[] = ['gistTuplesDeleted', 'bloomInitFork'];

export type ApartCounts = Partial<Record<ApartReason, number>>;

export interface BackupCounts extends ImageCounts {
  path: string;
  apart: ApartCounts;
}

export interface VerifyReport {
  walBytes: number;
  records: number;
  managers: Record<string, ManagerCounts>;
  hintImages: ImageCounts;
  /** Images in the WAL that are counted apart. */
  apart: ApartCounts;
  backups: BackupCounts[];
  /** The first ones; `differencesTotal` counts all. */
  differences: PageDifference[];
  differencesTotal: number;
  /** Pages that records expect after the backup is consistent, and that neither it nor the WAL has: a recovery would end there. */
  missingPages: number;
  /** What could not be checked, a clause each. */
  unchecked: string[];
}

/** A difference with its place in the order of the whole run: the walk or backup, then the LSN or block range. */
interface PlacedDifference {
  order: [phase: number, position: number];
  difference: PageDifference;
}

/** A page that records expect and nobody has: the first such record. */
export interface MissingPage {
  rel: string;
  block: number;
  lsn: Lsn;
}

/** What one thread found; plain data, so that it can cross threads. */
export interface ShardReport {
  counts: Omit<VerifyReport, 'differences' | 'differencesTotal' | 'missingPages'>;
  differences: PlacedDifference[];
  differencesTotal: number;
  missing: MissingPage[];
}

const CHAIN_SHOWN = 20;
const BYTE_RUNS_SHOWN = 16;
const BYTES_A_RUN = 32;

/** Gathers what one thread finds. */
export class VerifyFindings {
  readonly report: ShardReport = {
    counts: { walBytes: 0, records: 0, managers: {}, hintImages: { compared: 0, different: 0 }, apart: {}, backups: [], unchecked: [] },
    differences: [], differencesTotal: 0, missing: [],
  };
  /** The walk or backup at hand, and the place in it: what orders differences. */
  phase = 0;
  position = 0;

  constructor(private readonly wal: WalStore, private readonly maxDifferences: number) {}

  counts(rmid: number): ManagerCounts {
    return (this.report.counts.managers[rmgrName(rmid)] ??= { records: 0, replayed: 0, compared: 0, different: 0, failed: 0, unhandled: 0 });
  }

  unchecked(text: string): void {
    const { unchecked } = this.report.counts;
    if (!unchecked.includes(text)) unchecked.push(text);
  }

  /** Notes that a page differs at a record; `found`: the bytes, or why there are none. */
  atRecord(check: CheckKind, record: XLogRecord, rel: RelFork, block: number, found: ByteDifference[] | string, pages: PageStore): void {
    const { lsn, rmid } = record;
    const opcode = RMGRS[rmid]?.identify(record.info, record.major) ?? `0x${record.info.toString(16)}`;
    this.position = lsn;
    // everything up to the record itself, which begins at its LSN
    this.add({ check, lsn: formatLsn(lsn), rmgr: rmgrName(rmid), opcode }, rel, block, found, pages, (lsn + 1) as Lsn);
  }

  /** Notes that a page of a backup differs from ours at its own LSN. */
  inBackup(pageLsn: Lsn, rmgr: string, rel: RelFork, block: number, found: ByteDifference[] | string, pages: PageStore, upTo: Lsn): void {
    this.add({ check: 'backup', lsn: formatLsn(pageLsn), rmgr, opcode: '' }, rel, block, found, pages, upTo);
  }

  private add(head: Pick<PageDifference, 'check' | 'lsn' | 'rmgr' | 'opcode'>, rel: RelFork, block: number, found: ByteDifference[] | string, pages: PageStore, upTo: Lsn): void {
    this.report.differencesTotal++;
    if (this.report.differences.length >= this.maxDifferences) return;
    const isText = typeof found === 'string';
    const entries = pages.chain(rel, block, upTo).entries;
    const difference: PageDifference = {
      ...head, rel: formatRelFork(rel), block,
      message: isText ? found : found.length > BYTE_RUNS_SHOWN ? `${found.length - BYTE_RUNS_SHOWN} more runs of bytes differ` : '',
      bytes: isText ? [] : found.slice(0, BYTE_RUNS_SHOWN).map(({ offset, ours, theirs }) => ({ offset, ours: hex(ours), theirs: hex(theirs) })),
      chain: entries.slice(-CHAIN_SHOWN).map((entry) => waldumpLine(this.wal.readRecord(entry.lsn))),
      chainLeftOut: Math.max(0, entries.length - CHAIN_SHOWN),
    };
    this.report.differences.push({ order: [this.phase, this.position], difference });
  }
}

function hex(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, BYTES_A_RUN)).toString('hex');
  return bytes.length > BYTES_A_RUN ? `${text}… (${bytes.length} bytes)` : text;
}

export function countApart(counts: ApartCounts, reason: ApartReason, pages = 1): void {
  counts[reason] = (counts[reason] ?? 0) + pages;
}

/** The report of a run from its threads' parts: the same for any number of threads. */
export function mergeShards(shards: readonly ShardReport[], maxDifferences: number): VerifyReport {
  const [first, ...others] = shards.map((shard) => structuredClone(shard.counts));
  for (const part of others) addCounts(first!, part);
  const missing = shards.flatMap((shard) => shard.missing);
  const unchecked = [...first!.unchecked, ...missingPages(missing)];
  const placed = shards.flatMap((shard) => shard.differences).sort((a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1]);
  return {
    ...first!, missingPages: missing.length, unchecked, managers: Object.fromEntries(Object.entries(first!.managers).sort(([a], [b]) => (a < b ? -1 : 1))),
    differences: placed.slice(0, maxDifferences).map(({ difference }) => difference),
    differencesTotal: shards.reduce((sum, shard) => sum + shard.differencesTotal, 0),
  };
}

function addCounts(into: ShardReport['counts'], part: ShardReport['counts']): void {
  into.walBytes += part.walBytes;
  into.records += part.records;
  for (const [name, counts] of Object.entries(part.managers)) {
    const sum = (into.managers[name] ??= { records: 0, replayed: 0, compared: 0, different: 0, failed: 0, unhandled: 0 });
    for (const key of Object.keys(counts) as (keyof ManagerCounts)[]) sum[key] += counts[key];
  }
  addImages(into.hintImages, part.hintImages);
  addApart(into.apart, part.apart);
  part.backups.forEach((backup, i) => {
    addImages(into.backups[i]!, backup);
    addApart(into.backups[i]!.apart, backup.apart);
  });
  for (const text of part.unchecked) if (!into.unchecked.includes(text)) into.unchecked.push(text);
}

function addImages(into: ImageCounts, part: ImageCounts): void {
  into.compared += part.compared;
  into.different += part.different;
}

function addApart(into: ApartCounts, part: ApartCounts): void {
  for (const [reason, pages] of Object.entries(part)) countApart(into, reason as ApartReason, pages);
}

/** A line a relation that lacks pages, in the order in which WAL asked for them. */
function missingPages(missing: readonly MissingPage[]): string[] {
  const byRelation = new Map<string, MissingPage[]>();
  for (const page of [...missing].sort((a, b) => a.lsn - b.lsn || a.block - b.block)) {
    const list = byRelation.get(page.rel);
    if (list) list.push(page);
    else byRelation.set(page.rel, [page]);
  }
  return [...byRelation].map(([rel, pages]) =>
    `${pages.length} page${pages.length === 1 ? '' : 's'} of ${rel} that records expect and neither the backup nor the WAL has (the first: block ${pages[0]!.block}, at ${formatLsn(pages[0]!.lsn)})`);
}
