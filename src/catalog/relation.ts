/** Relations and columns as the catalogs of a moment describe them. */
import type { RelFileLocator } from '../pg/relFileLocator.js';
import type { TypeAlign } from '../rows/deform.js';

/** FirstNormalObjectId: what initdb made has lower ones. */
export const FIRST_NORMAL_OID = 16384;

/** A row of pg_class. */
export interface Relation {
  oid: number;
  name: string;
  namespaceOid: number;
  /** pg_class.reltype: the row type. */
  typeOid: number;
  ownerOid: number;
  amOid: number;
  /** Where its file is; relNumber 0 for a relation without storage (view, partitioned table). */
  locator: RelFileLocator;
  /** pg_class.reltablespace as stored: 0 is the database's own. */
  tablespaceOid: number;
  toastOid: number;
  /** pg_class.relpages and reltuples: estimates of the last VACUUM or ANALYZE. */
  relPages: number;
  relTuples: number;
  hasIndex: boolean;
  isShared: boolean;
  /** p permanent, u unlogged, t temporary. */
  persistence: string;
  /** pg_class.relkind: r table, i index, S sequence, t TOAST, v view, m materialised view, c composite, f foreign, p partitioned, I its index. */
  kind: string;
  natts: number;
  isPartition: boolean;
  hasSubclass: boolean;
  /** False for a materialised view without data. */
  isPopulated: boolean;
}

/** A row of pg_attribute with attnum > 0. */
export interface Column {
  attnum: number;
  name: string;
  typeOid: number;
  typmod: number;
  attlen: number;
  attalign: TypeAlign;
  attbyval: boolean;
  storage: string;
  ndims: number;
  notNull: boolean;
  hasDefault: boolean;
  /** False for a column that only comes from a parent table. */
  isLocal: boolean;
  /** '' none, a always, d by default. */
  identity: string;
  /** '' none, s stored, v virtual. */
  generated: string;
  dropped: boolean;
  collationOid: number;
  /** attmissingval's element as stored (the array's bytes), where ADD COLUMN … DEFAULT did not rewrite the table. */
  missing: Uint8Array | null;
}

export const RELKIND_NAMES: Record<string, string> = {
  r: 'table', i: 'index', S: 'sequence', t: 'TOAST table', v: 'view', m: 'materialized view', c: 'composite type', f: 'foreign table',
  p: 'partitioned table', I: 'partitioned index',
};

/** True for a relation whose rows lie in a heap of its own. */
export function hasHeapStorage(relation: Relation): boolean {
  return 'rmtS'.includes(relation.kind);
}
