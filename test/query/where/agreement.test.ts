/** `--where` against a real server's WHERE: the same rows for every expression, NULLs included, or both refuse it. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../../fixtures/postgres/server.js';
import { compileWhere } from '../../../src/query/where/index.js';
import { WalscopeError } from '../../../src/util/errors.js';
import { timeZone, UTC } from '../../../src/util/timeZone.js';
import { COLUMNS, ENUM_LABELS, generatedExpressions, ROW_COUNT, VALUES } from './corpus.js';
import { EXPRESSIONS, REFUSED, WRONG } from './expressions.js';

const quoted = (name: string): string => `"${name}"`;

let server: PostgresServer;
let client: Client;
let rows: (string | null)[][];

async function textRows(sql: string): Promise<(string | null)[][]> {
  const result = await client.query<(string | null)[]>({ text: sql, rowMode: 'array', types: { getTypeParser: () => (value: string) => value } });
  return result.rows;
}

beforeAll(async () => {
  server = await PostgresServer.create({ major: 18, archive: false });
  client = await server.connect();
  await client.query(`CREATE TYPE mood AS ENUM (${ENUM_LABELS.map((label) => `'${label}'`).join(', ')})`);
  await client.query(`CREATE TABLE w (${COLUMNS.map(({ name, sql }) => `${quoted(name)} ${sql}`).join(', ')})`);
  for (let r = 0; r < ROW_COUNT; r++) {
    const values = COLUMNS.map(({ name }) => (name === 'id' ? String(r) : VALUES[name]![r % VALUES[name]!.length]!));
    await client.query(`INSERT INTO w VALUES (${values.join(', ')})`);
  }
  rows = await textRows('SELECT * FROM w ORDER BY id');
});
afterAll(() => server?.destroy());

/** The ids that pass, or the error's message. */
async function serverAnswer(text: string): Promise<string> {
  try {
    return (await textRows(`SELECT id FROM w WHERE ${text}\nORDER BY id`)).map(([id]) => id).join(' ');
  } catch (error) {
    return `error: ${(error as Error).message}`;
  }
}

async function ownAnswer(text: string, zone = UTC): Promise<string> {
  try {
    const where = await compileWhere(text, COLUMNS, { tableName: 'w', schemaName: 'public', zone });
    return rows.filter((row) => where.test(row)).map(([id]) => id).join(' ');
  } catch (error) {
    if (!(error instanceof WalscopeError)) throw error;
    return `error: ${error.message}`;
  }
}

async function disagreements(expressions: readonly string[], zone = UTC): Promise<string[]> {
  const found: string[] = [];
  for (const text of expressions) {
    const theirs = await serverAnswer(text), ours = await ownAnswer(text, zone);
    const agree = theirs.startsWith('error') ? ours.startsWith('error') : theirs === ours;
    if (!agree) found.push(`${text}\n  server: ${theirs}\n  --where: ${ours}`);
  }
  return found;
}

describe('agreement with PostgreSQL 18', () => {
  it('keeps the same rows for every type, operator and literal', async () => {
    const expressions = generatedExpressions();
    expect(expressions.length).toBeGreaterThan(1500);
    expect(await disagreements(expressions)).toEqual([]);
  });

  it('keeps the same rows for expressions written by hand', async () => {
    expect(EXPRESSIONS.length).toBeGreaterThan(400);
    expect(await disagreements(EXPRESSIONS)).toEqual([]);
    for (const text of EXPRESSIONS) expect(await serverAnswer(text), text).not.toMatch(/^error/);
  });

  it('keeps the same rows in another time zone', async () => {
    await client.query("SET timezone = 'Europe/Berlin'");
    const utcRows = rows;
    try {
      rows = await textRows('SELECT * FROM w ORDER BY id');
      const zoned = [...generatedExpressions(), ...EXPRESSIONS].filter((text) => /\b(tz|ts|d|ttz)\b/.test(text));
      expect(zoned.length).toBeGreaterThan(300);
      expect(await disagreements(zoned, timeZone('Europe/Berlin'))).toEqual([]);
    } finally {
      rows = utcRows;
      await client.query("SET timezone = 'UTC'");
    }
  });

  it('refuses what the server refuses', async () => {
    const accepted: string[] = [];
    for (const text of WRONG) {
      expect(await serverAnswer(text), `the server takes ${text}`).toMatch(/^error: /);
      const ours = await ownAnswer(text);
      if (!ours.startsWith('error: ')) accepted.push(text);
    }
    expect(accepted).toEqual([]);
  });

  it('refuses by name what it cannot tell', async () => {
    for (const [text, message] of REFUSED) expect(await ownAnswer(text), text).toMatch(message);
  });
});
