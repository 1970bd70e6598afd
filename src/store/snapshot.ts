/** The cluster as of one moment: pages, sizes, relation maps and transaction status, for all records that begin before `upTo`. */
import { GLOBALTABLESPACE_OID, type RelFork } from '../pg/relFileLocator.js';
import { relFilePath } from '../pg/relFilePath.js';
import { databasePath } from '../pg/relPath.js';
import { readRelMap, type RelMap } from '../pg/relMap.js';
import type { PgMajor } from '../pg/version.js';
import { readXlRelmapUpdate } from '../redo/relmap/xlog.js';
import { inputError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import { ClogView, type XidStatus } from './clogView.js';
import { EventKind, type Directories } from './layerEvents.js';
import { MultixactView } from './multixactView.js';
import type { PageAsOf, PageStore } from './pageStore.js';
import type { UsableBackup, WalStore } from './sources.js';

const FIRST_NORMAL_XID = 3;

/** What a snapshot is made from; one a case. */
export interface SnapshotSources {
  pages: PageStore;
  directories: Directories;
  wal: WalStore;
  major: PgMajor;
}

export class Snapshot {
  private readonly clog: ClogView;
  private readonly multixacts: MultixactView;
  private readonly relMaps = new Map<string, RelMap | null>();

  constructor(private readonly sources: SnapshotSources, private readonly backup: UsableBackup, readonly upTo: Lsn) {
    this.clog = new ClogView(sources.pages.layers, backup, upTo);
    this.multixacts = new MultixactView(sources.pages, upTo);
  }

  get major(): PgMajor { return this.sources.major; }
  get counters() { return this.sources.pages.counters; }

  /** Size of a fork in blocks; undefined where there is no such relation at this moment. */
  blocks(rel: RelFork): number | undefined {
    const state = this.sources.pages.relation(rel, this.upTo);
    return state.exists ? state.blocks : undefined;
  }

  /** A page; undefined past the fork's end. Overwritten by later calls. */
  page(rel: RelFork, block: number): PageAsOf | undefined {
    return this.sources.pages.getPage(rel, block, this.upTo);
  }

  /** A page as of another moment of the case. */
  pageAt(rel: RelFork, block: number, upTo: Lsn): PageAsOf | undefined {
    return this.sources.pages.getPage(rel, block, upTo);
  }

  /** For a fork that the catalog says there is. Throws `relation.missing` where there is none: that is damage, not emptiness. */
  requireFork(rel: RelFork): void {
    if (this.blocks(rel) !== undefined) return;
    const file = relFilePath(rel, 0, this.major);
    throw inputError('relation.missing', `${file} is neither in the base backup nor made by the WAL up to this moment`, { file }, 'check the base backup with walscope doctor: files of it are missing');
  }

  /** Every page of the main fork, in order; `emit` may stop it by giving false. Throws as requireFork(). */
  scan(rel: RelFork, emit: (block: number, page: PageAsOf) => boolean | void, from = 0, to = 0x1_0000_0000): void {
    this.requireFork(rel);
    this.sources.pages.scan(rel, this.upTo, from, to, emit);
  }

  status(xid: number): XidStatus {
    // the bootstrap and frozen xids are always committed, the invalid one never
    if (xid < FIRST_NORMAL_XID) return xid === 0 ? 'aborted' : 'committed';
    return this.clog.status(xid);
  }

  /** The transaction that updated or deleted under this multixact; 0 where its members only lock. */
  multixactUpdater(multi: number): number {
    return this.multixacts.updater(multi);
  }

  multixactMembers(multi: number) {
    return this.multixacts.members(multi);
  }

  /** A CLOG page as replay would have it. */
  clogPage(page: number): Uint8Array {
    return this.clog.page(page);
  }

  /** The relation map of a database's folder, or the shared one (`global`); null where there is none at this moment. */
  relMap(spcOid: number, dbOid: number): RelMap | null {
    if (spcOid === GLOBALTABLESPACE_OID) dbOid = 0;
    const key = `${spcOid}/${dbOid}`;
    let map = this.relMaps.get(key);
    if (map === undefined) this.relMaps.set(key, (map = this.findRelMap(spcOid, dbOid, this.upTo)));
    return map;
  }

  private findRelMap(spcOid: number, dbOid: number, upTo: Lsn): RelMap | null {
    const bytes = this.relMapBytes(spcOid, dbOid, upTo);
    return bytes ? readRelMap(bytes, this.sources.major) : null;
  }

  /** A relation map as its file would hold it; undefined where there is none. */
  relMapBytes(spcOid: number, dbOid: number, upTo: Lsn): Uint8Array | undefined {
    const { pages, directories, wal } = this.sources;
    const folder = dbOid === 0 ? undefined : directories.between(spcOid, dbOid, this.backup.redoLsn, upTo).at(-1);
    let newest: Lsn | undefined;
    for (const event of pages.layers.events) {
      if (event.lsn >= upTo) break;
      if (event.kind !== EventKind.relmap || event.args[1] !== dbOid || event.lsn < this.backup.redoLsn) continue;
      if (dbOid === 0 || event.args[0] === spcOid) newest = event.lsn;
    }
    if (newest !== undefined && (!folder || newest > folder.lsn)) return readXlRelmapUpdate(wal.readRecord(newest)).data;
    if (folder) return folder.kind === 'copy' ? this.relMapBytes(folder.sourceSpcOid, folder.sourceDbOid, folder.lsn) : undefined;
    return this.backup.images.readFile(this.relMapPath(spcOid, dbOid));
  }

  /** The path of a relation map in a data directory. */
  relMapPath(spcOid: number, dbOid: number): string {
    return `${databasePath(dbOid, dbOid === 0 ? GLOBALTABLESPACE_OID : spcOid, this.major)}/pg_filenode.map`;
  }

  /** The locator of a mapped relation (a nailed catalog), whose pg_class.relfilenode is 0. */
  mappedRelNumber(spcOid: number, dbOid: number, relOid: number): number {
    const map = this.relMap(spcOid, dbOid);
    const relNumber = map?.get(relOid);
    if (relNumber === undefined) {
      throw inputError('catalog.relmap', `the relation map of database ${dbOid} has no entry for relation ${relOid} at this moment`, {}, 'check the base backup with walscope doctor');
    }
    return relNumber;
  }

  /** OIDs of databases in the default tablespace that the backup holds or that were created since, lowest first. */
  candidateDatabases(): number[] {
    const oids = new Set(this.backup.images.databaseOids());
    for (const event of this.sources.pages.layers.events) {
      if (event.kind === EventKind.databaseCopy || event.kind === EventKind.databaseCreate) oids.add(event.args[1]!);
    }
    return [...oids].sort((a, b) => a - b);
  }
}
