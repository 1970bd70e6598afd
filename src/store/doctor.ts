/** `walscope doctor`: the health of an archive and of its index. Reads all WAL and every layer once, of the backups what is small; changes nothing. */
import type { WalArchive } from '../archive/walArchive.js';
import type { Manifest, ManifestBackup, ManifestPack } from '../layerfile/manifest.js';
import { openCaseArchive } from './caseArchive.js';
import { CaseWal, checkPack } from './caseWal.js';
import { reopenCaseBackup } from './backups.js';
import { WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { checkLayerFile, layerFiles } from './layerFiles.js';
import type { DoctorFinding, DoctorReport } from './doctorReport.js';
import { BackupExamination } from './doctorBackup.js';
import { shortTables } from './doctorTables.js';
import { openCase } from './openCase.js';
import { relFilePath } from '../pg/relFilePath.js';
import { examineWal, walBytesToRead, type TimelineBytes } from './doctorWal.js';
import { interrupted } from './interrupted.js';

export interface DoctorOptions {
  caseDir: string;
  manifest: Manifest;
  onProgress?: (share: number, what: string) => void;
  signal?: AbortSignal;
}

/** What to do about findings that the archive itself makes. */
const HINTS: Record<string, string> = {
  'wal.duplicate_differs': 'find out which copy is right and remove the other one',
  'wal.history_missing': 'put the .history file back into the archive',
  'wal.segment_short': 'copy the segment again from where it was archived',
  'wal.foreign_segments': 'keep the WAL of each cluster in a folder of its own',
};
const DEFAULT_HINT = 'restore the file from another copy';

/** Examines the case. Findings are listed, whatever they are; only a bug or ^C ends it early. */
export async function examineCase(options: DoctorOptions): Promise<DoctorReport> {
  return new Doctor(options).run();
}

class Doctor {
  private readonly report: DoctorReport = {
    wal: { bytes: 0, records: 0, segments: 0 }, timelines: [], backups: [], layers: { files: 0, bytes: 0, records: 0 }, packs: { files: 0, bytes: 0, walBytes: 0 }, findings: [],
  };

  constructor(private readonly options: DoctorOptions) {}

  async run(): Promise<DoctorReport> {
    const { manifest } = this.options;
    this.layers();
    for (const entry of manifest.packs) await this.pack(entry);
    const isWhole = this.report.findings.length === 0;
    for (const backup of manifest.backups) await this.backup(backup);
    if (isWhole) await this.tables();
    const archive = this.attempt(() => openCaseArchive(manifest.wal, BigInt(manifest.systemIdentifier), manifest));
    if (archive) await this.archive(archive);
    return this.report;
  }

  private readonly find = (finding: DoctorFinding): void => {
    if (!this.report.findings.some(({ message }) => message === finding.message)) this.report.findings.push(finding);
  };

  private fromArchive({ code, message, place }: Finding): void {
    this.find({ code, message, place: place ?? {}, hint: HINTS[code] ?? DEFAULT_HINT });
  }

  /** Runs `work`; bad input becomes a finding. */
  private attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      this.fromError(error);
      return undefined;
    }
  }

  private fromError(error: WalscopeError): void {
    this.find({ code: error.code, message: error.message, place: error.options.place ?? {}, hint: error.options.hint ?? DEFAULT_HINT });
  }

  private readonly turn = async (share: number, what: string): Promise<void> => {
    this.options.onProgress?.(share, what);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.options.signal?.aborted) throw interrupted();
  };

  /** Every block of every layer, and that they cover their runs without a hole. */
  private layers(): void {
    const { caseDir, manifest } = this.options;
    for (const file of layerFiles(manifest)) {
      for (const error of checkLayerFile(caseDir, file)) this.fromError(error);
      this.report.layers.files++;
      this.report.layers.bytes += file.bytes;
    }
    this.report.layers.records = manifest.layers.reduce((sum, { records }) => sum + records, 0);
    for (const run of manifest.runs) this.runIsCovered(run.startLsn, run.endLsn);
  }

  private async pack(entry: ManifestPack): Promise<void> {
    await this.turn(0, `reading ${entry.name}`);
    for (const error of checkPack(this.options.caseDir, entry)) this.fromError(error);
    this.report.packs.files++;
    this.report.packs.bytes += entry.bytes;
    this.report.packs.walBytes += entry.endLsn - entry.startLsn;
  }

  private runIsCovered(startLsn: Lsn, endLsn: Lsn): void {
    let reached = startLsn;
    const inRun = this.options.manifest.layers.filter((layer) => layer.endLsn > startLsn && layer.startLsn < endLsn).sort((a, b) => a.startLsn - b.startLsn);
    for (const layer of inRun) {
      // a layer begins where a record was expected: at most a page header behind the end of the one before
      if (layer.startLsn > reached) this.hole(reached, layer.startLsn);
      reached = layer.endLsn;
    }
    if (reached < endLsn) this.hole(reached, endLsn);
  }

  private hole(from: Lsn, to: Lsn): void {
    this.find({ code: 'index.hole', message: `no layer covers ${formatLsn(from)} to ${formatLsn(to)}, though the manifest says that it is indexed`, place: { lsn: formatLsn(from) }, hint: 'index again into a new case directory' });
  }

  private async backup({ path: source, local, consistentLsn, startLsn }: ManifestBackup): Promise<void> {
    const summary = { path: source, files: 0, checksums: 0, usable: false };
    this.report.backups.push(summary);
    if (consistentLsn === null) {
      this.find({
        code: 'backup.inconsistent', message: `base backup ${source} cannot be used: the WAL from ${formatLsn(startLsn)} to its end is not in the archive`, place: { file: source },
        hint: 'put that WAL into the archive and run walscope index again',
      });
    }
    const backup = this.attempt(() => reopenCaseBackup(this.options.caseDir, source, local));
    if (!backup) return;
    summary.usable = consistentLsn !== null;
    for (const finding of backup.findings) this.fromArchive(finding);
    const steps = new BackupExamination(backup, summary, this.find).run();
    for (let step = this.attempt(() => steps.next()); step && !step.done; step = this.attempt(() => steps.next())) await this.turn(0, `checking ${source}: ${step.value} files`);
    backup.close();
  }

  /** Each usable backup's tables, by what the index makes of them. */
  private async tables(): Promise<void> {
    const store = this.attempt(() => openCase(this.options.caseDir));
    if (!store) return;
    for (const backup of store.coverage.flatMap(({ run }) => store.backupsIn(run))) {
      const steps = shortTables(store, backup, ({ rel, blocks, lastKnown }) => {
        const file = relFilePath(rel, 0, store.major);
        this.find({
          code: 'backup.table_short', message: `${file} has ${blocks} pages in a base backup, but its visibility map speaks of page ${lastKnown}: it was cut short, and its rows are missing from every answer`,
          place: { file }, hint: 'copy the backup again from its source; a backup with a backup_manifest can be checked file by file',
        });
      });
      for (let step = this.attempt(() => steps.next()); step && !step.done; step = this.attempt(() => steps.next())) await this.turn(0, `looking at ${step.value} tables`);
    }
    store.close();
  }

  private async archive(archive: WalArchive): Promise<void> {
    const { manifest } = this.options;
    this.report.wal.segments = archive.segments.length;
    for (const finding of archive.findings) this.fromArchive(finding);
    for (const finding of archive.compareDuplicates()) this.fromArchive(finding);
    const known = archive.findings.length;
    const followed = manifest.timelines.at(-1)!.timeline;
    const timelines = new Map<number, TimelineBytes>([...new Set([...archive.timelines, followed])].sort((a, b) => a - b).map((timeline) => [timeline, archive.timelineWal(timeline)]));
    const wal = new CaseWal(this.options.caseDir, manifest.packs, archive.timelineWal(followed), 'archive');
    timelines.set(followed, wal);
    this.walIsThere(wal);
    const total = Math.max(1, walBytesToRead(timelines));
    await examineWal({ timelines, manifest, report: this.report, find: this.find, turn: (bytes, what) => this.turn(bytes / total, what) });
    // what came up as segments were opened: a stream that ends early
    for (const finding of archive.findings.slice(known)) this.fromArchive(finding);
    archive.close();
    wal.close();
  }

  /** What was indexed must be readable, in the archive or packed: a gap within it is told where the WAL is read. */
  private walIsThere(wal: CaseWal): void {
    const ranges = wal.coverage();
    for (const { startLsn, endLsn } of this.options.manifest.runs) {
      if (ranges.some(({ start, end }) => start <= startLsn && end > startLsn) && ranges.some(({ start, end }) => start < endLsn && end >= endLsn)) continue;
      this.find({
        code: 'wal.gone', message: `the index refers to the WAL from ${formatLsn(startLsn)} to ${formatLsn(endLsn)}, which is not all in the archive any more, nor packed`, place: { lsn: formatLsn(startLsn) },
        hint: 'put it back; to be independent of the archive, walscope compact --pack while it is there',
      });
    }
  }
}
