/** Versions of a row by its key where the table is partitioned: through updates, moves, DETACH and ATTACH. And what the name of a parent stands for. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { blame } from '../../src/query/blame.js';
import { ddlText } from '../../src/query/ddl.js';
import { countDiffs } from '../../src/query/diffCounts.js';
import { diffTable } from '../../src/query/diff.js';
import { findChanges, rowHistory } from '../../src/query/history.js';
import { transactionLog, type TransactionEntry } from '../../src/query/log.js';
import { openSource } from '../../src/query/scanSource.js';
import { Findings, type DatabaseAt, type Session } from '../../src/query/session.js';
import { namedPairs } from '../../src/query/tablePairs.js';
import { formatLsn } from '../../src/util/lsn.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

const STEPS = [
  "INSERT INTO m VALUES (1, '2026-01-05', 'born'), (2, '2026-01-06', 'other')",
  "UPDATE m SET v = 'grown' WHERE id = 1",
  "UPDATE m SET at = '2026-02-05' WHERE id = 1",
  "UPDATE m SET v = 'in February' WHERE id = 1",
  'ALTER TABLE m DETACH PARTITION m_2',
  "UPDATE m_2 SET v = 'alone'",
  "ALTER TABLE m ATTACH PARTITION m_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
  "UPDATE m SET at = '2026-01-05' WHERE id = 1",
  'DELETE FROM m WHERE id = 1',
  "INSERT INTO place VALUES (1, 'place'), (2, 'place'); INSERT INTO city VALUES (1, 'city', 5), (3, 'city', 6)",
  "UPDATE place SET v = 'both' WHERE id = 1",
  'DELETE FROM ONLY place WHERE id = 1',
];

let server: PostgresServer;
let indexed: IndexedArchive;
const xids: string[] = [];
beforeAll(async () => {
  server = await PostgresServer.create({ major: 16, walSegmentMb: 1, settings: { autovacuum: false } });
  await server.sql(`CREATE TABLE m (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
    CREATE TABLE place (id int PRIMARY KEY, v text); CREATE TABLE city (size int) INHERITS (place); CREATE UNLOGGED TABLE village () INHERITS (place)`);
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  await server.session('postgres', async (client) => {
    for (const step of STEPS) {
      await client.query('BEGIN');
      await client.query(step);
      xids.push((await client.query<{ xid: string }>('SELECT txid_current()::text AS xid')).rows[0]!.xid);
      await client.query('COMMIT');
    }
  });
  await server.archiveAll();
  indexed = await indexArchive({ backup, wal: server.walDir });
});
afterAll(async () => {
  indexed?.remove();
  await server?.destroy();
});

/** Operation, step, step at which the version ended, and v. */
async function history(...key: string[]): Promise<(string | null)[][]> {
  const { session } = indexed;
  const findings = new Findings();
  const span = { since: session.moment('earliest'), until: session.moment('latest') };
  const { columns, rows } = await rowHistory(session, session.database(session.moment('latest'), 'postgres'), 'm', key, span, findings);
  expect(findings.list).toEqual([]);
  const place = (name: string): number => columns.findIndex((column) => column.name === name);
  const ends = new Map<string, string>();
  const log = [...session.store.transactions.rows(span.since.lsn, span.until.lsn)];
  for (const row of log) ends.set(formatLsn(row.lsn), String(row.xid));
  const step = (xid: string | null | undefined): string | null => (xid ? String(xids.indexOf(xid) + 1) : null);
  return rows.map((row) => [row[0]!, step(row[place('xid')]), step(ends.get(row[place('to_lsn')] ?? '')), row[place('v')]!]);
}


it('follows a key through partitions that it leaves and comes back to', async () => {
  expect(await history('1', '2026-01-05')).toEqual([
    ['insert', '1', '2', 'born'], ['update', '2', '3', 'grown'], ['update of the key', '3', '3', null], ['update to another partition', '8', '9', 'alone'], ['delete', '9', '9', null],
  ]);
});

it('follows a key through a partition that is taken out and put back', async () => {
  expect(await history('1', '2026-02-05')).toEqual([
    ['update to another partition', '3', '4', 'grown'], ['update', '4', '5', 'in February'], ['detach', '5', '5', null], ['attach', '7', '8', 'alone'], ['update of the key', '8', '8', null],
  ]);
});

it('find tells when rows of a month came and went', async () => {
  const { session } = indexed;
  const span = { since: session.moment('earliest'), until: session.moment('latest') };
  const ask = async (kind: 'gone' | 'appeared'): Promise<[string, number][]> => (await findChanges(session, session.database(session.moment('latest'), 'postgres'), 'm', "at >= '2026-02-01'", kind, span, new Findings())).rows
    .map(([operation, , , xid]) => [operation!, xids.indexOf(xid!) + 1]);
  expect(await ask('appeared')).toEqual([['insert', 3], ['attach', 7]]);
  expect(await ask('gone')).toEqual([['detach', 5], ['delete', 8]]);
});

describe('the name of an inherited table stands for its children, too', () => {
  const sides = (): { session: Session; before: DatabaseAt; after: DatabaseAt } => {
    const { session } = indexed;
    return { session, before: session.database(session.moment(`before-xid:${xids[10]}`), 'postgres'), after: session.database(session.moment('latest'), 'postgres') };
  };
  const span = (session: Session) => ({ since: session.moment('earliest'), until: session.moment('latest') });

  it('in history, each table with its own row of the key', async () => {
    const { session, after } = sides();
    const { rows } = await rowHistory(session, after, 'place', ['1'], { ...span(session), columns: ['v'] }, new Findings());
    const step = (xid: string | null | undefined): number => xids.indexOf(xid!) + 1;
    expect(rows.map((row) => [row[0], step(row[3]), row[5] !== null, ...row.slice(6)])).toEqual([
      ['insert', 10, true, 'place', 'place'], ['insert', 10, true, 'city', 'city'], ['update', 11, true, 'place', 'both'], ['update', 11, false, 'city', 'both'], ['delete', 12, true, 'place', null],
    ]);
    const only = await rowHistory(session, after, 'place', ['1'], { ...span(session), only: true }, new Findings());
    expect(only.rows.map(([operation]) => operation)).toEqual(['insert', 'update', 'delete']);
    expect(only.columns.map(({ name }) => name)).not.toContain('tableoid');
  });

  it('in find and blame', async () => {
    const { session, after } = sides();
    const { columns, rows } = await findChanges(session, after, 'place', "v = 'both'", 'appeared', { ...span(session), columns: ['id'] }, new Findings());
    expect(columns.slice(4).map(({ name }) => name)).toEqual(['tableoid', 'id']);
    expect(rows.map((row) => row.slice(4))).toEqual([['place', '1'], ['city', '1']]);
    const findings = new Findings();
    const answer = await blame(after, openSource(after, 'place'), { columns: ['v'] }, findings);
    const writers: (string | null)[][] = [];
    answer.rows((values) => void writers.push([values[1]!, ...values.slice(3)]));
    expect(writers).toEqual([[xids[9], 'place', 'place'], [xids[9], 'city', 'city'], [xids[10], 'city', 'both']]);
    expect(findings.list.map(({ code }) => code)).toEqual(['table.unlogged']);
  });

  it('in diff, and names the children that cannot be told', () => {
    const both = sides();
    const findings = new Findings();
    const counts = namedPairs(both, ['place'], findings).map((pair) => [pair.after!.name, countDiffs([diffTable(both, pair, findings)])[0]]);
    expect(counts).toEqual([['place', { added: 0, removed: 1, changed: 0 }], ['city', { added: 1, removed: 1, changed: 0 }]]);
    expect(findings.list.map(({ code }) => code)).toEqual(['table.unlogged']);
    expect(namedPairs(both, ['place'], findings, true).map((pair) => pair.after!.name)).toEqual(['place']);
    expect(namedPairs(both, ['m'], findings).map((pair) => pair.after!.name)).toEqual(['m_1', 'm_2']);
  });

  it('in log', () => {
    const { session } = sides();
    const about = (table: string): number[] => [...transactionLog(session, { ...span(session), table }, new Findings())].flatMap((entry) => (entry.kind === 'transaction' ? [xids.indexOf(String(entry.row.xid)) + 1] : []));
    expect(about('place')).toEqual([12, 11, 10]);
    expect(about('city')).toEqual([11, 10]);
    // the UPDATE of a partition that was taken out is not about the table
    expect(about('m')).toEqual([9, 8, 7, 5, 4, 3, 2, 1]);
    const detached = [...transactionLog(session, { ...span(session), xid: Number(xids[4]) }, new Findings())][0] as TransactionEntry;
    expect(detached.ddl.map(ddlText)).toEqual(['detached table m_2 from m']);
  });
});
