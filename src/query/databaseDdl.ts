/**
 * A whole database as SQL as of a moment: schemas, extensions, types, functions, sequences and tables; then, for once the rows are in,
 * constraints and indexes, views, foreign keys and comments. Each statement follows what it needs; what is not written is named.
 */
import { PG_AM, PG_CAST, PG_CLASS, PG_EXTENSION, PG_NAMESPACE, PG_PROC, PG_TRANSFORM, PG_TYPE } from '../catalog/catalogOids.js';
import { FIRST_NORMAL_OID } from '../catalog/relation.js';
import { TABLE_OBJECT_CATALOGS, tableObjects } from '../catalog/tableObjects.js';
import { qualifyName, quoteIdentifier, quoteLiteral } from '../util/quote.js';
import { baseTypes, casts, transforms } from './baseTypeDdl.js';
import { commentOn, commentsOf } from './comments.js';
import { Dependencies, unwrittenObjects } from './ddlObjects.js';
import { objectKey, type ObjectKey, SHELL_OF_TYPE } from './objectKey.js';
import { ownership } from './ownership.js';
import { parentsOf, tableSchema } from './schema.js';
import { createSequence, identityPersistence, ownedBy, sequencesOf, tableDdlParts } from './schemaDdl.js';
import { extensionMembers, functionsOf, schemasOf } from './schemaObjects.js';
import { isSystemSchema, type DatabaseAt } from './session.js';
import { TypeDdl, userTypes } from './typeDdl.js';

export interface DatabaseDdl {
  /** For the session that runs either part. */
  settings: readonly string[];
  /** What rows need, in the order in which it can be run. */
  before: string[];
  /** What is quicker, or only holds, once the rows are in. */
  after: string[];
  /** What of the database is not written: `view shop.totals: …`. */
  unknown: string[];
}

interface DdlObject {
  rank: number;
  /** `table shop.orders`. Objects of one rank come in this order. */
  label: string;
  statements: string[];
  after: string[];
  attachments: string[];
  foreignKeys: string[];
  comments: string[];
  /** Of a partition, below its partitioned table. */
  depth: number;
}

const Rank = { schema: 0, extension: 1, type: 2, function: 3, sequence: 4, table: 5, view: 6, onTable: 7 } as const;
const SETTINGS = ['SET check_function_bodies = off;', 'SET search_path = public, pg_catalog;'];

/** Writes the database; with `owners`, who owned what and who might do what with it, last. */
export function databaseDdl(database: DatabaseAt, { owners = false }: { owners?: boolean } = {}): DatabaseDdl {
  return new DatabaseWriter(database).write(owners);
}

class DatabaseWriter {
  private readonly objects = new Map<ObjectKey, DdlObject>();
  private readonly unknown: string[] = [];
  private readonly missing: Map<ObjectKey, string>;
  private readonly dependencies: Dependencies;
  private readonly needs: ReadonlyMap<ObjectKey, ReadonlySet<ObjectKey>>;
  private readonly checksApart: ReadonlySet<ObjectKey>;

  constructor(private readonly database: DatabaseAt) {
    this.missing = unwrittenObjects(database);
    this.unknown.push(...this.missing.values());
    this.dependencies = new Dependencies(database);
    ({ needs: this.needs, checksApart: this.checksApart } = this.dependencies.statements());
  }

  write(owners: boolean): DatabaseDdl {
    this.schemas();
    this.accessMethods();
    this.types();
    this.baseTypes();
    this.functions();
    this.relations();
    this.onTables();
    this.withoutMissing();
    const ordered = this.ordered();
    const late = this.lateObjects();
    const early = ordered.filter((key) => !late.has(key)).map((key) => this.objects.get(key)!);
    const behind = ordered.filter((key) => late.has(key)).map((key) => this.objects.get(key)!);
    const all = [...early, ...behind];
    return {
      settings: SETTINGS,
      before: early.flatMap((object) => object.statements),
      after: [
        ...[...early].sort((a, b) => b.depth - a.depth).flatMap((object) => object.after), ...early.flatMap((object) => object.attachments),
        ...behind.flatMap((object) => [...object.statements, ...object.after]),
        ...[...all].sort((a, b) => b.depth - a.depth).flatMap((object) => object.foreignKeys), ...all.flatMap((object) => object.comments),
        ...(owners ? ownership(this.database, (classOid, oid) => this.objects.has(objectKey(classOid, oid)), true) : []),
      ],
      unknown: this.unknown,
    };
  }

  private add(classOid: number, oid: number, object: Pick<DdlObject, 'rank' | 'label' | 'statements'> & Partial<DdlObject>): void {
    this.objects.set(objectKey(classOid, oid), { after: [], attachments: [], foreignKeys: [], comments: [], depth: 0, ...object });
  }

  private schemas(): void {
    for (const [oid, { name, sql }] of schemasOf(this.database)) if (name !== 'public') this.add(PG_NAMESPACE, oid, { rank: Rank.schema, label: `schema ${name}`, statements: [sql!], comments: commentOn(this.database, PG_NAMESPACE, oid, `SCHEMA ${name}`) });
    this.database.catalog.scan('pg_extension', (row) => {
      const name = row.name('extname');
      const schema = this.database.catalog.namespaces.get(row.oid('extnamespace')) ?? '';
      if (name === 'plpgsql') return;
      this.add(PG_EXTENSION, row.oid('oid'), { rank: Rank.extension, label: `extension ${name}`, statements: [`CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(name)}${isSystemSchema(schema) ? '' : ` WITH SCHEMA ${quoteIdentifier(schema)}`};`] });
    });
  }

  private accessMethods(): void {
    this.database.catalog.scan('pg_am', (row) => {
      if (row.oid('oid') < FIRST_NORMAL_OID) return;
      const name = quoteIdentifier(row.name('amname'));
      const handler = this.database.types.regName('regproc', row.oid('amhandler'));
      this.add(PG_AM, row.oid('oid'), { rank: Rank.extension, label: `access method ${name}`, statements: [`CREATE ACCESS METHOD ${name} TYPE ${row.char('amtype') === 't' ? 'TABLE' : 'INDEX'} HANDLER ${handler};`] });
    });
  }

  private types(): void {
    const ddl = new TypeDdl(this.database);
    for (const type of userTypes(this.database).values()) {
      const name = qualifyName(type.schema, type.name);
      const ofColumns = commentsOf(this.database, PG_CLASS, type.typrelid);
      this.add(PG_TYPE, type.oid, {
        rank: Rank.type, label: `type ${name}`, statements: [ddl.statement(type)!],
        comments: [
          ...commentOn(this.database, PG_TYPE, type.oid, `${type.typtype === 'd' ? 'DOMAIN' : 'TYPE'} ${name}`),
          ...(type.attributes ?? []).flatMap((attribute, i) => (ofColumns.has(i + 1) && !attribute.dropped ? [`COMMENT ON COLUMN ${name}.${quoteIdentifier(attribute.name)} IS ${quoteLiteral(ofColumns.get(i + 1)!)};`] : [])),
        ],
      });
    }
  }

  /** A base type and its functions need each other: the type is first made as a shell. */
  private baseTypes(): void {
    for (const { oid, name, shell, sql } of baseTypes(this.database)) {
      this.add(SHELL_OF_TYPE, oid, { rank: Rank.extension, label: `shell of type ${name}`, statements: [shell] });
      this.add(PG_TYPE, oid, { rank: Rank.type, label: `type ${name}`, statements: [sql] });
    }
    for (const { oid, name, sql } of casts(this.database)) this.add(PG_CAST, oid, { rank: Rank.function, label: `cast ${name}`, statements: [sql] });
    for (const { oid, name, sql } of transforms(this.database)) this.add(PG_TRANSFORM, oid, { rank: Rank.function, label: `transform ${name}`, statements: [sql] });
  }

  private functions(): void {
    for (const [oid, { name, sql, unknown }] of functionsOf(this.database)) {
      if (sql !== null && unknown === '') {
        this.add(PG_PROC, oid, { rank: Rank.function, label: `function ${name}`, statements: [sql], comments: commentOn(this.database, PG_PROC, oid, `ROUTINE ${name}`) });
        continue;
      }
      this.missing.set(objectKey(PG_PROC, oid), `function ${name}`);
      this.unknown.push(`function ${name}: ${unknown}`);
    }
  }

  private relations(): void {
    const { catalog } = this.database;
    const members = extensionMembers(this.database, PG_CLASS);
    for (const relation of [...catalog.relations.values()].sort((a, b) => a.oid - b.oid)) {
      const schema = catalog.schemaOf(relation);
      if (isSystemSchema(schema) || members.has(relation.oid) || relation.persistence === 't' || !'rpfvm'.includes(relation.kind)) continue;
      const described = tableSchema(this.database, relation);
      const label = `${described.kind} ${qualifyName(schema, relation.name)}`;
      const key = objectKey(PG_CLASS, relation.oid);
      const { before, after, attachments, foreignKeys, comments } = tableDdlParts(this.database, described, { inDatabase: true, checksApart: this.checksApart.has(key), lacks: (classOid, oid) => this.lacking(objectKey(classOid, oid)) });
      for (const what of described.unknown) this.unknown.push(`${label}: ${what}`);
      if (described.queryTree !== null && described.query === null) this.missing.set(key, label);
      this.objects.set(key, { rank: 'vm'.includes(relation.kind) ? Rank.view : Rank.table, label, statements: before, after, attachments, foreignKeys: foreignKeys.map(({ sql }) => sql), comments, depth: this.depth(relation.oid) });
    }
    for (const sequence of this.database.once(sequencesOf)) {
      if (isSystemSchema(sequence.schema) || members.has(sequence.oid)) continue;
      const after = [...ownedBy(this.database, sequence), ...identityPersistence(this.database, sequence)];
      this.add(PG_CLASS, sequence.oid, { rank: Rank.sequence, label: `sequence ${sequence.name}`, statements: sequence.identity ? [] : [createSequence(sequence)], after, comments: commentOn(this.database, PG_CLASS, sequence.oid, `SEQUENCE ${sequence.name}`) });
    }
  }

  /** Triggers, rules, policies and extended statistics of the relations that are written. */
  private onTables(): void {
    for (const [relOid, objects] of this.database.once(tableObjects)) {
      if (!this.objects.has(objectKey(PG_CLASS, relOid))) continue;
      for (const { kind, oid, target, sql, unknown } of objects) {
        const { classOid } = TABLE_OBJECT_CATALOGS[kind];
        if (unknown === '') this.add(classOid, oid, { rank: Rank.onTable, label: target, statements: [sql], comments: commentOn(this.database, classOid, oid, target) });
      }
    }
  }

  private depth(oid: number): number {
    const relation = this.database.catalog.relations.get(oid);
    return relation?.isPartition ? 1 + this.depth(parentsOf(this.database, oid)[0] ?? 0) : 0;
  }

  /** What an index or a constraint needs that is not written. */
  private lacking(key: ObjectKey): string | undefined {
    const need = this.dependencies.of(key).find((each) => this.missing.has(each));
    return need && this.missing.get(need);
  }

  /** Takes out what needs something that is not written, and says so. */
  private withoutMissing(): void {
    const met = new Set<ObjectKey>();
    const check = (key: ObjectKey): string | undefined => {
      const object = this.objects.get(key);
      if (this.missing.has(key) || !object || met.has(key)) return this.missing.get(key);
      met.add(key);
      for (const need of this.needs.get(key) ?? []) {
        const lack = check(need);
        if (lack === undefined) continue;
        this.objects.delete(key);
        this.missing.set(key, object.label);
        this.unknown.push(`${object.label}: it needs ${lack}`);
        return object.label;
      }
      return undefined;
    };
    for (const key of [...this.objects.keys()]) check(key);
  }

  /** Each after what it depends on; a circle is broken where it is met. */
  private ordered(): ObjectKey[] {
    const sorted: ObjectKey[] = [];
    const met = new Set<ObjectKey>();
    const byRank = (a: ObjectKey, b: ObjectKey): number => {
      const [first, second] = [this.objects.get(a)!, this.objects.get(b)!];
      return first.rank - second.rank || (first.label < second.label ? -1 : 1);
    };
    const visit = (key: ObjectKey): void => {
      if (met.has(key)) return;
      met.add(key);
      for (const need of this.needsOf(key).sort(byRank)) visit(need);
      sorted.push(key);
    };
    for (const key of [...this.objects.keys()].sort(byRank)) visit(key);
    return sorted;
  }

  private needsOf(key: ObjectKey): ObjectKey[] {
    return [...(this.needs.get(key) ?? [])].filter((need) => this.objects.has(need));
  }

  /** Views, functions that need one, and what hangs on tables, unless a table needs them: a materialised view is filled from the rows, and a view may need a primary key. */
  private lateObjects(): Set<ObjectKey> {
    const early = new Set<ObjectKey>();
    const keep = (key: ObjectKey): void => {
      if (early.has(key)) return;
      early.add(key);
      this.needsOf(key).forEach(keep);
    };
    for (const [key, { rank }] of this.objects) if (rank < Rank.view && rank !== Rank.function) keep(key);
    const late = new Set<ObjectKey>();
    for (const key of this.ordered()) {
      if (!early.has(key) && (this.objects.get(key)!.rank >= Rank.view || this.needsOf(key).some((need) => late.has(need)))) late.add(key);
    }
    return late;
  }
}
