/** Every type, written by a real server of each major and read from its heap files: our text against what the server's own COPY says. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { describeTable, readTableAsCopy, SqlTypeLookup, type RealTable } from '../support/realTable.js';
import { BASIC_CASES } from './cases/basic.js';
import { BUILTIN_CASES, CONTRIB_CASES } from './cases/builtin.js';
import { COMPOUND_CASES } from './cases/compound.js';
import { DATETIME_CASES } from './cases/datetime.js';
import { Random, sqlLiteral, type TypeCase } from './cases/typeCase.js';

const CASES: readonly TypeCase[] = [...BASIC_CASES, ...DATETIME_CASES, ...COMPOUND_CASES, ...BUILTIN_CASES, ...CONTRIB_CASES];

/** A short column before and after the value moves its alignment about and shows that its end was found. */
function tableSql(testCase: TypeCase): string {
  const random = new Random(testCase.name.length * 7919 + 11);
  const values = testCase.values.map((value) => sqlLiteral(value, testCase.type));
  for (let i = 0; i < (testCase.randomCount ?? 0); i++) values.push(sqlLiteral(testCase.random!(random), testCase.type));
  const isStorage = testCase.setup?.startsWith('STORAGE ') === true;
  const rows = [...values, 'NULL'].map((value, i) => `(${i % 2 === 0 ? `'${'k'.repeat(i % 5)}'` : 'NULL'}, ${value}, ${i % 3 === 0 ? 'NULL' : i})`);
  return [
    ...(testCase.setup !== undefined && !isStorage ? [testCase.setup] : []),
    `CREATE TABLE t_${testCase.name} (head text, v ${testCase.type}, tail int2)`,
    ...(isStorage ? [`ALTER TABLE t_${testCase.name} ALTER v SET ${testCase.setup!}`] : []),
    `INSERT INTO t_${testCase.name} VALUES ${rows.join(', ')}`,
  ].join(';\n');
}

describe.each(PG_MAJORS)('types of PostgreSQL %i', (major) => {
  let server: PostgresServer;
  let lookup: SqlTypeLookup;
  const cases = CASES.filter((c) => (c.since ?? 13) <= major && (c.until ?? 18) >= major);
  const tables = new Map<string, RealTable>();

  beforeAll(async () => {
    server = await PostgresServer.create({ major, archive: false });
    await server.session('postgres', async (client) => {
      for (const testCase of cases) {
        await client.query(tableSql(testCase));
        tables.set(testCase.name, await describeTable(client, `t_${testCase.name}`, testCase.zones));
      }
      lookup = await SqlTypeLookup.read(client, major);
    });
    await server.stop();
  });
  afterAll(() => server?.destroy());

  it.each(cases)('$name', (testCase) => {
    const table = tables.get(testCase.name)!;
    for (const [zone, copied] of table.copies) {
      const unknownTypes = new Set<string>();
      const lines = readTableAsCopy(join(server.dataDir), table, { major, lookup, zone, unknownTypes });
      expect([...unknownTypes]).toEqual([]);
      const expected = copied.toString('utf8').split('\n').slice(0, -1);
      expect(lines.length).toBe(expected.length);
      for (let i = 0; i < lines.length; i++) if (lines[i] !== expected[i]) expect({ zone, line: lines[i]!.slice(0, 3000) }).toEqual({ zone, line: expected[i]!.slice(0, 3000) });
    }
  });
});
