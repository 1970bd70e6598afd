/** Keys and indexes of a relation as of a moment, from pg_index. */
import { PG_CLASS } from '../catalog/catalogOids.js';
import type { Relation } from '../catalog/relation.js';
import type { DatabaseAt } from './session.js';

export interface IndexInfo {
  indexOid: number;
  relation: Relation;
  /** attnums of the key columns, in index order; 0: an expression. */
  key: number[];
  /** Key columns and included ones. */
  columns: number[];
  isPrimary: boolean;
  isUnique: boolean;
  isValid: boolean;
  /** True for a partial index. */
  hasPredicate: boolean;
  /** Per key column: pg_index.indoption (1: descending, 2: nulls first). */
  options: number[];
  collations: number[];
  opclasses: number[];
}

/** The indexes of a relation, the primary key first. */
export function indexesOf(database: DatabaseAt, relOid: number): IndexInfo[] {
  const found: IndexInfo[] = [];
  database.catalog.scan('pg_index', (row) => {
    if (row.oid('indrelid') !== relOid) return;
    const relation = database.catalog.relations.get(row.oid('indexrelid'));
    if (!relation) return;
    const columns = row.numbers('indkey', 2);
    found.push({
      indexOid: relation.oid, relation, columns, key: columns.slice(0, row.int2('indnkeyatts')), isPrimary: row.bool('indisprimary'),
      isUnique: row.bool('indisunique'), isValid: row.bool('indisvalid'), hasPredicate: !row.isNull('indpred'),
      options: row.numbers('indoption', 2), collations: row.numbers('indcollation', 4, false), opclasses: row.numbers('indclass', 4, false),
    });
  });
  return found.sort((a, b) => Number(b.isPrimary) - Number(a.isPrimary) || a.indexOid - b.indexOid);
}

/** Names of the primary key's columns, in its order; undefined where there is none. */
export function primaryKeyColumns(database: DatabaseAt, relOid: number): string[] | undefined {
  const primary = indexesOf(database, relOid).find((index) => index.isPrimary);
  if (!primary) return undefined;
  const columns = database.catalog.columns(relOid);
  return primary.key.map((attnum) => columns.find((c) => c.attnum === attnum)!.name);
}

/** Attnums of the columns that an index's expressions and predicate read. */
export function indexAttnums(database: DatabaseAt, indexOid: number, relOid: number): number[] {
  const found: number[] = [];
  database.catalog.scan('pg_depend', (row) => {
    if (row.oid('classid') === PG_CLASS && row.oid('objid') === indexOid && row.oid('refclassid') === PG_CLASS && row.oid('refobjid') === relOid) found.push(row.int4('refobjsubid'));
  });
  return found;
}
