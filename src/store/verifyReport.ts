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

export interface ImageCounts {
  compared: number;
  different: number;
}

export interface BackupCounts extends ImageCounts {
  path: string;
  /** Pages that were being written while the backup copied them: torn or between two states, mended by replay. */
  inFlux: number;
  /** Visibility maps of databases cloned by WAL, whose bits that WAL leaves out: a recovery has them without, as we do. */
  notLogged: number;
  /** Relations whose contents no WAL carries. */
  unlogged: number;
}

export interface VerifyReport {
  walBytes: number;
  records: number;
  managers: Record<string, ManagerCounts>;
  hintImages: ImageCounts;
  backups: BackupCounts[];
  /** The first ones; `differencesTotal` counts all. */
  differences: PageDifference[];
  differencesTotal: number;
  /** What could not be checked, a clause each. */
  unchecked: string[];
}

const CHAIN_SHOWN = 20;
const BYTE_RUNS_SHOWN = 16;
const BYTES_A_RUN = 32;

/** Gathers a report. */
export class VerifyFindings {
  readonly report: VerifyReport = {
    walBytes: 0, records: 0, managers: {}, hintImages: { compared: 0, different: 0 }, backups: [], differences: [], differencesTotal: 0, unchecked: [],
  };

  constructor(private readonly wal: WalStore, private readonly maxDifferences: number) {}

  counts(rmid: number): ManagerCounts {
    return (this.report.managers[rmgrName(rmid)] ??= { records: 0, replayed: 0, compared: 0, different: 0, failed: 0, unhandled: 0 });
  }

  unchecked(text: string): void {
    if (!this.report.unchecked.includes(text)) this.report.unchecked.push(text);
  }

  /** Notes that a page differs at a record; `found`: the bytes, or why there are none. */
  atRecord(check: CheckKind, record: XLogRecord, rel: RelFork, block: number, found: ByteDifference[] | string, pages: PageStore): void {
    const { lsn, rmid } = record;
    const opcode = RMGRS[rmid]?.identify(record.info, record.major) ?? `0x${record.info.toString(16)}`;
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
    this.report.differences.push({
      ...head, rel: formatRelFork(rel), block,
      message: isText ? found : found.length > BYTE_RUNS_SHOWN ? `${found.length - BYTE_RUNS_SHOWN} more runs of bytes differ` : '',
      bytes: isText ? [] : found.slice(0, BYTE_RUNS_SHOWN).map(({ offset, ours, theirs }) => ({ offset, ours: hex(ours), theirs: hex(theirs) })),
      chain: entries.slice(-CHAIN_SHOWN).map((entry) => waldumpLine(this.wal.readRecord(entry.lsn))),
      chainLeftOut: Math.max(0, entries.length - CHAIN_SHOWN),
    });
  }
}

function hex(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, BYTES_A_RUN)).toString('hex');
  return bytes.length > BYTES_A_RUN ? `${text}… (${bytes.length} bytes)` : text;
}
