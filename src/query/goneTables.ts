/** What brings the definitions of tables back that are gone: with what they need and the database of now lacks, and the foreign keys that pointed to them. */
import { PG_ATTRDEF, PG_CLASS, PG_CONSTRAINT, PG_NAMESPACE, PG_PROC, PG_REWRITE, PG_TYPE } from '../catalog/catalogOids.js';
import { FIRST_NORMAL_OID, type Relation } from '../catalog/relation.js';
import { TABLE_OBJECT_CATALOGS } from '../catalog/tableObjects.js';
import { quoteIdentifier, quoteLiteral } from '../util/quote.js';
import { relationName } from './ddl.js';
import { objectKey, type ObjectKey } from './objectKey.js';
import { privilegesOf } from './privileges.js';
import { tableSchema, type TableSchema } from './schema.js';
import { createSequence, sequencesOf, tableDdlParts, type DdlParts } from './schemaDdl.js';
import { functionsOf } from './schemaObjects.js';
import { isSystemSchema, type DatabaseAt, type Findings } from './session.js';
import { comment, commentedOut } from './sqlScript.js';
import { TypeDdl } from './typeDdl.js';

export interface GoneTablesDdl {
  /** Schemas, types, functions, sequences, the tables themselves. */
  before: string[];
  /** What is to be done once the rows are in. */
  after: string[];
  /** Sequences that it makes anew. */
  sequences: Relation[];
  /** What comes back beside the tables: schemas, types, functions, sequences, foreign keys of other tables. */
  made: ReadonlySet<ObjectKey>;
}

/** `now`: the database in which the tables are gone; undefined where that is gone, too. `relations` are in the order in which they can be made. */
export function goneTablesDdl(then: DatabaseAt, now: DatabaseAt | undefined, relations: readonly Relation[]): GoneTablesDdl {
  if (relations.length === 0) return { before: [], after: [], sequences: [], made: new Set() };
  const schemas = relations.map((relation) => tableSchema(then, relation));
  const parts = schemas.map((schema) => tableDdlParts(then, schema));
  const functions = neededFunctions(then, now, schemas);
  const types = new TypeDdl(then).neededBy([...schemas.flatMap((schema) => schema.columns.map((column) => column.typeOid)), ...functions.flatMap((each) => each.types)]);
  const typesGone = types.filter((type) => now?.types.type(type.oid) === undefined);
  // two tables may share a sequence
  const sequences = new Map(parts.flatMap((part) => part.sequences).filter(({ oid }) => !now?.catalog.relations.has(oid)).map((sequence) => [sequence.oid, sequence]));
  const names = new Set([...schemas.map((schema) => schema.schema), ...types.map((type) => type.schema), ...functions.map((each) => each.schema), ...[...sequences.values()].map((each) => each.schema)]);
  const standalone = functions.filter((each) => each.types.length === 0);
  const keysIn = schemas.flatMap((schema) => foreignKeysIn(now, relations, schema));
  const relationOids = new Set(relations.map(({ oid }) => oid));
  const identities = then.once(sequencesOf).filter(({ identity, owner }) => identity && owner && relationOids.has(owner.relOid));
  return {
    made: new Set([
      ...[...then.catalog.namespaces].filter(([, name]) => names.has(name)).map(([oid]) => objectKey(PG_NAMESPACE, oid)), ...typesGone.map(({ oid }) => objectKey(PG_TYPE, oid)),
      ...functions.map(({ oid }) => objectKey(PG_PROC, oid)), ...[...sequences.keys(), ...identities.map(({ oid }) => oid)].map((oid) => objectKey(PG_CLASS, oid)),
      ...keysIn.map(({ oid }) => objectKey(PG_CONSTRAINT, oid)),
    ]),
    before: [
      ...[...names].filter((name) => name !== 'public' && !isSystemSchema(name)).map((name) => `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(name)};`),
      ...standalone.map((each) => each.sql), ...typesGone.map((type) => type.sql),
      ...functions.filter((each) => !standalone.includes(each)).map((each) => each.sql), ...[...sequences.values()].map(createSequence), ...parts.flatMap((part) => part.before),
    ],
    after: [
      ...parts.flatMap((part) => part.after), ...parts.flatMap((part) => foreignKeysOut(then, now, relations, part.foreignKeys)),
      ...keysIn.map(({ sql }) => sql), ...schemas.flatMap((schema, i) => hungOn(then, now, relations, schema, parts[i]!)),
      ...relations.flatMap((relation) => ownership(then, now, relation)), ...relations.flatMap((relation) => viewsGone(then, relation)),
    ],
    sequences: [...sequences.keys()].map((oid) => then.catalog.relations.get(oid)!),
  };
}

interface NeededFunction {
  oid: number;
  schema: string;
  sql: string;
  /** Types of users that its arguments and result have. */
  types: number[];
}

/** Functions that defaults, checks, indexes, triggers and policies call and that are gone, too. */
function neededFunctions(then: DatabaseAt, now: DatabaseAt | undefined, schemas: readonly TableSchema[]): NeededFunction[] {
  const users = new Set<ObjectKey>(schemas.flatMap((schema) => [
    objectKey(PG_CLASS, schema.relation.oid), ...schema.indexes.map((index) => objectKey(PG_CLASS, index.oid)), ...schema.constraints.map((each) => objectKey(PG_CONSTRAINT, each.oid)),
    ...schema.objects.map(({ kind, oid }) => objectKey(TABLE_OBJECT_CATALOGS[kind].classOid, oid)),
  ]));
  const tables = new Set(schemas.map((schema) => schema.relation.oid));
  then.catalog.scan('pg_attrdef', (row) => {
    if (tables.has(row.oid('adrelid'))) users.add(objectKey(PG_ATTRDEF, row.oid('oid')));
  });
  const wanted = new Set<number>();
  then.catalog.scan('pg_depend', (row) => {
    if (row.oid('refclassid') === PG_PROC && users.has(objectKey(row.oid('classid'), row.oid('objid')))) wanted.add(row.oid('refobjid'));
  });
  if (wanted.size === 0) return [];
  const definitions = functionsOf(then), there = now && functionsOf(now);
  const found: NeededFunction[] = [];
  then.catalog.scan('pg_proc', (row) => {
    const oid = row.oid('oid');
    const sql = definitions.get(oid)?.sql;
    if (!wanted.has(oid) || !sql || there?.has(oid)) return;
    const types = [row.oid('prorettype'), ...row.numbers('proargtypes', 4, false)].filter((type) => type >= FIRST_NORMAL_OID);
    found.push({ oid, schema: then.catalog.namespaces.get(row.oid('pronamespace')) ?? '', sql, types });
  });
  return found;
}

/** The tables' own foreign keys; to a table that is gone and does not come back, as a comment. */
function foreignKeysOut(then: DatabaseAt, now: DatabaseAt | undefined, relations: readonly Relation[], keys: DdlParts['foreignKeys']): string[] {
  return keys.map(({ referencedOid, sql }) => {
    const referenced = then.catalog.relations.get(referencedOid);
    const isLost = referenced && !relations.includes(referenced) && !now?.catalog.relations.has(referencedOid);
    return isLost ? comment(`not added: ${relationName(then, referenced)} is gone, too: ${sql}`) : sql;
  });
}

/** Triggers, rules, policies and extended statistics with all comments; what reads a table that is gone and does not come back, as a comment. */
function hungOn(then: DatabaseAt, now: DatabaseAt | undefined, relations: readonly Relation[], schema: TableSchema, parts: DdlParts): string[] {
  const lacking = new Map<ObjectKey, Relation>();
  then.catalog.scan('pg_depend', (row) => {
    const needed = row.oid('refclassid') === PG_CLASS ? then.catalog.relations.get(row.oid('refobjid')) : undefined;
    if (needed && !relations.includes(needed) && !now?.catalog.relations.has(needed.oid)) lacking.set(objectKey(row.oid('classid'), row.oid('objid')), needed);
  });
  const lost = schema.objects.map(({ kind, oid }) => lacking.get(objectKey(TABLE_OBJECT_CATALOGS[kind].classOid, oid)));
  return [
    ...parts.objects.map((sql, i) => (lost[i] ? commentedOut(`not brought back, since ${relationName(then, lost[i])} is gone, too: ${sql}`) : sql)),
    ...parts.comments.filter((line) => !schema.objects.some(({ target }, i) => lost[i] && line.startsWith(`COMMENT ON ${target} IS `))),
  ];
}

/** Foreign keys of tables that are still there: they went with DROP … CASCADE. */
function foreignKeysIn(now: DatabaseAt | undefined, relations: readonly Relation[], schema: TableSchema): { oid: number; sql: string }[] {
  if (!now) return [];
  return schema.referencedBy.filter((each) => each.parentOid === 0 && !relations.some((relation) => relation.oid === each.relOid)).flatMap((each) => {
    const table = now.catalog.relations.get(each.relOid);
    return table ? [{ oid: each.oid, sql: `ALTER TABLE ${relationName(now, table)} ADD CONSTRAINT ${quoteIdentifier(each.name)} ${each.sql};` }] : [];
  });
}

/** The owner and the privileges, as far as their roles are still there. */
function ownership(then: DatabaseAt, now: DatabaseAt | undefined, relation: Relation): string[] {
  const owner = now?.types.roleName(relation.ownerOid);
  const granted = privilegesOf(then, relation, (oid) => now?.types.roleName(oid));
  return [...(owner === undefined ? [] : [`ALTER TABLE ${relationName(then, relation)} OWNER TO ${quoteIdentifier(owner)};`]), ...granted];
}

/** What read the table and does not come back. */
function viewsGone(then: DatabaseAt, relation: Relation): string[] {
  const table = relationName(then, relation);
  const rules = new Map<number, number>();
  then.catalog.scan('pg_rewrite', (row) => void rules.set(row.oid('oid'), row.oid('ev_class')));
  const views = new Set<Relation>();
  then.catalog.scan('pg_depend', (row) => {
    if (row.oid('classid') !== PG_REWRITE || row.oid('refclassid') !== PG_CLASS || row.oid('refobjid') !== relation.oid) return;
    const view = then.catalog.relations.get(rules.get(row.oid('objid')) ?? 0);
    if (view && view !== relation && 'vm'.includes(view.kind)) views.add(view);
  });
  return [...views].map((view) => comment(`not brought back: view ${relationName(then, view)}, which reads ${table}`));
}

/** setval() for the sequences that the tables' columns own, and for those that are made anew. Where the table is still there, a sequence never goes back. */
export function sequenceLines(then: DatabaseAt, order: readonly Relation[], isThere: (table: Relation) => boolean, made: readonly Relation[], findings: Findings): string[] {
  const tables = new Map(order.map((relation) => [relation.oid, relation]));
  const wanted = new Map(made.map((sequence) => [sequence, undefined as Relation | undefined]));
  then.catalog.scan('pg_depend', (row) => {
    const table = tables.get(row.oid('refobjid'));
    const sequence = then.catalog.relations.get(row.oid('objid'));
    if (row.oid('classid') === PG_CLASS && row.oid('refclassid') === PG_CLASS && 'ai'.includes(row.char('deptype')) && table && sequence?.kind === 'S') wanted.set(sequence, table);
  });
  return [...wanted].map(([sequence, table]) => {
    const name = relationName(then, sequence);
    const opened = then.open(sequence);
    const place = (column: string): number => opened.columns.findIndex((c) => c.column.name === column);
    let line = '';
    opened.scan((row) => {
      const value = row.value(place('last_value'));
      line = table && isThere(table)
        ? `SELECT setval(${quoteLiteral(name)}, greatest(${value}, last_value)) FROM ${name} WHERE last_value < ${value};`
        : `SELECT setval(${quoteLiteral(name)}, ${value}, ${row.value(place('is_called')) === 't'});`;
    }, findings.add);
    return line;
  });
}
