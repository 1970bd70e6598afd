/** Which files are those of system catalogs whose rows say that something was dropped, emptied, rewritten or renamed. */
import { PG_ATTRIBUTE, PG_CLASS, PG_DATABASE, PG_NAMESPACE } from '../catalog/catalogOids.js';
import type { RelationChange } from '../pg/walScanChanges.js';
import { EventKind } from '../store/layerEvents.js';
import type { Lsn } from '../util/lsn.js';
import type { Moment } from './moment.js';
import type { Session } from './session.js';

/** pg_class, pg_attribute, pg_namespace, pg_database: their OIDs, which are their files' numbers until VACUUM FULL. */
const CATALOGS: readonly number[] = [PG_CLASS, PG_ATTRIBUTE, PG_NAMESPACE, PG_DATABASE];

/** The numbers of those catalogs' files in a stretch of WAL. */
export function ddlCatalogFiles({ store }: Session, { since, until }: { since: Moment; until: Moment }): ReadonlySet<number> {
  const files = new Set(CATALOGS);
  const maps = store.layers.events.filter((event) => event.kind === EventKind.relmap && event.lsn < until.lsn);
  const places = new Map(maps.map((event) => [`${event.args[0]} ${event.args[1]}`, event.args]));
  for (const [spcOid, dbOid] of places.values()) {
    for (const lsn of [since.lsn, ...maps.map((event) => (event.lsn + 1) as Lsn).filter((lsn) => lsn > since.lsn)]) {
      const map = store.snapshot(lsn).relMap(spcOid!, dbOid!);
      for (const oid of CATALOGS) if (map?.has(oid)) files.add(map.get(oid)!);
    }
  }
  return files;
}

/** True where rows of these catalogs were updated or deleted: creating things only inserts. */
export function isDdlChange(files: ReadonlySet<number>, { relation, updated, deleted }: RelationChange): boolean {
  return updated + deleted > 0 && files.has(relation.relNumber);
}
