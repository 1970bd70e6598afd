/** `table` and `expanded` beside psql itself, line by line, blanks at their ends included. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { rowWriter, type Format } from '../../src/output/rowWriter.js';

const QUERIES: Record<string, string> = {
  'numbers to the right, text to the left': "SELECT 1 AS n, 'a' AS text, 2.50::numeric AS num, true AS yes, 'x'::name AS name UNION ALL SELECT 1000, 'longer', -1, false, 'y'",
  'NULL and empty': "SELECT NULL::text AS a, '' AS b, NULL::int AS c, 'end' AS d UNION ALL SELECT '', NULL, 3, NULL",
  'blanks at the end': "SELECT 'ab'::char(5) AS padded, 'cd  ' AS text",
  'a lone column that is empty': "SELECT NULL::text AS a",
  'line ends': "SELECT E'one\\ntwo\\n\\nfour' AS lines, 1 AS n, E'x\\ny' AS last UNION ALL SELECT 'plain', 2, 'z'",
  'wide characters': "SELECT '日本' AS \"東京\", 'é' AS e, '👍🏽' AS emoji UNION ALL SELECT 'a', 'b', 'c'",
  'names longer than values': 'SELECT 1 AS "a rather long name", 2 AS "b"',
  'no rows': 'SELECT 1 AS a, 2 AS b WHERE false',
  // from the tenth on, minor releases of psql differ in the rule above narrow records
  'several records': 'SELECT g AS n, repeat($$x$$, g) AS text FROM generate_series(1, 9) g',
};
let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.create({ major: 18, archive: false });
});
afterAll(() => server?.destroy());

async function ours(format: Format, query: string): Promise<string> {
  const { fields, rows, names } = await server.session('postgres', async (client) => {
    const types = await client.query<{ oid: number; typname: string }>('SELECT oid::int, typname FROM pg_type');
    // values as the server prints them
    const answer = await client.query<(string | null)[]>({ text: query, rowMode: 'array', types: { getTypeParser: () => (text: string) => text } });
    return { ...answer, names: new Map(types.rows.map((row) => [row.oid, row.typname])) };
  });
  let text = '';
  const writer = rowWriter(format, fields.map((field) => ({ name: field.name, typeName: names.get(field.dataTypeID)! })), (piece) => (text += piece), { target: '', forTerminal: false });
  for (const row of rows) writer.row(row);
  writer.end();
  return text;
}

it.each(Object.keys(QUERIES))('%s', async (name) => {
  const query = QUERIES[name]!;
  for (const format of ['table', 'expanded'] as const) {
    const args = ['-X', '-h', server.root, '-U', 'postgres', '-d', 'postgres', '-P', 'pager=off', ...(format === 'expanded' ? ['-x'] : []), '-c', query];
    const psql = spawnSync('psql', args, { encoding: 'utf8', env: { ...process.env, PGCLIENTENCODING: 'UTF8', LC_ALL: 'C.UTF-8' } });
    expect(psql.stderr).toBe('');
    expect(await ours(format, query), format).toBe(psql.stdout);
  }
});
