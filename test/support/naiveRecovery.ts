/**
 * Recovery in the plainest form, as an oracle for redo: every record in LSN order, every page in memory, and each image that
 * wal_consistency_checking wrote held against the page that replay made: verifyBackupPageConsistency(), xlogrecovery.c.
 *
 *     npx tsx test/support/naiveRecovery.ts MAJOR WALDIR [BACKUPDIR]
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { restoreBlockImage } from '../../src/pg/blockImage.js';
import { Page } from '../../src/pg/page.js';
import { formatRelFork, type RelFork } from '../../src/pg/relFileLocator.js';
import type { PgMajor } from '../../src/pg/version.js';
import { visibilitymapTruncationLength } from '../../src/pg/visibilityMap.js';
import { XLogReader, type WalEnd } from '../../src/pg/xlogReader.js';
import { XLogRecord, type BlockRef } from '../../src/pg/xlogRecord.js';
import { PageComparer, type ByteDifference } from '../../src/redo/compareImage.js';
import { replayRecord, type ReplayOutcome } from '../../src/redo/replay.js';
import { RMGRS, RmgrId, rmgrName } from '../../src/redo/rmgrlist.js';
import { dbaseOpcode, readXlDbaseCreateFileCopy, readXlDbaseCreateWalLog, readXlDbaseDrop, XLOG_DBASE_CREATE_FILE_COPY, XLOG_DBASE_CREATE_WAL_LOG, XLOG_DBASE_DROP } from '../../src/redo/dbase/xlog.js';
import { readXlSmgrCreate, readXlSmgrTruncate, SMGR_TRUNCATE_FSM, SMGR_TRUNCATE_HEAP, SMGR_TRUNCATE_VM, XLOG_SMGR_CREATE, XLOG_SMGR_TRUNCATE } from '../../src/redo/smgr/xlog.js';
import { parseAbortRecord, parseCommitRecord, xactOpcode, XLOG_XACT_ABORT, XLOG_XACT_ABORT_PREPARED, XLOG_XACT_COMMIT, XLOG_XACT_COMMIT_PREPARED } from '../../src/redo/xact/xlog.js';
import { WalscopeError } from '../../src/util/errors.js';
import { formatLsn, parseLsn, type Lsn } from '../../src/util/lsn.js';
import { NaivePages } from './naivePages.js';
import { WalDirectory } from './walDirectory.js';

export interface RmgrCounts {
  records: number;
  /** Consistency images that were held against a replayed page. */
  compared: number;
  different: number;
  /** Block references that no redo handled. */
  unhandled: number;
  /** Replays that threw. */
  failed: number;
}

export interface Difference {
  lsn: string;
  rmgr: string;
  opcode: string;
  block: string;
  /** The bytes that differ after masking, `offset:replayed/primary` in hex; or what replay threw. */
  detail: string;
}

export interface NaiveReport {
  start: string;
  end: WalEnd | undefined;
  records: number;
  rmgrs: Record<string, RmgrCounts>;
  /** References to blocks of which nothing was known: no base, no image, no init. */
  withoutBase: number;
  differences: Difference[];
}

export interface NaiveOptions {
  walDir: string;
  /** A plain base backup: replay starts at its backup_label's position. Without it, at the first segment, knowing no page. */
  backupDir?: string;
  major?: PgMajor;
  /** The cluster has data checksums or wal_log_hints. */
  hintBitsLogged?: boolean;
  maxDifferences?: number;
}

export class NaiveRecovery {
  readonly pages: NaivePages;
  readonly report: NaiveReport;
  readonly wal: WalDirectory;
  private readonly comparer: PageComparer;
  private readonly image = new Page();

  constructor(private readonly options: NaiveOptions) {
    this.wal = new WalDirectory(options.walDir);
    if (options.major !== undefined && options.major !== this.wal.major) throw new Error(`the WAL is of PostgreSQL ${this.wal.major}`);
    this.comparer = new PageComparer(this.wal.major);
    this.pages = new NaivePages(this.wal.major, options.backupDir);
    this.report = { start: '', end: undefined, records: 0, rmgrs: {}, withoutBase: 0, differences: [] };
  }

  /** Replays to the end of the WAL, or to `untilLsn`: all records that end at or before it. */
  run(untilLsn?: Lsn): NaiveReport {
    const reader = new XLogReader(this.wal, { major: this.wal.major, systemIdentifier: this.wal.systemIdentifier });
    const record = new XLogRecord();
    const start = reader.seek(this.startLsn(), record);
    if (start === undefined) throw reader.end!.error;
    this.report.start = formatLsn(start);
    while (reader.next(record)) {
      if (untilLsn !== undefined && record.endLsn > untilLsn) break;
      this.apply(record);
    }
    this.report.end = reader.end;
    this.wal.close();
    return this.report;
  }

  private startLsn(): Lsn {
    const label = this.options.backupDir === undefined ? undefined : join(this.options.backupDir, 'backup_label');
    if (label === undefined || !existsSync(label)) return this.wal.firstLsn;
    const match = /^START WAL LOCATION: ([0-9A-F/]+)/m.exec(readFileSync(label, 'utf8'));
    const lsn = match ? parseLsn(match[1]!) : undefined;
    if (lsn === undefined) throw new Error(`no start position in ${label}`);
    return lsn;
  }

  private counts(rmid: number): RmgrCounts {
    return (this.report.rmgrs[rmgrName(rmid)] ??= { records: 0, compared: 0, different: 0, unhandled: 0, failed: 0 });
  }

  private apply(record: XLogRecord): void {
    this.report.records++;
    this.counts(record.rmid).records++;
    for (const ref of record.blocks) this.applyTo(record, ref, ref);
    RMGRS[record.rmid]?.implicitEdits?.(record, (rel, block) => {
      if (record.blocks.some((ref) => ref.block === block && formatRelFork(ref) === formatRelFork(rel))) return;
      const page = this.pages.get(rel, block);
      if (page) this.replay(record, rel, block, page);
    });
    for (const ref of record.blocks) if (ref.hasImage && !ref.applyImage) this.verify(record, ref);
    this.applyToFiles(record);
  }

  private applyTo(record: XLogRecord, rel: RelFork, ref: BlockRef): void {
    const startsChain = ref.willInit || (ref.hasImage && ref.applyImage);
    const page = this.pages.get(rel, ref.block) ?? (startsChain ? new Page() : undefined);
    if (!page) {
      this.report.withoutBase++;
      return;
    }
    this.pages.put(rel, ref.block, page);
    if (this.replay(record, rel, ref.block, page) === 'unknown') this.counts(record.rmid).unhandled++;
  }

  private replay(record: XLogRecord, rel: RelFork, block: number, page: Page): ReplayOutcome | undefined {
    try {
      return replayRecord(record, rel, block, page, this.options);
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      this.counts(record.rmid).failed++;
      this.differs(record, rel, block, error.message);
      return undefined;
    }
  }

  /** verifyBackupPageConsistency() for one block. A page that differs, or that nobody knew, goes on as the primary had it. */
  private verify(record: XLogRecord, ref: BlockRef): void {
    restoreBlockImage(record, ref, this.image.bytes);
    const page = this.pages.get(ref, ref.block);
    const rmgr = RMGRS[record.rmid];
    const counts = this.counts(record.rmid);
    if (page && rmgr?.redo) {
      if (page.lsn > record.endLsn) return;
      counts.compared++;
      const difference = this.comparer.compare(page, this.image, rmgr.mask, ref.block);
      if (difference === undefined) return;
      counts.different++;
      this.differs(record, ref, ref.block, typeof difference === 'string' ? difference : difference.map(describeBytes).join(' '));
    }
    const copy = new Page(this.image.bytes.slice());
    if (!copy.isNew) copy.lsn = record.endLsn;
    this.pages.put(ref, ref.block, copy);
  }

  private differs(record: XLogRecord, rel: RelFork, block: number, detail: string): void {
    if (this.report.differences.length >= (this.options.maxDifferences ?? 20)) return;
    this.report.differences.push({
      lsn: formatLsn(record.lsn),
      rmgr: rmgrName(record.rmid),
      opcode: RMGRS[record.rmid]?.identify(record.info, record.major) ?? `0x${hex2(record.info)}`,
      block: `${formatRelFork(rel)} block ${block}`,
      detail,
    });
  }

  /** Records that create, truncate and remove whole files. */
  private applyToFiles(record: XLogRecord): void {
    if (record.rmid === RmgrId.smgr) {
      if (record.rmgrInfo === XLOG_SMGR_CREATE) this.pages.create(readXlSmgrCreate(record));
      else if (record.rmgrInfo === XLOG_SMGR_TRUNCATE) this.truncate(record);
    } else if (record.rmid === RmgrId.xact) {
      const opcode = xactOpcode(record);
      if (opcode === XLOG_XACT_COMMIT || opcode === XLOG_XACT_COMMIT_PREPARED) for (const rel of parseCommitRecord(record).xlocators) this.pages.drop(rel);
      else if (opcode === XLOG_XACT_ABORT || opcode === XLOG_XACT_ABORT_PREPARED) for (const rel of parseAbortRecord(record).xlocators) this.pages.drop(rel);
    } else if (record.rmid === RmgrId.dbase) {
      this.applyDbase(record);
    }
  }

  private applyDbase(record: XLogRecord): void {
    const opcode = dbaseOpcode(record.info, record.major);
    if (opcode === XLOG_DBASE_CREATE_FILE_COPY) {
      const { dbId, tablespaceId, srcDbId, srcTablespaceId } = readXlDbaseCreateFileCopy(record);
      this.pages.copyDatabase({ spcOid: srcTablespaceId, dbOid: srcDbId }, { spcOid: tablespaceId, dbOid: dbId });
    } else if (opcode === XLOG_DBASE_CREATE_WAL_LOG) {
      const { dbId, tablespaceId } = readXlDbaseCreateWalLog(record);
      this.pages.dropDatabase(tablespaceId, dbId);
    } else if (opcode === XLOG_DBASE_DROP) {
      const { dbId, tablespaceIds } = readXlDbaseDrop(record);
      for (const tablespaceId of tablespaceIds) this.pages.dropDatabase(tablespaceId, dbId);
    }
  }

  private truncate(record: XLogRecord): void {
    const { rel, blkno, flags } = readXlSmgrTruncate(record);
    if ((flags & SMGR_TRUNCATE_HEAP) !== 0) this.pages.truncate(rel, blkno);
    if ((flags & SMGR_TRUNCATE_FSM) !== 0) this.pages.truncate({ ...rel, fork: 1 }, 0); // never compared: rebuilt heuristically
    // the page that the cut goes through is an implicit edit
    if ((flags & SMGR_TRUNCATE_VM) !== 0) this.pages.truncate({ ...rel, fork: 2 }, visibilitymapTruncationLength(blkno));
  }
}

export function runNaiveRecovery(options: NaiveOptions): NaiveReport {
  return new NaiveRecovery(options).run();
}

function describeBytes({ offset, ours, theirs }: ByteDifference): string {
  return `${offset}:${Buffer.from(ours).toString('hex')}/${Buffer.from(theirs).toString('hex')}`;
}

function hex2(n: number): string {
  return n.toString(16).padStart(2, '0');
}

function main(): void {
  const [major, walDir, backupDir] = process.argv.slice(2);
  if (walDir === undefined) {
    console.error('usage: npx tsx test/support/naiveRecovery.ts MAJOR WALDIR [BACKUPDIR]');
    process.exitCode = 2;
    return;
  }
  const report = runNaiveRecovery({ major: Number(major) as PgMajor, walDir, backupDir });
  console.log(`${report.records} records from ${report.start} to ${report.end ? `${formatLsn(report.end.lsn)} (${report.end.error.message})` : '?'}; ${report.withoutBase} references without base`);
  console.table(report.rmgrs);
  for (const d of report.differences) console.log(`${d.lsn} ${d.rmgr} ${d.opcode} ${d.block}: ${d.detail}`);
  const bad = Object.values(report.rmgrs).reduce((sum, r) => sum + r.different + r.failed, 0);
  process.exitCode = bad === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
