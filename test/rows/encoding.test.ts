/** Databases in other encodings: what we decode, encoded as UTF-8, against what the server converts to UTF-8 itself. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOut } from '../../fixtures/postgres/copy.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { textDecoding } from '../../src/rows/types/encoding.js';
import { describeTable, readTableAsCopy, SqlTypeLookup, type RealTable } from '../support/realTable.js';

const SINGLE_BYTE = [
  'LATIN1', 'LATIN2', 'LATIN3', 'LATIN4', 'LATIN5', 'LATIN6', 'LATIN7', 'LATIN8', 'LATIN9', 'LATIN10', 'WIN1250', 'WIN1251', 'WIN1252', 'WIN1253', 'WIN1254', 'WIN1255', 'WIN1256', 'WIN1257', 'WIN1258', 'WIN866', 'WIN874',
  'KOI8R', 'KOI8U', 'ISO_8859_5', 'ISO_8859_6', 'ISO_8859_7', 'ISO_8859_8',
] as const;
const MULTI_BYTE = ['EUC_JP', 'EUC_CN', 'EUC_KR'] as const;

interface EncodedDatabase {
  encoding: number;
  table: RealTable;
  lookup: SqlTypeLookup;
  /** COPY in UTF-8, and in the database's own encoding. */
  utf8: Buffer;
  own: Buffer;
}

describe('server encodings', () => {
  let server: PostgresServer;
  const databases = new Map<string, EncodedDatabase>();

  beforeAll(async () => {
    server = await PostgresServer.create({ major: 15, archive: false, settings: { fsync: false } });
    for (const name of [...SINGLE_BYTE, ...MULTI_BYTE, 'SQL_ASCII', 'EUC_TW']) {
      await server.sql(`CREATE DATABASE d_${name} ENCODING '${name}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`);
      await server.session(`d_${name.toLowerCase()}`, async (client) => {
        await client.query('CREATE TABLE t (v text)');
        await client.query(fillSql(name));
        const [row] = (await client.query<{ encoding: number }>('SELECT encoding FROM pg_database WHERE datname = current_database()')).rows;
        const lookup = await SqlTypeLookup.read(client, 15);
        const utf8 = name === 'SQL_ASCII' ? Buffer.alloc(0) : await copyOut(client, 'COPY t TO STDOUT');
        await client.query(`SET client_encoding = '${name}'`);
        const table = await describeTable(client, 't');
        databases.set(name, { encoding: row!.encoding, table, lookup, utf8, own: await copyOut(client, 'COPY t TO STDOUT') });
      });
    }
    await server.stop();
  });
  afterAll(() => server?.destroy());

  function read(name: string): { text: string; database: EncodedDatabase } {
    const database = databases.get(name)!;
    const lines = readTableAsCopy(join(server.dataDir, ''), database.table, { major: 15, lookup: database.lookup, encoding: database.encoding });
    return { text: lines.map((line) => `${line}\n`).join(''), database };
  }

  it.each([...SINGLE_BYTE, ...MULTI_BYTE])('%s is encoded again to the bytes that were stored', (name) => {
    const { encoding, utf8, own } = databases.get(name)!;
    const { decode, encode } = textDecoding(encoding)!;
    const text = utf8.toString('utf8');
    const bytes = Buffer.from(encode(text)!);
    // a few characters of EUC have two codes
    if (name.startsWith('EUC')) expect(decode(bytes, 0, bytes.length)).toBe(text);
    else expect(bytes.equals(own)).toBe(true);
    expect(encode('\u{10ffff}')).toBeUndefined();
  });

  it.each([...SINGLE_BYTE, ...MULTI_BYTE])('%s is converted', (name) => {
    const { text, database } = read(name);
    expect(textDecoding(database.encoding)!.name).toBe(name);
    expect(textDecoding(database.encoding)!.outputCharset).toBe('utf8');
    expect(text).toBe(database.utf8.toString('utf8'));
    expect(text.length).toBeGreaterThan(20);
  });

  it.each(['SQL_ASCII', 'EUC_TW'])('%s is kept byte for byte', (name) => {
    const { text, database } = read(name);
    expect(textDecoding(database.encoding)!.outputCharset).toBe('latin1');
    expect(Buffer.from(text, 'latin1')).toEqual(database.own);
  });

  it('that PostgreSQL does not have are unknown', () => {
    expect(textDecoding(99)).toBeUndefined();
  });
});

/** Every character above ASCII that the encoding has, in rows of their own and in long ones. */
function fillSql(name: string): string {
  if (name === 'EUC_TW') return "INSERT INTO t VALUES (convert_from('\\xa4a1', 'EUC_TW')), ('a')";
  const isMulti = (MULTI_BYTE as readonly string[]).includes(name);
  const lead = isMulti ? "unnest(ARRAY['', '\\x8f']::bytea[])" : "unnest(ARRAY['']::bytea[])";
  return `
    CREATE FUNCTION one_character(b bytea) RETURNS text LANGUAGE plpgsql AS $$
      BEGIN ${name === 'SQL_ASCII' ? '' : "PERFORM convert(b, getdatabaseencoding(), 'UTF8');"} RETURN convert_from(b, getdatabaseencoding()); EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$;
    CREATE TEMP TABLE c AS SELECT i, one_character(lead || ${isMulti ? "set_byte(set_byte('\\x0000', 0, i), 1, j)" : "set_byte('\\x00', 0, i)"}) AS v
      FROM ${lead} lead, generate_series(${isMulti ? '142, 254' : '128, 255'}) i, generate_series(161, ${isMulti ? 254 : 161}) j;
    INSERT INTO t SELECT v FROM c WHERE v IS NOT NULL ${isMulti ? "AND i % 16 = 1" : ''};
    INSERT INTO t SELECT string_agg(v, 'x') FROM c GROUP BY i;
    INSERT INTO t VALUES ('ascii only, long enough'), ('short')`;
}
