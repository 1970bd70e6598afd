/** The kinds of LayerEvent that ingest writes and the store reads: records that are rare and matter to everything. */
import type { LayerEvent } from '../layerfile/deltaLayer.js';
import type { Lsn } from '../util/lsn.js';

export const EventKind = {
  /** args: tablespace, database. The record at the LSN holds the map. */
  relmap: 1,
  /** args: tablespace, database, source tablespace, source database. A copy of every file as of the LSN. */
  databaseCopy: 2,
  /** args: tablespace, database. Built by WAL. */
  databaseCreate: 3,
  /** args: database, tablespaces… */
  databaseDrop: 4,
  /** args: tablespace; text: its path. */
  tablespaceCreate: 5,
  /** args: tablespace. */
  tablespaceDrop: 6,
  /** args: redo LSN, next xid with its epoch, 1 for a shutdown, time in seconds since 1970. */
  checkpoint: 7,
  /** args: this timeline, the timeline before. */
  endOfRecovery: 8,
  /** args: start LSN of the backup that ended. */
  backupEnd: 9,
  /** args: wal_level, wal_log_hints. */
  parameterChange: 10,
  /** args: next xid, oldest running xid (both 32 bits). */
  runningXacts: 12,
  /** args: record's resource manager. A manager whose records we cannot replay. */
  unknownManager: 11,
} as const;

/** What happened to a database's folder in one tablespace. */
export interface DirectoryEvent {
  lsn: Lsn;
  kind: 'copy' | 'create' | 'drop';
  spcOid: number;
  dbOid: number;
  /** copy: where from. */
  sourceSpcOid: number;
  sourceDbOid: number;
}

/** Database folders over time, in LSN order. */
export class Directories {
  private readonly byDatabase = new Map<number, DirectoryEvent[]>();

  constructor(events: Iterable<LayerEvent>) {
    for (const event of events) this.add(event);
  }

  private add({ lsn, kind, args }: LayerEvent): void {
    if (kind === EventKind.databaseCopy) {
      this.push({ lsn, kind: 'copy', spcOid: args[0]!, dbOid: args[1]!, sourceSpcOid: args[2]!, sourceDbOid: args[3]! });
    } else if (kind === EventKind.databaseCreate) {
      this.push({ lsn, kind: 'create', spcOid: args[0]!, dbOid: args[1]!, sourceSpcOid: 0, sourceDbOid: 0 });
    } else if (kind === EventKind.databaseDrop) {
      for (const spcOid of args.slice(1)) this.push({ lsn, kind: 'drop', spcOid, dbOid: args[0]!, sourceSpcOid: 0, sourceDbOid: 0 });
    }
  }

  private push(event: DirectoryEvent): void {
    const list = this.byDatabase.get(event.dbOid);
    if (list) list.push(event);
    else this.byDatabase.set(event.dbOid, [event]);
  }

  /** Events of one database folder with `from` ≤ LSN < `to`. */
  between(spcOid: number, dbOid: number, from: Lsn, to: Lsn): DirectoryEvent[] {
    return (this.byDatabase.get(dbOid) ?? []).filter((e) => e.spcOid === spcOid && e.lsn >= from && e.lsn < to);
  }

  /** [tablespace, database] of every folder that something happened to in [from, to). */
  changed(from: Lsn, to: Lsn): [number, number][] {
    const folders = new Map<string, [number, number]>();
    for (const list of this.byDatabase.values()) for (const { lsn, spcOid, dbOid } of list) if (lsn >= from && lsn < to) folders.set(`${spcOid}/${dbOid}`, [spcOid, dbOid]);
    return [...folders.values()];
  }

  /** Where the files of a folder came from, if it is a copy made in [from, to): its source, that one's source, … */
  copySources(spcOid: number, dbOid: number, from: Lsn, to: Lsn): { spcOid: number; dbOid: number }[] {
    const last = this.between(spcOid, dbOid, from, to).at(-1);
    if (last?.kind !== 'copy') return [];
    return [{ spcOid: last.sourceSpcOid, dbOid: last.sourceDbOid }, ...this.copySources(last.sourceSpcOid, last.sourceDbOid, from, last.lsn)];
  }
}
