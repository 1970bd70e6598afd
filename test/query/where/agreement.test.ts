/** `--where` against a real server's WHERE: the same rows for every expression, NULLs included, or both refuse it. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../../fixtures/postgres/server.js';
import { textDecoding } from '../../../src/rows/types/encoding.js';
import { compileWhere } from '../../../src/query/where/index.js';
import { changeCase } from '../../../src/query/where/text.js';
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

  it('never keeps other rows where parts of an expression are replaced by parts of others', async () => {
    const parts = (text: string): string[] => text.match(/[a-zA-Z&]*'(?:[^']|'')*'|"[^"]*"|[\w.]+|::|[^\s\w'"(),[\]]+|[(),[\]]/g) ?? [];
    const kind = (part: string): string => (/^[a-zA-Z&]*'/.test(part) ? 'text' : /^\d/.test(part) ? 'number' : /^[a-z]\w*$|^"/.test(part) ? 'name' : /^[A-Z]+$/.test(part) ? 'keyword' : 'sign');
    const bags: Record<string, string[]> = {};
    for (const part of [...EXPRESSIONS, ...generatedExpressions()].flatMap(parts)) (bags[kind(part)] ??= []).push(part);
    let seed = 20261121;
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    let agreed = 0;
    const found: string[] = [];
    for (let i = 0; i < 4000; i++) {
      const spliced = parts(EXPRESSIONS[random(EXPRESSIONS.length)]!);
      for (let n = 1 + random(2); n > 0; n--) {
        const at = random(spliced.length);
        const bag = bags[kind(spliced[at]!)]!;
        spliced[at] = bag[random(bag.length)]!;
      }
      const text = spliced.join(' ');
      const ours = await ownAnswer(text);
      if (ours.startsWith('error')) continue;
      const theirs = await serverAnswer(text);
      if (theirs === ours) agreed++;
      else if (!theirs.startsWith('error')) found.push(`${text}\n  server: ${theirs}\n  --where: ${ours}`);
    }
    expect(found).toEqual([]);
    expect(agreed).toBeGreaterThan(800);
  });

  it('changes the case of every character as the server does', async () => {
    const { rows: cases } = await client.query<{ c: string; lower: string; upper: string }>({
      text: `SELECT chr(i) AS c, lower(chr(i) COLLATE pg_c_utf8), upper(chr(i) COLLATE pg_c_utf8) FROM generate_series(1, ${0x1ffff}) i WHERE i NOT BETWEEN ${0xd800} AND ${0xdfff}`,
    });
    // characters newer than the server's Unicode stay as they are there
    const differ = cases.filter(({ c, lower, upper }) => (lower !== c && changeCase(c, 'lower', false) !== lower) || (upper !== c && changeCase(c, 'upper', false) !== upper));
    expect(differ).toEqual([]);
    expect(cases.filter(({ c, upper }) => upper !== c).length).toBeGreaterThan(1400);
  });

  it.each([['LATIN1', 8, 'é'], ['LATIN9', 16, '€'], ['KOI8R', 22, 'я'], ['EUC_JP', 1, 'あ'], ['UTF8', 6, '€']])('counts and hashes the bytes of %s', async (name, number, character) => {
    await client.query(`CREATE DATABASE d${number} ENCODING '${name}' TEMPLATE template0 LOCALE 'C'`);
    const other = await server.connect(`d${number}`);
    try {
      for (const call of ['octet_length', 'bit_length', 'md5', 'ascii']) {
        const theirs = await other.query<{ v: string }>(`SELECT ${call}('${character}')::text AS v`).then(({ rows: [row] }) => row!.v, () => undefined);
        const where = await compileWhere(`${call}('${character}')::text = '${theirs}'`, COLUMNS, { encoding: textDecoding(number) });
        if (theirs === undefined) expect(() => where.test([])).toThrow(/too large/);
        else expect([call, where.test([])]).toEqual([call, true]);
      }
    } finally {
      await other.end();
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
