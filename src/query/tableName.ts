/** Table names as psql takes them, and relations found by them as of a moment. */
import type { Catalog } from '../catalog/catalog.js';
import type { Relation } from '../catalog/relation.js';
import { ExitCode, WalscopeError } from '../util/errors.js';

/** `orders`, `shop.orders`, `"Odd Name"`, `oid:16385`, `filenode:16402`. */
export type TableName = { kind: 'name'; schema: string | undefined; name: string } | { kind: 'oid'; number: number } | { kind: 'filenode'; number: number };

/** The parts of a dotted name, those without quotes folded to lower case; undefined where it is none. */
export function nameParts(text: string): string[] | undefined {
  const parts: string[] = [];
  let rest = text;
  for (;;) {
    const match = /^(?:"((?:[^"]|"")+)"|([^\s".]+))(\.|$)/.exec(rest);
    if (!match) return undefined;
    parts.push(match[1] !== undefined ? match[1].replaceAll('""', '"') : match[2]!.toLowerCase());
    rest = rest.slice(match[0].length);
    if (match[3] === '') return parts;
  }
}

/** Reads a name; parts without quotes fold to lower case, as in SQL. Usage error where it is none. */
export function parseTableName(text: string): TableName {
  const number = /^(oid|filenode):(\d+)$/.exec(text);
  if (number) return { kind: number[1] === 'oid' ? 'oid' : 'filenode', number: Number(number[2]) };
  const parts = nameParts(text);
  if (!parts) throw new WalscopeError('usage.table', `"${text}" is not a table name`, { exitCode: ExitCode.usage, hint: 'write orders, shop.orders, "Odd Name", oid:16385 or filenode:16402' });
  if (parts.length > 2) throw new WalscopeError('usage.table', `"${text}" has too many parts`, { exitCode: ExitCode.usage, hint: 'write schema.table, and choose the database with -d' });
  return parts.length === 2 ? { kind: 'name', schema: parts[0], name: parts[1]! } : { kind: 'name', schema: undefined, name: parts[0]! };
}

/** The relation of that name at the catalog's moment; undefined where there is none. Without a schema: pg_catalog, then public. */
export function findRelation(catalog: Catalog, name: TableName): Relation | undefined {
  if (name.kind === 'oid') return catalog.relation(name.number);
  if (name.kind === 'filenode') {
    for (const relation of catalog.relations.values()) if (relation.locator.relNumber === name.number) return relation;
    return undefined;
  }
  const found = new Map<string, Relation>();
  for (const relation of catalog.relationsNamed(name.name)) found.set(catalog.schemaOf(relation), relation);
  if (name.schema !== undefined) return found.get(name.schema);
  return found.get('pg_catalog') ?? found.get('public');
}

/** Schemas that hold a relation of this name, for a hint. */
export function schemasWith(catalog: Catalog, name: string): string[] {
  const schemas: string[] = [];
  for (const relation of catalog.relations.values()) if (relation.name === name) schemas.push(catalog.schemaOf(relation));
  return schemas.sort();
}
