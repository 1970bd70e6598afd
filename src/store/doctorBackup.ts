/** Whether a base backup is whole: held against its manifest, or against what every cluster has. */
import type { BaseBackup } from '../archive/baseBackup.js';
import { ManifestChecksum } from '../archive/manifestChecksum.js';
import type { ManifestFile } from '../pg/backupManifest.js';
import { BLCKSZ } from '../pg/page.js';
import { parseRelFilePath } from '../pg/relFilePath.js';
import { WalscopeError } from '../util/errors.js';
import type { DoctorFinding, DoctorReport } from './doctorReport.js';

/** Files up to this size are read and held against the manifest's checksums; of larger ones the size is compared. */
const CHECKSUM_BYTES = 1024 * 1024;
/** Files between two looks at the clock. */
const STEP_FILES = 500;
/** What the data directory of a cluster is never without. */
const ALWAYS_THERE = ['global/pg_filenode.map', 'pg_xact/', 'pg_multixact/offsets/', 'pg_multixact/members/', 'base/'];
const HINT = 'copy the backup again; pg_verifybackup checks all of it';

export class BackupExamination {
  constructor(private readonly backup: BaseBackup, private readonly summary: DoctorReport['backups'][number], private readonly find: (finding: DoctorFinding) => void) {}

  /** Gives the number of files that were looked at, now and then. */
  *run(): Generator<number> {
    const { manifest } = this.backup;
    if (!manifest) return this.lookForMissing();
    for (const [i, file] of manifest.files.entries()) {
      this.file(file);
      if ((i + 1) % STEP_FILES === 0) yield i + 1;
    }
  }

  /** Without a manifest, only the absence of what must be there and sizes that cannot be tell of a copy that is not whole. */
  private lookForMissing(): void {
    const missing = new Set(ALWAYS_THERE);
    for (const { path, bytes } of this.backup.listFiles()) {
      for (const each of missing) if (path === each || (each.endsWith('/') && path.startsWith(each))) missing.delete(each);
      if (bytes % BLCKSZ !== 0 && parseRelFilePath(path)) this.report('backup.file_size', path, `has ${bytes} bytes, which is no number of whole pages: it was cut short, or copied while it grew`);
    }
    for (const path of missing) this.report('backup.file_missing', path, path.endsWith('/') ? 'has no file, though every cluster has some there' : 'is missing, though every cluster has it');
  }

  /** A file of the manifest: its size, and its checksum where it is small. What replay never asks for need not be there. */
  private file(file: ManifestFile): void {
    const bytes = this.backup.fileSize(file.path);
    if (bytes === undefined) {
      if (this.backup.isNeeded(file.path)) this.report('backup.file_missing', file.path, 'is missing, though backup_manifest lists it');
      return;
    }
    this.summary.files++;
    const wrong = bytes === file.bytes ? this.wrongContent(file) : `has ${bytes} bytes, backup_manifest says ${file.bytes}`;
    if (wrong !== undefined) this.report('backup.file_differs', file.path, wrong);
  }

  private wrongContent(file: ManifestFile): string | undefined {
    const checksum = file.bytes > CHECKSUM_BYTES ? undefined : ManifestChecksum.of(file);
    if (!checksum) return undefined;
    try {
      checksum.update(this.backup.readFile(file.path)!);
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      return error.message;
    }
    this.summary.checksums++;
    return checksum.matches() ? undefined : 'does not match its checksum in backup_manifest';
  }

  private report(code: string, path: string, what: string): void {
    this.find({ code, message: `${this.backup.root}: ${path} ${what}`, place: { file: path }, hint: HINT });
  }
}
