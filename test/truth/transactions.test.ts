import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { recordText } from '../../src/util/recordText.js';
import { asof } from '../../src/query/asof.js';
import { findChanges, rowHistory } from '../../src/query/history.js';
import { findIncidents } from '../../src/query/incidents.js';
import { transactionLog, type TransactionEntry } from '../../src/query/log.js';
import { Findings } from '../../src/query/session.js';
import { showTransaction } from '../../src/query/show.js';
import { qualifiedName } from '../../src/util/quote.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

const OPERATIONS = { insert: 'INSERT', update: 'UPDATE', delete: 'DELETE' };

describe.each([[15, 2], [18, 1]] as const)('transactions against what triggers recorded, PostgreSQL %i, seed %i', (major, seed) => {
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
    expect(findings.list).toEqual([]);
    await findChanges(session, database, 'clustered', 'id > 0', 'gone', span, findings);
    expect(findings.list.map((f) => f.code)).toEqual(['history.truncated']);
  }, 60_000);

  it('incidents names the planted disaster first', () => {
    const { session } = indexed;
    const findings = new Findings();
    const [worst] = findIncidents(session, { since: session.moment('earliest'), until: session.moment('latest') }, findings);
    const planted = archive.truth.planted!;
    expect(findings.list).toEqual([]);
    expect(worst).toMatchObject({ kind: planted.kind, xid: planted.xid, rows: planted.rows, database: 'shop' });
    expect(planted.table).toBe(`public.${worst!.object.replace(/^.* of /, '')}`);
    expect(session.moment(worst!.before).lsn).toBe(worst!.lsn);
  });

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

function auditName(schema: string, name: string): string {
  return schema === 'public' ? `public.${qualifiedName('public', name)}` : qualifiedName(schema, name);
}
