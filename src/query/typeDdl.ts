/** Enum, domain, composite and range types as SQL. */
import { Definitions } from '../catalog/definitions.js';
import type { TypeInfo } from '../rows/types/typeInfo.js';
import { qualifyName, quoteIdentifier, quoteLiteral } from '../util/quote.js';
import type { DatabaseAt } from './session.js';

const SYSTEM_SCHEMAS = ['pg_catalog', 'information_schema'];
const PG_TYPE = 1247;
const PG_EXTENSION = 3079;

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
      if (SYSTEM_SCHEMAS.includes(type.schema) || this.isExtensionMember(oid)) return;
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
  private statement(type: TypeInfo): string | undefined {
    const { types } = this.database;
    const name = qualifyName(type.schema, type.name);
    if (type.typtype === 'e') return `CREATE TYPE ${name} AS ENUM (${types.enumLabels(type.oid).map((label) => `\n    ${quoteLiteral(label)}`).join(',')}\n);`;
    if (type.typtype === 'd') return this.domain(type.oid, name);
    if (type.typtype === 'r' && type.rangeSubtype !== undefined) return `CREATE TYPE ${name} AS RANGE (\n    subtype = ${types.formatType(type.rangeSubtype, -1)}${this.rangeCollation(type.oid)}\n);`;
    if (!this.isOwnComposite(type)) return undefined;
    const attributes = (type.attributes ?? []).filter((a) => !a.dropped);
    return `CREATE TYPE ${name} AS (${attributes.map((a) => `\n    ${quoteIdentifier(a.name)} ${types.formatType(a.typeOid, a.typmod)}`).join(',')}\n);`;
  }

  /** Types of an extension come back with the extension. */
  isExtensionMember(typeOid: number): boolean {
    if (!this.extensionMembers) {
      const members = new Set<number>();
      this.database.catalog.scan('pg_depend', (row) => {
        if (row.oid('classid') === PG_TYPE && row.oid('refclassid') === PG_EXTENSION && row.char('deptype') === 'e') members.add(row.oid('objid'));
      });
      this.extensionMembers = members;
    }
    return this.extensionMembers.has(typeOid);
  }

  private rangeCollation(oid: number): string {
    const DEFAULT_COLLATION = 100;
    let collation = 0;
    this.database.catalog.scan('pg_range', (row) => {
      if (row.oid('rngtypid') === oid) collation = row.oid('rngcollation');
    });
    const name = collation === 0 || collation === DEFAULT_COLLATION ? undefined : this.database.types.regName('regcollation', collation);
    return name === undefined ? '' : `,\n    collation = ${name}`;
  }

  private domain(oid: number, name: string): string {
    let sql = '';
    this.database.catalog.scan('pg_type', (row) => {
      if (row.oid('oid') !== oid) return;
      sql = `CREATE DOMAIN ${name} AS ${this.database.types.formatType(row.oid('typbasetype'), row.int4('typtypmod'))}`;
      const value = row.text('typdefault');
      if (value !== null) sql += ` DEFAULT ${value}`;
      if (row.bool('typnotnull')) sql += ' NOT NULL';
    });
    for (const check of this.definitions.domainConstraints(oid)) {
      if (check.type === 'n') continue;
      sql += check.unknown ? `\n    /* CONSTRAINT ${check.name}: ${check.unknown} is not written */` : `\n    CONSTRAINT ${quoteIdentifier(check.name)} ${check.sql}`;
    }
    return `${sql};`;
  }
}
