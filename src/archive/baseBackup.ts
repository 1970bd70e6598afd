/** A base backup, of any form: what it says about itself, and its pages. */
import { join } from 'node:path';
import { parseBackupLabel, type BackupLabel } from '../pg/backupLabel.js';
import { parseBackupManifest, type BackupManifest } from '../pg/backupManifest.js';
import { parseControlFile, type ControlFile } from '../pg/controlFile.js';
import { BLCKSZ } from '../pg/page.js';
import { relFilePath } from '../pg/relFilePath.js';
import { DEFAULTTABLESPACE_OID, formatRelFork, GLOBALTABLESPACE_OID, type RelFork } from '../pg/relFileLocator.js';
import { tablespaceVersionDirectory } from '../pg/relPath.js';
import { parseTablespaceMap } from '../pg/tablespaceMap.js';
import type { PgMajor } from '../pg/version.js';
import { inputError, WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { LruCache } from '../util/lruCache.js';
import type { Lsn } from '../util/lsn.js';
import { PackedBackup } from './backupPack.js';
import { isNeededPath, type BackupFile, type BackupFiles } from './backupFiles.js';
import { DirectoryBackup } from './directoryBackup.js';
import { listInput, statInput } from './inputFile.js';
import { PACK_LINKS, PACK_NAME } from './materialise.js';
import { TarBackup } from './tarBackup.js';
import { findTars } from './tarFiles.js';

export interface BackupTablespace {
  oid: number;
  /** Where it was on the server, as far as the backup tells. */
  location: string | undefined;
}

export interface BackupDatabase {
  dbOid: number;
  spcOid: number;
}

export interface BaseBackupOptions {
  /** Where tablespaces were copied to, by OID (`pg_basebackup --tablespace-mapping`), where pg_tblspc does not lead there. */
  tablespaces?: ReadonlyMap<number, string>;
}

/** A fork's files, as far as they are full up to the last. */
interface ForkSegments {
  paths: string[];
  blocks: number | undefined;
}

/** Forks whose files are known at a time: a large one has a thousand. */
const KNOWN_FORKS = 256;

/** Files that readFile() takes whole; relation files go by blocks. */
const MAX_WHOLE_FILE = 256 * 1024 * 1024;

export class BaseBackup {
  readonly control: ControlFile;
  /** Absent: the data directory of a server that was shut down. */
  readonly label: BackupLabel | undefined;
  readonly manifest: BackupManifest | undefined;
  readonly tablespaces: readonly BackupTablespace[];
  readonly findings: Finding[];

  /** Use openBaseBackup() or openPackedBackup(). Throws what they do. */
  constructor(private readonly files: BackupFiles) {
    this.findings = [...files.findings];
    this.control = this.readControl();
    this.label = this.readLabel();
    if (!this.label) this.checkShutDown();
    this.manifest = this.readManifest();
    this.tablespaces = this.readTablespaces();
  }

  get root(): string { return this.files.root; }
  get form(): BackupFiles['form'] { return this.files.form; }
  get major(): PgMajor { return this.control.major; }
  get systemIdentifier(): bigint { return this.control.systemIdentifier; }

  /** Where replay begins: the label's start, or the last checkpoint's redo pointer. */
  get startLsn(): Lsn { return this.label?.startLsn ?? this.control.checkPoint.redo; }
  get timeline(): number { return this.label?.startTimeline ?? this.control.checkPoint.timeline; }

  /**
   * Where the backup becomes consistent, as far as it knows itself: the end of the manifest's WAL range; the point that a standby had
   * reached; the shutdown checkpoint. Undefined: where the WAL's XLOG_BACKUP_END record (or the archive's `.backup` file) says.
   */
  get consistentLsn(): Lsn | undefined {
    const range = this.manifest?.walRanges.findLast((each) => each.endLsn >= this.startLsn);
    if (range) return range.endLsn;
    if (this.label) return this.label.backupFrom === 'standby' && this.control.minRecoveryPoint > 0 ? this.control.minRecoveryPoint : undefined;
    return this.control.state === 'shut down in recovery' ? this.control.minRecoveryPoint : this.control.checkPointLsn;
  }

  /** Of an incremental backup: where the backup starts that it builds upon. Such a backup is no source of pages until combineBackups() has made it whole. */
  get incrementalFromLsn(): Lsn | undefined { return this.label?.incrementalFromLsn; }

  private readControl(): ControlFile {
    const path = 'global/pg_control';
    if (this.files.size(path) === undefined) {
      throw inputError('backup.no_control', `${this.root}: global/pg_control is missing: this is no base backup, or not a whole one`, { file: this.root },
        'give the directory of a whole base backup: the one with PG_VERSION and global/ in it, or with base.tar');
    }
    const control = parseControlFile(this.readFile(path)!, `${this.root}/${path}`);
    const version = this.readText('PG_VERSION')?.trim();
    if (version !== undefined && version !== String(control.major)) {
      throw inputError('backup.version', `${this.root}: PG_VERSION says ${JSON.stringify(version.slice(0, 20))}, but pg_control is of PostgreSQL ${control.major}`, { file: this.root },
        'the backup mixes two clusters: take it again');
    }
    return control;
  }

  private readLabel(): BackupLabel | undefined {
    const text = this.readText('backup_label');
    if (text === undefined) return undefined;
    return parseBackupLabel(text, `${this.root}/backup_label`);
  }

  /** ReadControlFile() and StartupXLOG() would recover such a directory as a crashed server's, from WAL that an archive need not have. */
  private checkShutDown(): void {
    const { state } = this.control;
    if (state === 'shut down' || state === 'shut down in recovery') return;
    throw inputError('backup.no_label', `${this.root}: there is no backup_label, and the server was ${state} when this was copied`, { file: this.root },
      'put the backup_label that pg_backup_stop() returned into the backup, or shut the server down cleanly and give its data directory');
  }

  private readManifest(): BackupManifest | undefined {
    const bytes = this.readFile('backup_manifest');
    if (!bytes) return undefined;
    try {
      return parseBackupManifest(bytes, `${this.root}/backup_manifest`);
    } catch (error) {
      // the manifest helps, but no answer depends on it
      if (!(error instanceof WalscopeError)) throw error;
      this.findings.push({ code: error.code, message: error.message, place: error.options.place });
      return undefined;
    }
  }

  private readTablespaces(): BackupTablespace[] {
    const map = this.readText('tablespace_map');
    const locations = new Map(this.files.links);
    for (const { oid, path } of map === undefined ? [] : parseTablespaceMap(map, this.major, `${this.root}/tablespace_map`)) locations.set(oid, path);
    const present = new Set(this.files.tablespaceOids());
    for (const [oid, location] of locations) {
      // an empty tablespace leaves nothing in a tar of its own but a directory
      if (present.has(oid) || this.form !== 'directory') continue;
      this.findings.push({ code: 'backup.tablespace_missing', message: `${this.root}: tablespace ${oid} (${location}) is not in the backup`, place: { file: this.root } });
    }
    return [...new Set([...locations.keys(), ...present])].sort((a, b) => a - b).map((oid) => ({ oid, location: locations.get(oid) }));
  }

  /** Every file that replay may need, pg_wal left out: may walk the whole backup. */
  listFiles(): Iterable<BackupFile> {
    return this.files.list();
  }

  /** Bytes of a file; undefined where the backup does not have it. */
  fileSize(path: string): number | undefined {
    return this.files.size(path);
  }

  /** Whether replay may need a file, so that every form of the backup keeps it. */
  isNeeded(path: string): boolean {
    return isNeededPath(path);
  }

  /** Copies up to `length` bytes of an existing file from `position` into the start of `into`; gives how many there were. */
  read(path: string, position: number, length: number, into: Uint8Array): number {
    return this.files.read(path, position, length, into);
  }

  /** A small file whole: relation maps, SLRU segments, two-phase files; undefined where the backup has no such file. */
  readFile(path: string): Uint8Array | undefined {
    const size = this.files.size(path);
    if (size === undefined) return undefined;
    if (size > MAX_WHOLE_FILE) throw inputError('backup.file_size', `${this.root}/${path}: ${size} bytes are too many for a file of this kind`, { file: path }, 'the backup is damaged: check it with pg_verifybackup');
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, this.files.read(path, 0, size, bytes));
  }

  private readText(path: string): string | undefined {
    const bytes = this.readFile(path);
    return bytes && Buffer.from(bytes).toString('utf8');
  }

  /**
   * The size of a fork in blocks, over all its segment files: mdnblocks(), storage/smgr/md.c, which ends at the first segment file
   * that is not full. Undefined where the backup has no such fork. Throws `backup.tablespace_missing`.
   */
  forkBlocks(rel: RelFork): number | undefined {
    return this.segmentsOf(rel).blocks;
  }

  private readonly segments = new LruCache<string, ForkSegments>(KNOWN_FORKS);

  private segmentsOf(rel: RelFork): ForkSegments {
    const key = formatRelFork(rel);
    const known = this.segments.get(key);
    if (known) return known;
    const perSegment = this.control.relationSegmentBlocks;
    const found: ForkSegments = { paths: [], blocks: undefined };
    for (let more = true; more;) {
      const segment = found.paths.length, path = relFilePath(rel, segment, this.major);
      const bytes = this.segmentBytes(rel, segment, path);
      if (bytes === undefined) break;
      const blocks = Math.floor(bytes / BLCKSZ);
      more = blocks >= perSegment;
      found.paths.push(path);
      found.blocks = segment * perSegment + Math.min(blocks, perSegment);
    }
    this.segments.set(key, found);
    return found;
  }

  private segmentBytes(rel: RelFork, segment: number, path: string): number | undefined {
    const bytes = this.files.size(path);
    if (bytes === undefined && segment === 0 && this.isMissingTablespace(rel.spcOid)) {
      throw inputError('backup.tablespace_missing', `${formatRelFork(rel)} is in tablespace ${rel.spcOid}, which is not in the backup ${this.root}`, { file: this.root },
        'give the directory that holds the copy of the tablespace, or a backup that has it');
    }
    return bytes;
  }

  private isMissingTablespace(spcOid: number): boolean {
    if (spcOid === DEFAULTTABLESPACE_OID || spcOid === GLOBALTABLESPACE_OID || this.form !== 'directory') return false;
    return this.tablespaces.some((each) => each.oid === spcOid) && !this.files.tablespaceOids().includes(spcOid);
  }

  /** Fills `into` (8192 bytes) with a block as the backup holds it; `absent` where the fork does not reach that far. */
  readBlock(rel: RelFork, block: number, into: Uint8Array): 'ok' | 'absent' {
    const { paths, blocks } = this.segmentsOf(rel);
    if (blocks === undefined || block >= blocks) return 'absent';
    const perSegment = this.control.relationSegmentBlocks;
    return this.files.read(paths[Math.floor(block / perSegment)]!, (block % perSegment) * BLCKSZ, BLCKSZ, into) === BLCKSZ ? 'ok' : 'absent';
  }

  /** Every database directory: a database has one in each tablespace that it uses. */
  listDatabases(): BackupDatabase[] {
    const databases = this.files.databaseOids('base').map((dbOid) => ({ dbOid, spcOid: DEFAULTTABLESPACE_OID }));
    for (const spcOid of this.files.tablespaceOids()) {
      for (const dbOid of this.files.databaseOids(`pg_tblspc/${spcOid}/${tablespaceVersionDirectory(this.major)}`)) databases.push({ dbOid, spcOid });
    }
    return databases;
  }

  close(): void {
    this.files.close();
  }
}

/** Which form a path has; undefined where it is no base backup. `compressed`: must go through materialiseBackup() first. */
export function backupForm(path: string): 'directory' | 'tar' | 'compressed' | undefined {
  const stat = statInput(path);
  if (!stat) return undefined;
  if (stat.isDirectory() && (has(path, 'PG_VERSION') || has(path, 'global/pg_control'))) return 'directory';
  const set = findTars(path);
  if (!set) return undefined;
  return set.tars.some((tar) => tar.compression !== 'none') ? 'compressed' : 'tar';
}

function has(directory: string, name: string): boolean {
  return statInput(join(directory, name)) !== undefined;
}

/** Opens a base backup and reads what describes it: pages and lists are read when they are asked for. */
function describe(files: BackupFiles): BaseBackup {
  try {
    return new BaseBackup(files);
  } catch (error) {
    files.close();
    throw error;
  }
}

/**
 * Opens a base backup in place: a directory, or tars that are not compressed. Throws `backup.path`, `backup.not_one`, `backup.compressed`
 * (materialise it first), `backup.no_control`, `backup.version`, `backup.no_label`, `backup.label`, `control.…`,
 * `backup.tablespace_map`, and for tars what TarBackup throws.
 */
export function openBaseBackup(path: string, options: BaseBackupOptions = {}): BaseBackup {
  const hint = 'give a directory as pg_basebackup leaves it, or the data directory of a stopped server';
  if (!statInput(path)) throw inputError('backup.path', `${path}: no such file or directory`, { file: path }, hint);
  const form = backupForm(path);
  if (form === undefined) throw inputError('backup.not_one', `${path}: no base backup here (neither PG_VERSION nor base.tar)${elsewhere(path)}`, { file: path }, hint);
  if (form === 'compressed') throw inputError('backup.compressed', `${path}: the backup is compressed and cannot be read in place`, { file: path }, 'index it first: that makes a copy that can be read');
  return describe(form === 'directory' ? new DirectoryBackup(path, options.tablespaces) : new TarBackup(path, findTars(path)!));
}

/** Where the user perhaps meant: a directory below that holds a backup. */
function elsewhere(path: string): string {
  if (!statInput(path)?.isDirectory()) return '';
  const names = listInput(path).map((entry) => entry.name);
  const name = names.find((each) => ['PG_VERSION', 'base.tar', 'base.tar.gz'].some((file) => has(path, join(each, file))));
  return name === undefined ? '' : `; ${join(path, name)} looks like one`;
}

/** Opens what materialiseBackup() left in `directory`. Throws what openBaseBackup() throws, and `pack.damaged`, `pack.version`. */
export function openPackedBackup(directory: string): BaseBackup {
  const files = new PackedBackup(join(directory, PACK_NAME));
  const length = files.size(PACK_LINKS) ?? 0;
  const text = Buffer.alloc(length);
  files.read(PACK_LINKS, 0, length, text);
  for (const [oid, target] of Object.entries(JSON.parse(text.toString('utf8')) as Record<string, string>)) files.links.set(Number(oid), target);
  return describe(files);
}
