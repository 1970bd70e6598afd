/** What a relation without rows of its own is, with what the catalogs hold of its definition. */
import { PG_CLASS, PG_REWRITE } from '../catalog/catalogOids.js';
import { RELKIND_NAMES, type Relation } from '../catalog/relation.js';
import { inputError } from '../util/errors.js';
import { qualifiedName } from '../util/quote.js';
import type { DatabaseAt } from './session.js';

/** One sentence: `public.v is a view over public.a: it has no rows of its own`. */
export function describeKind(database: DatabaseAt, relation: Relation): string {
  const name = qualifiedName(database.catalog.schemaOf(relation), relation.name);
  const kind = RELKIND_NAMES[relation.kind] ?? relation.kind;
  if (relation.kind === 'f') return `${name} is a foreign table (${foreignDefinition(database, relation.oid)}): its rows are not in this cluster`;
  if (relation.kind === 'v') {
    const sources = viewSources(database, relation.oid);
    return `${name} is a view${sources.length > 0 ? ` over ${sources.join(', ')}` : ''}: it has no rows of its own`;
  }
  return `${name} is a ${kind}: it has no rows of its own`;
}

function foreignDefinition(database: DatabaseAt, relOid: number): string {
  let server = 0;
  let options: string | null = null;
  const table = database.table('pg_catalog.pg_foreign_table');
  const place = (name: string): number => table.columns.findIndex((c) => c.column.name === name);
  const [relation, serverOid, ftoptions] = [place('ftrelid'), place('ftserver'), place('ftoptions')];
  table.scan((row) => {
    if (row.value(relation) !== String(relOid)) return;
    server = Number(row.value(serverOid));
    options = row.value(ftoptions);
  }, (finding) => { throw inputError(finding.code, finding.message, finding.place); });
  let name = `oid:${server}`;
  database.catalog.scan('pg_foreign_server', (row) => {
    if (row.oid('oid') === server) name = row.name('srvname');
  });
  return `server ${name}${options === null ? '' : `, options ${options}`}`;
}

/** The relations that a view reads: what its rule depends on. */
function viewSources(database: DatabaseAt, relOid: number): string[] {
  const rules = new Set<number>();
  database.catalog.scan('pg_rewrite', (row) => {
    if (row.oid('ev_class') === relOid) rules.add(row.oid('oid'));
  });
  const names = new Set<string>();
  database.catalog.scan('pg_depend', (row) => {
    if (row.oid('classid') !== PG_REWRITE || row.oid('refclassid') !== PG_CLASS || !rules.has(row.oid('objid')) || row.oid('refobjid') === relOid) return;
    const source = database.catalog.relations.get(row.oid('refobjid'));
    if (source) names.add(qualifiedName(database.catalog.schemaOf(source), source.name));
  });
  return [...names].sort();
}
