/** Enum, domain, composite and range types as SQL. */
import { PG_TYPE } from '../catalog/catalogOids.js';
import { Definitions } from '../catalog/definitions.js';
import type { TypeInfo } from '../rows/types/typeInfo.js';
import { qualifyName, quoteIdentifier, quoteLiteral } from '../util/quote.js';
import { collationOf } from './schema.js';
import { extensionMembers } from './schemaObjects.js';
import { isSystemSchema, type DatabaseAt } from './session.js';
import { inlineComment } from './sqlScript.js';

export interface TypeStatement {
  oid: number;
  schema: string;
  /** Qualified. */
  name: string;
  sql: string;
}

/** Writes the types of one database at one moment. */
export class TypeDdl {
  private readonly definitions: Definitions;
  private extensionMembers: Set<number> | undefined;

  constructor(private readonly database: DatabaseAt) {
    this.definitions = new Definitions(database);
  }

  /** Types of users that these need, each after what it needs itself; without those that an extension brings. */
  neededBy(typeOids: Iterable<number>): TypeStatement[] {
    const { types } = this.database;
    const done = new Set<number>();
    const found: TypeStatement[] = [];
    const visit = (oid: number): void => {
      const type = types.type(oid);
      if (!type || done.has(oid)) return;
      done.add(oid);
      if (type.typelem !== 0) visit(type.typelem);
      if (isSystemSchema(type.schema) || this.isExtensionMember(oid)) return;
      if (type.typtype === 'd') visit(type.typbasetype);
      else if (type.typtype === 'r' && type.rangeSubtype !== undefined) visit(type.rangeSubtype);
      else if (type.typtype === 'm' && type.rangeType !== undefined) visit(type.rangeType);
      else if (this.isOwnComposite(type)) for (const attribute of type.attributes ?? []) if (!attribute.dropped) visit(attribute.typeOid);
      const sql = this.statement(type);
      if (sql !== undefined) found.push({ oid, schema: type.schema, name: qualifyName(type.schema, type.name), sql });
    };
    for (const oid of typeOids) visit(oid);
    return found;
  }

  private isOwnComposite(type: TypeInfo): boolean {
    return type.typtype === 'c' && this.database.catalog.relations.get(type.typrelid)?.kind === 'c';
  }

  /** CREATE TYPE or CREATE DOMAIN; undefined for a type that comes with something else (a table, an array's element, C functions). */
  statement(type: TypeInfo): string | undefined {
    const { types } = this.database;
    const name = qualifyName(type.schema, type.name);
    if (type.typtype === 'e') return `CREATE TYPE ${name} AS ENUM (${types.enumLabels(type.oid).map((label) => `\n    ${quoteLiteral(label)}`).join(',')}\n);`;
    if (type.typtype === 'd') return this.domain(type.oid, name);
    if (type.typtype === 'r' && type.rangeSubtype !== undefined) return this.range(type, name);
    if (!this.isOwnComposite(type)) return undefined;
    const attributes = this.database.catalog.columns(type.typrelid).filter((a) => !a.dropped);
    return `CREATE TYPE ${name} AS (${attributes.map((a) => `\n    ${quoteIdentifier(a.name)} ${types.formatType(a.typeOid, a.typmod)}${this.collate(a)}`).join(',')}\n);`;
  }

  /** Types of an extension come back with the extension. */
  isExtensionMember(typeOid: number): boolean {
    this.extensionMembers ??= extensionMembers(this.database, PG_TYPE);
    return this.extensionMembers.has(typeOid);
  }

  private collate(of: Parameters<typeof collationOf>[1]): string {
    const collation = collationOf(this.database, of);
    return collation === null ? '' : ` COLLATE ${collation}`;
  }

  /** CREATE TYPE … AS RANGE; one with a canonical function, which takes the range, begins with a shell for it. */
  private range(type: TypeInfo, name: string): string {
    const DEFAULT_COLLATION = 100;
    const { types } = this.database;
    const lines = [`subtype = ${types.formatType(type.rangeSubtype!, -1)}`];
    let hasCanonical = false;
    this.database.catalog.scan('pg_range', (row) => {
      if (row.oid('rngtypid') !== type.oid) return;
      const collation = row.oid('rngcollation') === DEFAULT_COLLATION ? undefined : types.regName('regcollation', row.oid('rngcollation'));
      const opclass = types.operatorClasses.name(row.oid('rngsubopc'));
      const multirange = row.has('rngmultitypid') ? types.type(row.oid('rngmultitypid')) : undefined;
      if (opclass !== '') lines.push(`subtype_opclass = ${opclass}`);
      if (collation !== undefined) lines.push(`collation = ${collation}`);
      for (const [option, column] of [['canonical', 'rngcanonical'], ['subtype_diff', 'rngsubdiff']] as const) {
        if (row.oid(column) === 0) continue;
        lines.push(`${option} = ${types.regName('regproc', row.oid(column))}`);
        hasCanonical ||= option === 'canonical';
      }
      if (multirange) lines.push(`multirange_type_name = ${qualifyName(multirange.schema, multirange.name)}`);
    });
    return `${hasCanonical ? `CREATE TYPE ${name};\n` : ''}CREATE TYPE ${name} AS RANGE (\n    ${lines.join(',\n    ')}\n);`;
  }

  private domain(oid: number, name: string): string {
    let sql = '';
    this.database.catalog.scan('pg_type', (row) => {
      if (row.oid('oid') !== oid) return;
      sql = `CREATE DOMAIN ${name} AS ${this.database.types.formatType(row.oid('typbasetype'), row.int4('typtypmod'))}`;
      sql += this.collate({ typeOid: row.oid('typbasetype'), collationOid: row.oid('typcollation') });
      const value = row.text('typdefault');
      if (value !== null) sql += ` DEFAULT ${value}`;
      if (row.bool('typnotnull')) sql += ' NOT NULL';
    });
    let notValid = '';
    for (const check of this.definitions.domainConstraints(oid)) {
      if (check.type === 'n') continue;
      if (check.unknown === '' && check.sql.endsWith(' NOT VALID')) {
        notValid += `\nALTER DOMAIN ${name} ADD CONSTRAINT ${quoteIdentifier(check.name)} ${check.sql};`;
        continue;
      }
      sql += check.unknown ? `\n    ${inlineComment(`CONSTRAINT ${check.name}: ${check.unknown} is not written`)}` : `\n    CONSTRAINT ${quoteIdentifier(check.name)} ${check.sql}`;
    }
    return `${sql};${notValid}`;
  }
}

/** Enums, domains, ranges and composites of users, by OID. */
export function userTypes(database: DatabaseAt): Map<number, TypeInfo> {
  const found = new Map<number, TypeInfo>();
  const ddl = new TypeDdl(database);
  database.catalog.scan('pg_type', (row) => {
    const kind = row.char('typtype');
    if (!'edrc'.includes(kind)) return;
    const oid = row.oid('oid');
    const schema = database.catalog.namespaces.get(row.oid('typnamespace')) ?? '';
    if (isSystemSchema(schema) || ddl.isExtensionMember(oid)) return;
    if (kind === 'c' && database.catalog.relations.get(row.oid('typrelid'))?.kind !== 'c') return;
    found.set(oid, database.types.type(oid)!);
  });
  return found;
}
