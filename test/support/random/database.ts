/** A database of a random run: it makes and changes tables of all kinds, so that every moment is one that a user's database could be in. */
import type { Client } from 'pg';
import type { PgMajor } from '../../../src/pg/version.js';
import type { Random } from '../../rows/cases/typeCase.js';
import { ENCODINGS, TypePool, type RandomType } from './types.js';

interface RandomColumn {
  name: string;
  type: RandomType;
}

interface RandomTable {
  name: string;
  /** Those that INSERT may fill, beside id. */
  columns: RandomColumn[];
  kind: 'table' | 'partitioned' | 'partition' | 'parent' | 'child' | 'view';
}

/** Columns to divide a table by, with the bounds of its partitions, out of their order. */
const PARTITION_KEYS: readonly { type: RandomType; list: readonly string[]; range: readonly (readonly [string, string])[] }[] = [
  keyOf('int', ['1', '5', '12', '-3', '7'], ['7, 8', '1, NULL, 12', '-3, 5'], ['5', '8']),
  keyOf('text', ["'apple'", "'mango'", "'zebra'", "''"], ["'zebra'", "'apple', 'b'", "'', 'mango'"], ["'b'", "'n'"]),
  keyOf('numeric(12,3)', ['1.5', '-1e6', '0.001', '77777'], ['0.001', '77777, -1e6', '1.5, NULL'], ['0', '2.75']),
  keyOf('timestamptz', ["'2026-01-01 10:00+02'", "'0044-03-15 BC'", "'infinity'"], ["'2026-01-01 10:00+02'", "'infinity', NULL", "'0044-03-15 BC'"], ["'1000-01-01'", "'2027-01-01'"]),
  keyOf('mood', ["'sad'", "'ok'"], ["'ok'", "'sad'"], ["'ok'", "'ok'"]),
  keyOf('uuid', ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000001'"], ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000001', NULL"], ["'10000000-0000-0000-0000-000000000000'", "'f0000000-0000-0000-0000-000000000000'"]),
  keyOf('bool', ['true', 'false'], ['true', 'false, NULL'], ['false', 'true']),
];

function keyOf(sql: string, values: readonly string[], list: readonly string[], [low, high]: readonly [string, string]): (typeof PARTITION_KEYS)[number] {
  return { type: { sql, depth: 0, value: (random) => random.pick(values) }, list, range: [[low, high], [high, 'MAXVALUE'], ['MINVALUE', low]] };
}

const MAX_TABLES = 14;
const ALL_KINDS: readonly RandomTable['kind'][] = ['table', 'partitioned', 'partition', 'parent', 'child', 'view'];

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export interface RandomDatabaseOptions {
  name: string;
  encoding: string;
  major: PgMajor;
  random: Random;
  /** Column compression by lz4: the server was built with it. */
  lz4: boolean;
}

/** Statements that fail are taken back by the server and forgotten: their traces in the WAL are part of the run. */
export class RandomDatabase {
  readonly pool: TypePool;
  readonly log: string[] = [];
  private readonly tables: RandomTable[] = [];
  private counter = 0;
  private nextId = 1;

  constructor(readonly options: RandomDatabaseOptions, private readonly client: Client) {
    this.pool = new TypePool(options.major, options.encoding);
  }

  private get random(): Random { return this.options.random; }

  /** True where the server took it. */
  private async run(statement: string): Promise<boolean> {
    this.log.push(statement);
    try {
      await this.client.query(statement);
      return true;
    } catch (error) {
      this.log.push(`-- failed: ${(error as Error).message}`);
      return false;
    }
  }

  async prepare(): Promise<void> {
    // standard_conforming_strings hold, and client text is UTF-8, which the server converts
    if (this.options.encoding === 'SQL_ASCII') await this.client.query('SET client_encoding TO SQL_ASCII');
    await this.run('CREATE SCHEMA "Other schema"');
    for (const statement of this.pool.setup) await this.run(statement);
    for (let i = 0; i < 12; i++) await this.makeType();
    for (let i = 0; i < 6; i++) await this.step();
  }

  /** One thing that users do, alone or in a transaction that ends well or badly. */
  async step(): Promise<void> {
    const { random } = this;
    const roll = random.next();
    if (roll < 0.72) return this.change();
    if (roll < 0.92) {
      await this.run('BEGIN');
      await this.data();
      if (random.next() < 0.5) {
        await this.run('SAVEPOINT s');
        await this.data();
        await this.run(random.pick(['ROLLBACK TO SAVEPOINT s', 'RELEASE SAVEPOINT s']));
        await this.data();
      }
      await this.run(random.pick(['COMMIT', 'COMMIT', 'ROLLBACK']));
      return;
    }
    await this.run(random.pick(['CHECKPOINT', `VACUUM ${this.someTable()}`, `VACUUM (FREEZE) ${this.someTable()}`, `VACUUM FULL ${this.someTable()}`, `ANALYZE ${this.someTable()}`]));
  }

  private async change(): Promise<void> {
    const { random } = this;
    if (this.tables.length < 4 || (this.tables.length < MAX_TABLES && random.next() < 0.25)) return this.createSomething();
    const roll = random.next();
    if (roll < 0.6) return this.data();
    if (roll < 0.85) return this.alter();
    if (roll < 0.9) return this.makeType();
    if (roll < 0.94) return this.drop();
    return this.enumOrIndex();
  }

  private table(kinds: readonly RandomTable['kind'][]): RandomTable | undefined {
    const fit = this.tables.filter((t) => kinds.includes(t.kind));
    return fit.length === 0 ? undefined : this.random.pick(fit);
  }

  private someTable(): string {
    return this.table(['table', 'partition', 'child', 'parent'])?.name ?? 'pg_class';
  }

  private newName(prefix: string): string {
    const odd = this.random.pick(['', '', '', ' odd', '"q"', '.dot', ...(ENCODINGS[this.options.encoding] ?? []).slice(0, 2)]);
    return quoted(`${prefix}${++this.counter}${odd}`);
  }

  private async makeType(): Promise<void> {
    const { statement } = this.pool.make(this.random);
    if (statement !== undefined) await this.run(statement);
  }

  private newColumns(): RandomColumn[] {
    return Array.from({ length: this.random.int(1, 7) }, () => ({ name: this.newName('c'), type: this.pool.pick(this.random) }));
  }

  private definition(columns: readonly RandomColumn[]): string {
    return columns.map((c) => `, ${c.name} ${c.type.sql}`).join('');
  }

  private async createSomething(): Promise<void> {
    switch (this.random.int(0, 9)) {
      case 0: case 1: return this.createPartitioned();
      case 2: return this.createInherited();
      case 3: return this.createView();
      default: return this.createTable();
    }
  }

  private async createTable(): Promise<void> {
    const { random } = this;
    const columns = this.newColumns();
    const schema = random.pick(['public', 'public', '"Other schema"']);
    const name = `${schema}.${this.newName('t')}`;
    const extra = random.pick(['', '', ...(this.options.major >= 18 ? [', calc int GENERATED ALWAYS AS (id * 3 + 1) VIRTUAL', ", said text GENERATED ALWAYS AS ('no ' || id) VIRTUAL"] : []), ', made int GENERATED ALWAYS AS (id * 2) STORED', ', serial_no serial', ', ident bigint GENERATED BY DEFAULT AS IDENTITY']);
    const key = random.pick(['id int', 'id int PRIMARY KEY', 'id int NOT NULL']);
    if (await this.run(`CREATE TABLE ${name} (${key}${this.definition(columns)}${extra})`)) {
      this.tables.push({ name, columns, kind: 'table' });
      await this.insert(this.tables.at(-1)!, random.int(1, 8));
    }
  }

  private async createPartitioned(): Promise<void> {
    const { random } = this;
    const partitionBy = random.pick(['list', 'range', 'hash'] as const);
    const { type, list, range } = random.pick(PARTITION_KEYS);
    const key: RandomColumn = { name: 'k', type };
    const columns = [key, ...this.newColumns()];
    const name = this.newName('p');
    if (!(await this.run(`CREATE TABLE ${name} (id int${this.definition(columns)}) PARTITION BY ${partitionBy} (k)`))) return;
    const parent: RandomTable = { name, columns, kind: 'partitioned' };
    this.tables.push(parent);
    const bounds = partitionBy === 'hash' ? ['MODULUS 4, REMAINDER 1', 'MODULUS 2, REMAINDER 0', 'MODULUS 4, REMAINDER 3'].map((each) => `WITH (${each})`)
      : partitionBy === 'list' ? list.map((values) => `IN (${values})`) : range.map(([from, to]) => `FROM (${from}) TO (${to})`);
    for (const bound of bounds) await this.addPartition(parent, `FOR VALUES ${bound}`);
    if (partitionBy !== 'hash' && random.next() < 0.7) await this.addPartition(parent, 'DEFAULT');
    await this.insert(parent, random.int(3, 12));
  }

  /** A partition made in place, a table of the same columns in another order that is attached, or one that is itself divided. */
  private async addPartition(parent: RandomTable, bound: string): Promise<void> {
    const name = this.newName('q');
    const roll = this.random.next();
    const reversed = [...parent.columns].reverse();
    let isMade: boolean;
    if (roll < 0.3) {
      isMade = (await this.run(`CREATE TABLE ${name} (gone int${this.definition(reversed)}, id int)`)) && (await this.run(`ALTER TABLE ${name} DROP COLUMN gone`))
        && (await this.run(`ALTER TABLE ${parent.name} ATTACH PARTITION ${name} ${bound}`));
    } else if (roll < 0.45) {
      isMade = await this.run(`CREATE TABLE ${name} PARTITION OF ${parent.name} ${bound} PARTITION BY LIST (id)`);
      await this.run(`CREATE TABLE ${this.newName('q')} PARTITION OF ${name} DEFAULT`);
      await this.run(`CREATE TABLE ${this.newName('q')} PARTITION OF ${name} FOR VALUES IN (1, 4, 7, 10)`);
    } else {
      isMade = await this.run(`CREATE TABLE ${name} PARTITION OF ${parent.name} ${bound}`);
    }
    if (isMade) this.tables.push({ name, columns: parent.columns, kind: 'partition' });
  }

  private async createInherited(): Promise<void> {
    const parent = this.table(['parent', 'child']);
    const own = this.newColumns().slice(0, 2);
    const name = this.newName('i');
    if (!parent) {
      if (await this.run(`CREATE TABLE ${name} (id int${this.definition(own)})`)) this.tables.push({ name, columns: own, kind: 'parent' });
    } else if (await this.run(`CREATE TABLE ${name} (${this.definition(own).slice(2)}) INHERITS (${parent.name})`)) {
      this.tables.push({ name, columns: [...parent.columns, ...own], kind: 'child' });
      await this.insert(this.tables.at(-1)!, 3);
    }
  }

  private async createView(): Promise<void> {
    const source = this.table(['table', 'partitioned', 'parent']);
    const name = this.newName('m');
    if (source && (await this.run(`CREATE MATERIALIZED VIEW ${name} AS SELECT * FROM ${source.name}`))) this.tables.push({ name, columns: [], kind: 'view' });
  }

  private async drop(): Promise<void> {
    const table = this.table(ALL_KINDS);
    if (!table) return;
    if (await this.run(`DROP ${table.kind === 'view' ? 'MATERIALIZED VIEW' : 'TABLE'} ${table.name}`)) this.tables.splice(this.tables.indexOf(table), 1);
  }

  private rowValues(table: RandomTable): string {
    const id = table.kind === 'partitioned' ? this.random.int(1, 12) : this.nextId++;
    return `(${[String(id), ...table.columns.map((c) => (this.random.next() < 0.15 ? 'NULL' : c.type.value(this.random)))].join(', ')})`;
  }

  private async insert(table: RandomTable, rows: number): Promise<void> {
    const into = `INSERT INTO ${table.name} (id${table.columns.map((c) => `, ${c.name}`).join('')})`;
    if (this.random.next() < 0.15) {
      await this.run(`${into} SELECT ${table.kind === 'partitioned' ? 'i % 12 + 1' : `i + ${(this.nextId += 200)}`}${this.rowValues(table).slice(1).replace(/^\d+/, '').slice(0, -1)} FROM generate_series(1, ${this.random.int(20, 150)}) i`);
      return;
    }
    const values = Array.from({ length: rows }, () => this.rowValues(table));
    if (await this.run(`${into} VALUES ${values.join(', ')}`)) return;
    // one value that this encoding or type refuses must not cost them all
    for (const value of values) await this.run(`${into} VALUES ${value}`);
  }

  private someRows(table: RandomTable): string {
    return `ctid IN (SELECT ctid FROM ${table.name} ORDER BY md5(ctid::text || '${this.random.int(0, 1e6)}') LIMIT ${this.random.int(1, 5)})`;
  }

  /** Changes of rows. */
  private async data(): Promise<void> {
    const { random } = this;
    const table = this.table(random.next() < 0.15 ? ['view'] : ['table', 'partitioned', 'partition', 'parent', 'child', 'table']);
    if (!table) return;
    if (table.kind === 'view') {
      await this.run(`REFRESH MATERIALIZED VIEW ${table.name}`);
      return;
    }
    const roll = random.next();
    const one = table.kind === 'partition' ? this.table(['table']) ?? table : table;
    if (roll < 0.5) return this.insert(one, random.int(1, 6));
    if (roll < 0.8) {
      const sets = one.columns.filter(() => random.next() < 0.5).map((c) => `${c.name} = ${random.next() < 0.1 ? 'NULL' : c.type.value(random)}`);
      if (sets.length === 0 || random.next() < 0.2) sets.push(one.kind === 'partitioned' ? `id = ${random.int(1, 12)}` : 'id = id');
      await this.run(`UPDATE ${one.name} SET ${sets.join(', ')} WHERE ${this.someRows(one)}`);
    } else if (roll < 0.92) await this.run(`DELETE FROM ${one.name} WHERE ${this.someRows(one)}`);
    else if (roll < 0.95) await this.run(`TRUNCATE ${one.name}`);
    else await this.run(`SELECT count(*) FROM (SELECT 1 FROM ${one.name} WHERE ${this.someRows(one)} FOR ${random.pick(['UPDATE', 'SHARE', 'NO KEY UPDATE', 'KEY SHARE'])}) x`);
  }

  private async alter(): Promise<void> {
    const { random } = this;
    const table = this.table(['table', 'table', 'partitioned', 'parent', 'child']);
    if (!table) return;
    const column = table.columns.length > 0 ? random.pick(table.columns) : undefined;
    const alter = `ALTER TABLE ${table.name}`;
    switch (random.int(0, 8)) {
      case 0: case 1: case 2: return this.addColumn(table);
      case 3:
        if (column && (await this.run(`${alter} DROP COLUMN ${column.name}`))) table.columns = table.columns.filter((c) => c !== column);
        return;
      case 4:
        // text of any type, written anew; kept in the catalogue of columns as text
        if (column && (await this.run(`${alter} ALTER COLUMN ${column.name} TYPE text USING ${column.name}::text`))) column.type = this.pool.text;
        return;
      case 5: {
        if (!column) return;
        const name = this.newName('r');
        if (await this.run(`${alter} RENAME COLUMN ${column.name} TO ${name}`)) column.name = name;
        return;
      }
      case 6: {
        const name = this.newName('n');
        const schema = table.name.startsWith('"Other schema".') ? '"Other schema".' : '';
        if (await this.run(`${alter} RENAME TO ${name}`)) table.name = schema + name;
        return;
      }
      case 7:
        if (column) await this.run(`${alter} ALTER COLUMN ${column.name} SET STORAGE ${random.pick(['EXTERNAL', 'MAIN', 'EXTENDED', 'PLAIN'])}`);
        return;
      default:
        if (column && this.options.major >= 14) await this.run(`${alter} ALTER COLUMN ${column.name} SET COMPRESSION ${random.pick(['pglz', this.options.lz4 ? 'lz4' : 'default'])}`);
    }
  }

  private async addColumn(table: RandomTable): Promise<void> {
    const { random } = this;
    const column = { name: this.newName('a'), type: this.pool.pick(random) };
    const tail = random.pick(['', ` DEFAULT ${column.type.value(random)}`, ` DEFAULT ${column.type.value(random)}`, ` DEFAULT ${column.type.value(random)} NOT NULL`]);
    if (await this.run(`ALTER TABLE ${table.name} ADD COLUMN ${column.name} ${column.type.sql}${tail}`)) {
      table.columns.push(column);
      if (random.next() < 0.3) await this.run(`ALTER TABLE ${table.name} ALTER COLUMN ${column.name} DROP DEFAULT`);
    }
  }

  private async enumOrIndex(): Promise<void> {
    const { random } = this;
    const table = this.table(['table', 'partitioned', 'child']);
    const column = table && table.columns.length > 0 ? random.pick(table.columns) : undefined;
    switch (random.int(0, 3)) {
      case 0: await this.run(`ALTER TYPE mood ADD VALUE 'new ${++this.counter}' ${random.pick(['BEFORE', 'AFTER'])} 'ok'`); return;
      case 1: await this.run(`ALTER TYPE mood RENAME VALUE 'very happy' TO 'gl"ad ${++this.counter}'`); return;
      default: if (column) await this.run(`CREATE INDEX ON ${table!.name} (${column.name})`);
    }
  }
}
