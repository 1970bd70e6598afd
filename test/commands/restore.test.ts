/** What asof and schema print, put into a real server, gives the rows back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOut } from '../../fixtures/postgres/copy.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { rowWriter, type OutputColumn } from '../../src/output/rowWriter.js';
import { ROOT, buildCli, demoCase, walscope } from '../support/cli.js';

/** Parents before children. */
const TABLES = ['customers', 'products', 'coupons', 'orders', 'order_items', 'payments'];

function insertText(columns: OutputColumn[], rows: (string | null)[][]): string {
  let text = '';
  const writer = rowWriter('insert', columns, (piece) => (text += piece), { target: 't', forTerminal: false });
  for (const row of rows) writer.row(row);
  writer.end();
  return text;
}

describe('SQL that walscope prints', () => {
  let demo: { dir: string; remove(): void };
  let server: PostgresServer;

  beforeAll(async () => {
    buildCli();
    demo = demoCase();
    server = await PostgresServer.create({ major: 18, archive: false });
  });
  afterAll(async () => {
    demo?.remove();
    await server?.destroy();
  });

  it('brings a whole database back, definitions and rows, equal by COPY', async () => {
    const text = (...args: string[]): string => {
      const { code, out, err } = walscope([...args, '--at', 'point:before_delete', '-C', demo.dir]);
      expect(code, err).toBe(0);
      return out;
    };
    await server.session('postgres', async (client) => {
      for (const table of TABLES) {
        await client.query(text('schema', table, '--ddl'));
        await client.query(text('asof', table, '--format', 'insert'));
      }
      for (const table of TABLES) {
        const copy = await copyOut(client, `COPY (SELECT * FROM ${table} ORDER BY ctid) TO STDOUT (FORMAT csv, HEADER)`);
        expect(copy.equals(readFileSync(join(ROOT, 'fixtures', 'demo', 'truth', 'before_delete', `${table}.csv`))), table).toBe(true);
      }
    });
  });

  it('leaves generated columns out, keeps identity values, and takes every odd value', async () => {
    await server.session('postgres', async (client) => {
      await client.query(`CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, g int GENERATED ALWAYS AS (id * 2) STORED, "Odd" text, f float8, n numeric, b bool, y bytea)`);
      const columns: OutputColumn[] = [
        { name: 'id', typeName: 'int4', filledBy: 'identity' }, { name: 'g', typeName: 'int4', filledBy: 'expression' }, { name: 'Odd', typeName: 'text' },
        { name: 'f', typeName: 'float8' }, { name: 'n', typeName: 'numeric' }, { name: 'b', typeName: 'bool' }, { name: 'y', typeName: 'bytea' },
      ];
      const rows = [
        ['7', '14', "it's \\ odd\n\tline", '-0', 'NaN', 't', '\\x00ff'], ['-8', '-16', '', 'Infinity', '-12.50', 'f', '\\x'], ['9', '18', null, '1e+300', null, null, null],
      ];
      await client.query(insertText(columns, rows));
      const { rows: back } = await client.query({ text: 'SELECT id::text, g::text, "Odd", f::text, n::text, b::text::char(1), y::text FROM t', rowMode: 'array' });
      expect(back).toEqual(rows);
      await client.query('DROP TABLE t; CREATE TABLE t ()');
      await client.query(insertText([], [[], []]));
      expect((await client.query('SELECT count(*)::int AS n FROM t')).rows).toEqual([{ n: 2 }]);
    });
  });
});
