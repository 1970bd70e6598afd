import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import type { PlantedDisaster } from '../../fixtures/workloads/truth.js';
import { recordText } from '../../src/util/recordText.js';
import { asof } from '../../src/query/asof.js';
import { blame } from '../../src/query/blame.js';
import { changeStream, userTables } from '../../src/query/changeStream.js';
import { databaseByOid } from '../../src/query/databaseAt.js';
import { findChanges, rowHistory } from '../../src/query/history.js';
import { findIncidents } from '../../src/query/incidents.js';
import { transactionLog, type TransactionEntry } from '../../src/query/log.js';
import { openSource } from '../../src/query/scanSource.js';
import { Findings, type DatabaseAt, type Session } from '../../src/query/session.js';
import { showTransaction } from '../../src/query/show.js';
import type { PgMajor } from '../../src/pg/version.js';
import { qualifiedName } from '../../src/util/quote.js';
import { indexArchive, type IndexedArchive } from './truthCase.js';

const OPERATIONS = { insert: 'INSERT', update: 'UPDATE', delete: 'DELETE' };

/** show, log, history, find, blame and incidents against the audit table of one archive. */
export function transactionTruth(major: PgMajor, seed: number): void {
  describe(`transactions against what triggers recorded, PostgreSQL ${major}, seed ${seed}`, () => {
    let archive: Archive;
    let indexed: IndexedArchive;
    /** By xid: what the audit triggers wrote, a line a row. */
    const audit = new Map<number, string[]>();
    const log: TransactionEntry[] = [];

    beforeAll(async () => {
      archive = await cachedArchive({ major, workload: 'audited', seed });
      indexed = await indexArchive(archive);
      const { session } = indexed;
      const database = session.database(session.moment('point:last'), 'shop');
      const answer = await asof(database, database.table('audit.changes'), { columns: ['xid', 'tab', 'op', 'old_row', 'new_row'] }, new Findings());
      answer.rows(([xid, ...rest]) => {
        const list = audit.get(Number(xid));
        if (list) list.push(JSON.stringify(rest));
        else audit.set(Number(xid), [JSON.stringify(rest)]);
      });
      const findings = new Findings();
      for (const entry of transactionLog(session, { since: session.moment('earliest'), until: session.moment('latest') }, findings)) if (entry.kind === 'transaction') log.push(entry);
      expect(findings.list).toEqual([]);
    }, 180_000);
    afterAll(() => indexed?.remove());

    it('show gives every row that every transaction changed, before and after', () => {
      expect(audit.size).toBeGreaterThan(50);
      for (const [xid, recorded] of audit) {
        const findings = new Findings();
        const shown = showTransaction(indexed.session, xid, findings);
        const lines: string[] = [];
        shown.rows(({ table, operation, before, after }) => {
          if (table.schema === 'audit') return;
          // triggers saw the columns of their time: those that the other side lacks are not in the text
          const is = shown.after!.catalog.columns(table.oid).filter((c) => !c.dropped).length;
          const text = (values: (string | null)[] | null): string | null => values && recordText(values.slice(0, is));
          lines.push(JSON.stringify([auditName(table.schema, table.name), OPERATIONS[operation], text(before), text(after)]));
        });
        for (const change of shown.ddl()) if (change.action === 'truncated' && change.objectKind === 'table') lines.push(JSON.stringify([auditName('public', change.name), 'TRUNCATE', null, null]));
        expect(findings.list).toEqual([]);
        expect(lines.sort(), `xid ${xid}`).toEqual([...recorded].sort());
      }
    }, 120_000);

    it('history and find follow rows through updates, key changes and rewrites', async () => {
      const { session } = indexed;
      const database = session.database(session.moment('latest'), 'shop');
      const span = { since: session.moment('earliest'), until: session.moment('latest') };
      const findings = new Findings();
      const solo = archive.truth.transactions![4]!.xid;
      const { columns, rows } = await rowHistory(session, database, 'hot', ['50'], span, findings);
      const place = (name: string): number => columns.findIndex((column) => column.name === name);
      const own = rows.filter((row) => row[place('xid')] === String(solo));
      expect(own.map((row) => row[0])).toEqual(['update', 'update', 'update of the key', 'insert']);
      expect(own.at(-1)![place('t')]).toBe('born again');
      const gone = await findChanges(session, database, 'child', 'id % 11 = 0', 'gone', span, findings);
      const recorded = [...audit.values()].flat().filter((line) => { const [tab, op, old] = JSON.parse(line) as string[]; return tab === 'public.child' && op === 'DELETE' && Number(/\d+/.exec(old!)![0]) % 11 === 0; });
      expect(recorded.length).toBeGreaterThan(5);
      expect(gone.rows.filter((row) => row[0] === 'delete').length).toBe(recorded.length);
      // what TRUNCATE took: the rows that were there just before
      const emptied = await findChanges(session, database, 'clustered', 'id > 0', 'gone', span, findings);
      const then = session.database(session.moment('point:before_solo_7'), 'shop');
      let held = 0;
      (await asof(then, then.table('clustered'), {}, findings)).rows(() => void held++);
      expect(emptied.rows.filter(([operation, , , xid]) => operation === 'truncate' && xid === String(archive.truth.transactions![6]!.xid)).length).toBe(held);
      // from the partitioned table, rows that moved to another partition
      const movedOut = await findChanges(session, database, 'measured_1', 'true', 'gone', span, findings);
      const movedAway = await findChanges(session, database, 'measured', "at < '2026-01-10'", 'gone', span, findings);
      const moves = movedAway.rows.filter(([, , , xid]) => xid === String(archive.truth.transactions![2]!.xid));
      expect(moves.length).toBeGreaterThan(3);
      expect(movedOut.rows.filter(([, , , xid]) => xid === moves[0]![3]).length).toBe(moves.length);
      expect(findings.list).toEqual([]);
    }, 60_000);

    it('the change stream holds every row change, in the order of the commits', () => {
      const { session } = indexed;
      const { oid } = session.database(session.moment('latest'), 'shop').database;
      const findings = new Findings();
      const streamed = new Map<number, string[]>();
      let lastLsn = 0;
      const wanted = (database: DatabaseAt) => userTables(database).filter((relation) => database.catalog.schemaOf(relation) !== 'audit');
      changeStream(session, oid, wanted, { since: session.moment('earliest'), until: session.moment('latest') }, findings, ({ operation, row, shape, before, after }) => {
        expect(row.lsn).toBeGreaterThanOrEqual(lastLsn);
        lastLsn = row.lsn;
        if (!(operation in OPERATIONS)) return;
        const columns = databaseByOid(session, oid, row.endLsn, row.time)!.catalog.columns(shape.oid).filter((c) => !c.dropped).length;
        const text = (values: (string | null)[] | null): string | null => values && recordText(values.slice(0, columns));
        const line = JSON.stringify([auditName(shape.schema, shape.name), OPERATIONS[operation as keyof typeof OPERATIONS], text(before), text(after)]);
        const list = streamed.get(row.xid);
        if (list) list.push(line);
        else streamed.set(row.xid, [line]);
      });
      expect(findings.list).toEqual([]);
      const rowsOnly = [...audit].map(([xid, lines]) => [xid, lines.filter((line) => (JSON.parse(line) as string[])[1] !== 'TRUNCATE').sort()] as const).filter(([, lines]) => lines.length > 0);
      expect(streamed.size).toBe(rowsOnly.length);
      for (const [xid, lines] of rowsOnly) expect(streamed.get(xid)?.sort(), `xid ${xid}`).toEqual(lines);
    }, 120_000);

    it('blame names the last writer of every row', async () => {
      const { session } = indexed;
      const database = session.database(session.moment('point:last'), 'shop');
      const findings = new Findings();
      const answer = await blame(database, openSource(database, 'hot'), {}, findings);
      const writers = new Map<string, number>();
      for (const { row: { xid } } of [...log].reverse()) {
        for (const line of audit.get(xid) ?? []) {
          const [table, , , after] = JSON.parse(line) as (string | null)[];
          if (table === 'public.hot' && after) writers.set(/^\((\d+)/.exec(after)![1]!, xid);
        }
      }
      const place = (name: string): number => answer.columns.findIndex((column) => column.name === name);
      let known = 0;
      answer.rows((values) => {
        const writer = writers.get(values[place('id')]!);
        if (writer === undefined) return;
        known++;
        expect([values[place('id')], values[place('xid')], values[place('written')] === null]).toEqual([values[place('id')], String(writer), false]);
      });
      expect(findings.list).toEqual([]);
      expect(known).toBeGreaterThan(10);
    });

    it('incidents names the planted disaster first', () => expectPlantedFirst(indexed.session, archive.truth.planted!));

    it('log counts what the triggers counted', () => {
      const seen = new Set<number>();
      for (const entry of log) {
        const recorded = audit.get(entry.row.xid) ?? [];
        const counted = new Map<string, number>();
        for (const line of recorded) {
          const [table, op] = JSON.parse(line) as [string, string];
          if (op !== 'TRUNCATE') counted.set(`${table} ${op}`, (counted.get(`${table} ${op}`) ?? 0) + 1);
        }
        const logged = new Map<string, number>();
        for (const table of entry.tables) {
          if (table.schema === 'audit') continue;
          const name = table.schema === 'public' ? `public.${table.name}` : table.name;
          for (const [op, count] of [['INSERT', table.inserted], ['UPDATE', table.updated], ['DELETE', table.deleted]] as const) if (count > 0) logged.set(`${name} ${op}`, count);
        }
        expect([...logged].sort(), `xid ${entry.row.xid}`).toEqual([...counted].sort());
        if (recorded.length > 0) seen.add(entry.row.xid);
      }
      expect(seen).toEqual(new Set(audit.keys()));
    });
  });
}

function auditName(schema: string, name: string): string {
  return schema === 'public' ? `public.${qualifiedName('public', name)}` : qualifiedName(schema, name);
}

/** The planted disaster is the first incident: the right table, rows, transaction and moment. */
export function expectPlantedFirst(session: Session, planted: PlantedDisaster): void {
  const findings = new Findings();
  const [worst] = findIncidents(session, { since: session.moment('earliest'), until: session.moment('latest') }, findings);
  expect(findings.list).toEqual([]);
  expect(worst).toMatchObject({ kind: planted.kind, xid: planted.xid, rows: planted.rows, database: 'shop', isEstimate: false });
  const object = worst!.object.replace(/^.* of /, '');
  expect(worst!.kind === 'drop schema' ? object : qualifiedTable(object)).toBe(planted.table);
  expect(session.moment(worst!.before).lsn).toBe(worst!.lsn);
  expect(worst!.recoveryTarget).toBe(`recovery_target_xid = '${planted.xid}', recovery_target_inclusive = off`);
}

function qualifiedTable(name: string): string {
  return name.includes('.') ? name : `public.${name}`;
}
