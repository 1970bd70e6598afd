/** Paths of relation files below the data directory: GetRelationPath(), common/relpath.c, PG 13–18. */
import { DEFAULTTABLESPACE_OID, FORK_NAMES, GLOBALTABLESPACE_OID, type RelFork } from './relFileLocator.js';
import type { PgMajor } from './version.js';

/** CATALOG_VERSION_NO (catalog/catversion.h) as released. */
export const CATALOG_VERSION_NO: Record<PgMajor, number> = {
  13: 202007201,
  14: 202107181,
  15: 202209061,
  16: 202307071,
  17: 202406281,
  18: 202506291,
};

/** TABLESPACE_VERSION_DIRECTORY: the directory inside a tablespace that belongs to one major, `PG_15_202209061`. */
export function tablespaceVersionDirectory(major: PgMajor): string {
  return `PG_${major}_${CATALOG_VERSION_NO[major]}`;
}

/** GetDatabasePath(): `base/16384`, `global`, `pg_tblspc/16385/PG_15_202209061/16384`. */
export function databasePath(dbOid: number, spcOid: number, major: PgMajor): string {
  if (spcOid === GLOBALTABLESPACE_OID) return 'global';
  if (spcOid === DEFAULTTABLESPACE_OID) return `base/${dbOid}`;
  return `pg_tblspc/${spcOid}/${tablespaceVersionDirectory(major)}/${dbOid}`;
}

/** relpathperm(): the path of a fork's first segment file, `base/16384/16402_vm`. */
export function relationPath(rel: RelFork, major: PgMajor): string {
  const fork = rel.fork === 0 ? '' : `_${FORK_NAMES[rel.fork] ?? rel.fork}`;
  return `${databasePath(rel.dbOid, rel.spcOid, major)}/${rel.relNumber}${fork}`;
}
