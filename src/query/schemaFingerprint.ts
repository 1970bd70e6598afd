/** Which relations have other catalog rows at another moment: what need not be read twice. */
import { createHash } from 'node:crypto';
import { SIZE_OF_HEAP_TUPLE_HEADER } from '../pg/heapTuple.js';
import { inputError } from '../util/errors.js';
import type { DatabaseAt } from './session.js';

/** Catalogs whose rows describe a relation, with the column that names it. */
const SOURCES: readonly (readonly [catalog: string, relation: string])[] = [
  ['pg_class', 'oid'], ['pg_attribute', 'attrelid'], ['pg_attrdef', 'adrelid'], ['pg_constraint', 'conrelid'], ['pg_index', 'indrelid'], ['pg_inherits', 'inhrelid'],
  ['pg_description', 'objoid'], ['pg_rewrite', 'ev_class'], ['pg_partitioned_table', 'partrelid'], ['pg_sequence', 'seqrelid'], ['pg_foreign_table', 'ftrelid'],
  ['pg_trigger', 'tgrelid'], ['pg_policy', 'polrelid'], ['pg_statistic_ext', 'stxrelid'],
];

/** OIDs of relations that are there at one of the moments alone, or whose catalog rows differ in any byte. */
export function changedRelations(before: DatabaseAt, after: DatabaseAt): Set<number> {
  const was = fingerprints(before), is = fingerprints(after);
  const changed = new Set<number>();
  const known = (oid: number): boolean => before.catalog.relations.has(oid) || after.catalog.relations.has(oid);
  for (const [oid, text] of was) if (is.get(oid) !== text && known(oid)) changed.add(oid);
  for (const oid of is.keys()) if (!was.has(oid) && known(oid)) changed.add(oid);
  // an index that was renamed or rebuilt has rows of its own
  for (const database of [before, after]) {
    database.catalog.scan('pg_index', (row) => {
      if (changed.has(row.oid('indexrelid'))) changed.add(row.oid('indrelid'));
    });
  }
  return changed;
}

function fingerprints(database: DatabaseAt): Map<number, string> {
  const parts = new Map<number, string[]>();
  for (const [catalog, column] of SOURCES) {
    const table = database.table(`pg_catalog.${catalog}`);
    const place = table.columns.findIndex((c) => c.column.name === column);
    table.scan((row) => {
      const oid = Number(row.value(place));
      const { bytes } = row.page;
      const data = bytes.subarray(row.at + SIZE_OF_HEAP_TUPLE_HEADER, row.at + row.length);
      const part = `${catalog} ${createHash('md5').update(data).digest('base64')}`;
      const list = parts.get(oid);
      if (list) list.push(part);
      else parts.set(oid, [part]);
    }, (finding) => { throw inputError(finding.code, finding.message, finding.place); });
  }
  return new Map([...parts].map(([oid, list]) => [oid, list.sort().join()]));
}
