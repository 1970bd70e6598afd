/** Scripts over tables whose definitions changed since, and whose names would like to be statements; run on the server that the archive is of. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { DataOutput } from '../../src/commands/context.js';
import { showSchemaDiff } from '../../src/commands/diffSchema.js';
import { schemaCommand } from '../../src/commands/schema.js';
import { pairTables } from '../../src/query/tablePairs.js';
import { restoreScript } from '../../src/query/restore.js';
import { diffScript } from '../../src/query/revert.js';
import { Findings, type DatabaseAt } from '../../src/query/session.js';
import { runPsql, scriptText } from '../support/psqlScript.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

const ODD = '"odd\nDROP TABLE bystander; --"';
const AGGREGATE = 'total\rDROP TABLE bystander;\n--';
let server: PostgresServer;
let indexed: IndexedArchive;
let before: DatabaseAt, after: DatabaseAt;

/** The columns that both moments have, under their later names. */
async function rows(keyed: string, keyless: string): Promise<unknown[]> {
  return [
    await server.sql(`SELECT id, v FROM ${keyed} ORDER BY id`), await server.sql(`SELECT b FROM ${keyless} ORDER BY b`), await server.sql(`SELECT n FROM ${ODD} ORDER BY n`),
  ];
}
let was: unknown[];

beforeAll(async () => {
  server = await PostgresServer.create({ major: 17, walSegmentMb: 1, settings: { autovacuum: false } });
  const run = async (...statements: string[]): Promise<void> => {
    for (const statement of statements) await server.sql(statement);
  };
  await run(
    'CREATE TABLE keyed (id int PRIMARY KEY, v text, gone int)', 'CREATE TABLE keyless (a text, b int)', `CREATE TABLE ${ODD} (n int)`, 'CREATE TABLE bystander (n int)', 'CREATE MATERIALIZED VIEW seen AS SELECT max(id) FROM keyed',
    "INSERT INTO keyed SELECT i, 'v' || i, i FROM generate_series(1, 5) i", "INSERT INTO keyless SELECT 'a', i FROM generate_series(1, 5) i", `INSERT INTO ${ODD} VALUES (1), (2)`,
  );
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  was = await rows('keyed', 'keyless');
  await run(
    "SELECT pg_create_restore_point('before')", 'ALTER TABLE keyed RENAME TO renamed', 'ALTER TABLE renamed DROP COLUMN gone', "ALTER TABLE renamed ADD COLUMN new text DEFAULT 'n'",
    'ALTER TABLE keyless RENAME COLUMN a TO z', 'ALTER TABLE keyless ADD COLUMN c int', "UPDATE renamed SET v = 'other' WHERE id = 2", 'DELETE FROM renamed WHERE id = 3', "INSERT INTO renamed VALUES (9, 'nine')",
    'DELETE FROM keyless WHERE b = 4', 'INSERT INTO keyless VALUES (NULL, 7, 7)', `DELETE FROM ${ODD} WHERE n = 1`, `CREATE AGGREGATE "${AGGREGATE}" (int) (SFUNC = int4pl, STYPE = int)`, 'REFRESH MATERIALIZED VIEW seen', "SELECT pg_create_restore_point('after')",
  );
  await server.archiveAll();
  indexed = await indexArchive({ backup, wal: server.walDir });
  [before, after] = ['point:before', 'point:after'].map((at) => indexed.session.database(indexed.session.moment(at), 'postgres')) as [DatabaseAt, DatabaseAt];
});
afterAll(async () => {
  indexed?.remove();
  await server?.destroy();
});

it('diff --sql writes to tables and columns as they are called at the later moment', async () => {
  const findings = new Findings();
  const script = scriptText(diffScript({ before, after }, pairTables({ before, after }), findings));
  const lines = script.split('\n');
  expect(findings.list).toEqual([]);
  expect(lines.filter((line) => line.startsWith('-- not done'))).toEqual(['-- not done: column a of keyless is gone at the later moment', '-- not done: column gone of renamed is gone at the later moment', '-- not done: seen is a materialized view: refresh it, with REFRESH MATERIALIZED VIEW']);
  runPsql(server, 'postgres', script);
  expect(await rows('renamed', 'keyless')).toEqual(was);
  expect(await server.sql('SELECT new FROM renamed WHERE id = 3')).toEqual([{ new: 'n' }]);
});

it('a name with a line end in it stays within its comment', async () => {
  const script = scriptText(restoreScript(before, after, { tables: [ODD], missingOnly: true }, new Findings()));
  expect(script).toContain('\n-- "odd DROP TABLE bystander; --": rows that are missing');
  runPsql(server, 'postgres', script);
  expect(await server.sql('SELECT count(*)::int AS n FROM bystander')).toEqual([{ n: 0 }]);
});

it('an aggregate stands as a comment, whatever it is called', async () => {
  const script = join(server.root, 'script.sql');
  const options = { case: indexed.session.store.caseDir, output: script };
  const output = new DataOutput(script);
  expect(showSchemaDiff({ before, after }, [], { ...options, ddl: true }, output)).toBe(true);
  output.end();
  const difference = readFileSync(script, 'utf8');
  await schemaCommand(`public."${AGGREGATE}"`, { ...options, at: 'point:after', dbname: 'postgres', function: true });
  for (const text of [difference, readFileSync(script, 'utf8')]) {
    expect(text).toContain('total\r-- DROP TABLE bystander;\n-- --');
    expect(text.split(/[\r\n]+/).filter((line) => line.startsWith('DROP TABLE bystander'))).toEqual([]);
  }
});
