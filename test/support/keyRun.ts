/** Keys of random types: unique btrees in several shapes, plain btrees with duplicates, hash indexes; what --key and --where find there is what a server's WHERE finds. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import type { PgMajor } from '../../src/pg/version.js';
import { asof } from '../../src/query/asof.js';
import { Findings, type DatabaseAt } from '../../src/query/session.js';
import { WalscopeError } from '../../src/util/errors.js';
import { quoteLiteral } from '../../src/util/quote.js';
import { Random } from '../rows/cases/typeCase.js';
import { TypePool, type RandomType } from './random/types.js';
import { indexArchive } from './truthCase.js';

type Client = Parameters<Parameters<PostgresServer['session']>[1]>[0];

export interface KeyRunOptions {
  major: PgMajor;
  seed: number;
  /** Random values a type, each looked for. */
  values: number;
  /** Types made of others, beside those of the cases. */
  made: number;
  locale?: string;
}

export interface KeyRunResult {
  /** Look-ups of texts as the server prints them, by type: through an index, by reading all rows. */
  types: Map<string, { index: number; scan: number; refused: number }>;
  /** Of texts as somebody may write them. */
  written: { index: number; scan: number; refused: number };
  differences: string[];
}

/** Shapes of a unique index on k; `n` is a second column. */
const SHAPES: readonly { index: string; key: readonly ('k' | 'n')[] }[] = [
  { index: '(k)', key: ['k'] }, { index: '(k DESC NULLS LAST)', key: ['k'] }, { index: '(k NULLS FIRST) INCLUDE (id)', key: ['k'] }, { index: '(n, k DESC)', key: ['n', 'k'] }, { index: '(k, n)', key: ['k', 'n'] },
];

interface Look {
  table: string;
  /** As the server prints it, rather than as it was written. */
  printed: boolean;
  key: string[] | undefined;
  where: string | undefined;
  ids: string[];
}

interface KeyTable {
  type: RandomType;
  looks: Look[];
}

/** The text of a literal that is all of an expression. */
function writtenText(expression: string): string | undefined {
  return /^'((?:[^']|'')*)'::[^']*$/.exec(expression)?.[1]!.replaceAll("''", "'");
}

/** Undefined where the server refuses the statement. */
async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && 'severity' in error) return undefined;
    throw error;
  }
}

async function fill(client: Client, type: RandomType, place: number, random: Random, count: number): Promise<KeyTable | undefined> {
  const shape = SHAPES[place % SHAPES.length]!;
  const made = await attempt(() => client.query(`CREATE TABLE u${place} (id int, n int, k ${type.sql}); CREATE TABLE d${place} (id int, k ${type.sql}); CREATE TABLE h${place} (id int, k ${type.sql})`));
  if (!made) return undefined;
  const hasBtree = (await attempt(() => client.query(`CREATE UNIQUE INDEX ON u${place} ${shape.index}; CREATE INDEX ON d${place} (k)`))) !== undefined;
  const hasHash = (await attempt(() => client.query(`CREATE INDEX ON h${place} USING hash (k)`))) !== undefined;
  const tables = [...(hasBtree ? [`u${place}`, `d${place}`] : []), ...(hasHash ? [`h${place}`] : [])];
  const expressions: string[] = [];
  for (let id = 0; id < count && tables.length > 0; id++) {
    const expression = type.value(random);
    // a value may be too long for an index, or out of its type's range
    const inserted = await attempt(() => client.query(tables.map((table) => (table.startsWith('u') ? `INSERT INTO ${table} VALUES (${id}, ${id % 3}, ${expression}) ON CONFLICT DO NOTHING` : `INSERT INTO ${table} SELECT ${id} * 10 + i, ${expression} FROM generate_series(1, 3) i`)).join('; ')));
    if (inserted) expressions.push(expression);
  }
  for (const table of tables) await client.query(`DELETE FROM ${table} WHERE id % 11 = 3; INSERT INTO ${table} (id) SELECT generate_series(100000, 100010)`);
  // the text of a tsquery does not tell a & (b & c) from (a & b) & c, so that conditions over texts take them for equal
  const asked = tables.filter((table) => type.sql !== 'tsquery' || !table.startsWith('d'));
  const looks: Look[] = [];
  for (const [i, expression] of expressions.entries()) {
    const printed = (await attempt(() => client.query<{ text: string | null }>(`SELECT (${expression})::text AS text`)))?.rows[0]!.text;
    for (const [text, isPrinted] of [[printed, true], [writtenText(expression), false]] as const) {
      if (text === undefined || text === null) continue;
      for (const table of asked) {
        const n = table.startsWith('u') && shape.key.length > 1 ? i % 3 : undefined;
        // a literal that stands against a row has to say its type
        const find = (literal: string) => attempt(() => client.query<{ id: string }>(`SELECT id FROM ${table} WHERE k = ${literal}${n === undefined ? '' : ` AND n = ${n}`} ORDER BY id`));
        const rows = (await find(quoteLiteral(text)) ?? await find(`${quoteLiteral(text)}::${type.sql}`))?.rows;
        if (!rows) continue;
        const key = table.startsWith('u') ? shape.key.map((column) => (column === 'k' ? text : String(n ?? 0))) : table.startsWith('h') ? [text] : undefined;
        looks.push({ table, printed: isPrinted, key, where: key ? undefined : `k = ${quoteLiteral(text)}`, ids: rows.map(({ id }) => String(id)) });
      }
    }
  }
  return { type, looks };
}

async function look(database: DatabaseAt, { table, key, where }: Look): Promise<{ ids: string[]; plan: string; findings: string[] }> {
  const findings = new Findings();
  const answer = await asof(database, database.table(table), { key, where, columns: ['id'] }, findings);
  const ids: string[] = [];
  answer.rows((row) => void ids.push(row[0]!));
  return { ids: ids.sort((a, b) => Number(a) - Number(b)), plan: answer.plan, findings: findings.list.map(({ message }) => message) };
}

/** Fills indexes of every type of the cases, and of some made of them, on a real server, and looks for every value. */
export async function keyRun({ major, seed, values, made, locale }: KeyRunOptions): Promise<KeyRunResult> {
  const random = new Random(seed);
  const server = await PostgresServer.create({ major, locale, settings: { autovacuum: false } });
  const result: KeyRunResult = { types: new Map(), written: { index: 0, scan: 0, refused: 0 }, differences: [] };
  try {
    const backup = await takePlainBackup(server, join(server.root, 'backup'));
    const tables: KeyTable[] = [];
    await server.session('postgres', async (client) => {
      const pool = new TypePool(major, 'UTF8');
      for (const statement of pool.setup) await attempt(() => client.query(statement));
      for (let i = 0; i < made; i++) {
        const { statement } = pool.make(random);
        if (statement !== undefined) await attempt(() => client.query(statement));
      }
      for (const [place, type] of pool.types.entries()) {
        const filled = await fill(client, type, place, random, values);
        if (filled) tables.push(filled);
      }
    });
    await server.archiveAll();
    const indexed = await indexArchive({ backup, wal: server.walDir });
    try {
      const database = indexed.session.database(indexed.session.moment('latest'), 'postgres');
      for (const table of tables) await compare(database, table, result);
    } finally {
      indexed.remove();
    }
  } finally {
    await server.destroy();
    rmSync(join(server.root, 'backup'), { recursive: true, force: true });
  }
  return result;
}

async function compare(database: DatabaseAt, { type, looks }: KeyTable, result: KeyRunResult): Promise<void> {
  for (const each of looks) {
    const counts = each.printed ? (result.types.get(type.sql) ?? { index: 0, scan: 0, refused: 0 }) : result.written;
    if (each.printed) result.types.set(type.sql, counts);
    try {
      const found = await look(database, each);
      if (found.plan.startsWith('index scan')) counts.index++;
      else counts.scan++;
      // types of extensions are compared as they are printed, which is said
      if (!found.plan.startsWith('index scan')) continue;
      if (found.ids.join() !== each.ids.join() || found.findings.length > 0) result.differences.push(`${type.sql} ${each.table} ${each.where ?? each.key!.join('|')}: ${found.ids.join()} instead of ${each.ids.join()} (${found.plan}) ${found.findings.join('; ')}`);
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      counts.refused++;
      if (each.printed && !/is not supported in --where|operator does not exist/.test(error.message)) result.differences.push(`${type.sql} ${each.table} ${each.where ?? each.key!.join('|')}: ${error.message}`);
    }
  }
}
