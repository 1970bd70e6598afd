import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import {
  HEAP_MOVED_IN, HEAP_MOVED_OFF, HEAP_XMAX_COMMITTED, HEAP_XMAX_EXCL_LOCK, HEAP_XMAX_INVALID, HEAP_XMAX_IS_MULTI, HEAP_XMAX_KEYSHR_LOCK, HEAP_XMAX_LOCK_ONLY,
  HEAP_XMIN_COMMITTED, HEAP_XMIN_FROZEN, HEAP_XMIN_INVALID, T_CID, T_INFOMASK, T_XMAX, T_XMIN,
} from '../../src/pg/heapTuple.js';
import { BLCKSZ, LP_NORMAL, Page, PD_ALL_VISIBLE } from '../../src/pg/page.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { Visibility, visibleTuples, type TupleState, type XidStatus, type XidStatusLookup } from '../../src/rows/visibility.js';

const COMMITTED = 100, ABORTED = 200, RUNNING = 300;
const MULTI_UPDATED = 10, MULTI_UPDATE_ABORTED = 11, MULTI_LOCKED = 12;

const statuses: XidStatusLookup = {
  status: (xid): XidStatus => (xid === COMMITTED ? 'committed' : xid === RUNNING ? 'inProgress' : 'aborted'),
  multixactUpdater: (multi) => ({ [MULTI_UPDATED]: COMMITTED, [MULTI_UPDATE_ABORTED]: ABORTED })[multi] ?? 0,
};

function header(xmin: number, xmax: number, infomask: number, cid = 0): DataView {
  const view = new DataView(new ArrayBuffer(24));
  view.setUint32(T_XMIN, xmin, true);
  view.setUint32(T_XMAX, xmax, true);
  view.setUint32(T_CID, cid, true);
  view.setUint16(T_INFOMASK, infomask, true);
  return view;
}

describe('lines 29 to 31: tuple states', () => {
  const cases: [string, DataView, TupleState][] = [
    ['inserted by a committed transaction', header(COMMITTED, 0, HEAP_XMAX_INVALID), 'live'],
    ['inserted by an aborted one', header(ABORTED, 0, HEAP_XMAX_INVALID), 'insertAborted'],
    ['inserted by one still running', header(RUNNING, 0, HEAP_XMAX_INVALID), 'insertInProgress'],
    ['super-deleted speculative insertion', header(0, 0, HEAP_XMAX_INVALID), 'insertAborted'],
    ['inserted at bootstrap', header(1, 0, HEAP_XMAX_INVALID), 'live'],
    ['frozen in the way of before 9.4', header(2, 0, HEAP_XMAX_INVALID), 'live'],
    ['frozen by its bits, whatever its xmin', header(ABORTED, 0, HEAP_XMIN_FROZEN | HEAP_XMAX_INVALID), 'live'],
    ['deleted by a committed transaction', header(COMMITTED, COMMITTED, 0), 'deleted'],
    ['deleted by an aborted one', header(COMMITTED, ABORTED, 0), 'live'],
    ['deleted by one still running', header(COMMITTED, RUNNING, 0), 'live'],
    ['locked exclusively by a committed one', header(COMMITTED, COMMITTED, HEAP_XMAX_LOCK_ONLY | HEAP_XMAX_EXCL_LOCK), 'live'],
    ['locked in the way of before 9.3', header(COMMITTED, COMMITTED, HEAP_XMAX_EXCL_LOCK), 'live'],
    ['key-share locked', header(COMMITTED, COMMITTED, HEAP_XMAX_LOCK_ONLY | HEAP_XMAX_KEYSHR_LOCK), 'live'],
    ['multixact whose updater committed', header(COMMITTED, MULTI_UPDATED, HEAP_XMAX_IS_MULTI), 'deleted'],
    ['multixact whose updater aborted', header(COMMITTED, MULTI_UPDATE_ABORTED, HEAP_XMAX_IS_MULTI), 'live'],
    ['multixact of lockers', header(COMMITTED, MULTI_LOCKED, HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY), 'live'],
    ['multixact of before 9.3, not to be looked up', header(COMMITTED, MULTI_UPDATED, HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY), 'live'],
    ['moved off by a committed vacuum', header(COMMITTED, 0, HEAP_MOVED_OFF | HEAP_XMAX_INVALID, COMMITTED), 'insertAborted'],
    ['moved off by an aborted vacuum', header(COMMITTED, 0, HEAP_MOVED_OFF | HEAP_XMAX_INVALID, ABORTED), 'live'],
    ['moved in by a committed vacuum', header(ABORTED, 0, HEAP_MOVED_IN | HEAP_XMAX_INVALID, COMMITTED), 'live'],
    ['moved in by an aborted vacuum', header(COMMITTED, 0, HEAP_MOVED_IN | HEAP_XMAX_INVALID, ABORTED), 'insertAborted'],
  ];
  it.each(cases)('%s', (_name, view, state) => {
    for (const useHintBits of [true, false]) {
      const visibility = new Visibility(statuses, useHintBits);
      expect(visibility.tupleState(view, 0)).toBe(state);
      expect(visibility.isVisible(view, 0)).toBe(state === 'live');
    }
  });

  it('believe hint bits only where they are allowed to', () => {
    const hinted = header(ABORTED, 0, HEAP_XMIN_COMMITTED | HEAP_XMAX_INVALID);
    const hintedDead = header(COMMITTED, ABORTED, HEAP_XMAX_COMMITTED);
    const hintedAborted = header(COMMITTED, 0, HEAP_XMIN_INVALID | HEAP_XMAX_INVALID);
    const states = (useHintBits: boolean): TupleState[] => [hinted, hintedDead, hintedAborted].map((view) => new Visibility(statuses, useHintBits).tupleState(view, 0));
    expect(states(true)).toEqual(['live', 'deleted', 'insertAborted']);
    expect(states(false)).toEqual(['insertAborted', 'live', 'live']);
  });

  it('name the transaction that deleted the row', () => {
    const visibility = new Visibility(statuses);
    expect(visibility.committedDeleter(header(COMMITTED, COMMITTED, 0), 0)).toBe(COMMITTED);
    expect(visibility.committedDeleter(header(COMMITTED, MULTI_UPDATED, HEAP_XMAX_IS_MULTI), 0)).toBe(COMMITTED);
    expect(visibility.committedDeleter(header(COMMITTED, ABORTED, 0), 0)).toBe(0);
  });
});

describe('a page', () => {
  it('that is all-visible needs no transaction; damaged line pointers are reported', () => {
    const page = new Page().init();
    const tuple = new Uint8Array(24);
    new DataView(tuple.buffer).setUint32(T_XMIN, ABORTED, true);
    for (let i = 0; i < 3; i++) page.addItem(tuple, 0, false, true);
    page.setItemId(2, 8100, LP_NORMAL, 200);
    const seen = (useHintBits: boolean): [number[], number[]] => {
      const offnums: number[] = [], damaged: number[] = [];
      visibleTuples(page, new Visibility(statuses, useHintBits), (offnum) => offnums.push(offnum), (offnum) => damaged.push(offnum));
      return [offnums, damaged];
    };
    expect(seen(true)).toEqual([[], [2]]);
    page.pdFlags = PD_ALL_VISIBLE;
    expect(seen(true)).toEqual([[1, 3], [2]]);
    expect(seen(false)).toEqual([[], [2]]);
  });
});

/** Sessions that insert, update, delete and lock the same rows, some for ever. */
describe.each(PG_MAJORS)('lines 29 to 31: visibility in PostgreSQL %i', (major) => {
  let server: PostgresServer;
  let beforeSelect: Buffer;
  let afterSelect: Buffer;
  let visible: string[];
  const xids = new Map<number, XidStatus>();
  const updaters = new Map<number, number>();

  beforeAll(async () => {
    server = await PostgresServer.create({ major, archive: false, settings: { autovacuum: false } });
    const a = await server.connect(), b = await server.connect(), c = await server.connect();
    await a.query('CREATE TABLE t (id int PRIMARY KEY, v text, w int); CREATE TABLE part (id int, v text) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1); CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2)');
    await a.query("INSERT INTO t SELECT i, 'v' || i, 0 FROM generate_series(1, 400) i");
    await a.query('DELETE FROM t WHERE id % 10 = 0');
    await a.query("BEGIN; INSERT INTO t VALUES (1001, 'x', 0); UPDATE t SET w = 9 WHERE id = 1; DELETE FROM t WHERE id = 2; ROLLBACK");
    await a.query("BEGIN; SAVEPOINT s; INSERT INTO t VALUES (1002, 'x', 0); UPDATE t SET w = 1 WHERE id = 3; ROLLBACK TO s; INSERT INTO t VALUES (1003, 'y', 0); SAVEPOINT s2; UPDATE t SET w = 2 WHERE id = 4; RELEASE s2; COMMIT");
    // Shared locks of two sessions make multixacts; one of the two then updates, commits or rolls back.
    for (const [id, end] of [[21, 'COMMIT'], [22, 'ROLLBACK']] as const) {
      await b.query(`BEGIN; SELECT 1 FROM t WHERE id = ${id} FOR KEY SHARE`);
      await a.query(`BEGIN; UPDATE t SET w = 5 WHERE id = ${id}; ${end}`);
      await b.query('COMMIT');
    }
    await b.query('BEGIN; SELECT 1 FROM t WHERE id BETWEEN 31 AND 35 FOR SHARE');
    await c.query('BEGIN; SELECT 1 FROM t WHERE id BETWEEN 33 AND 37 FOR SHARE');
    await b.query("SELECT 1 FROM t WHERE id = 41 FOR KEY SHARE; SELECT 1 FROM t WHERE id = 42 FOR NO KEY UPDATE; INSERT INTO t VALUES (2001, 'open', 0); DELETE FROM t WHERE id = 43");
    await a.query('UPDATE t SET w = 6 WHERE id = 41');
    await a.query("BEGIN; UPDATE t SET w = 7 WHERE id = 51; INSERT INTO t VALUES (2002, 'prepared', 0); PREPARE TRANSACTION 'p1'");
    await a.query("INSERT INTO t VALUES (5, 'conflict', 0), (3001, 'new', 0) ON CONFLICT (id) DO UPDATE SET v = 'upserted'");
    await a.query("INSERT INTO part VALUES (1, 'moves'), (1, 'stays'); UPDATE part SET id = 2 WHERE v = 'moves'");
    const file = join(server.dataDir, (await server.sql<{ f: string }>("SELECT pg_relation_filepath('t') AS f"))[0]!.f);
    await a.query('CHECKPOINT');
    beforeSelect = readFileSync(file);
    visible = (await server.sql<{ ctid: string }>('SELECT ctid FROM t ORDER BY ctid')).map((row) => row.ctid);
    await a.query('CHECKPOINT');
    afterSelect = readFileSync(file);
    for (const row of await server.sql<{ xid: number; status: string | null }>(
      "SELECT x AS xid, txid_status(x) AS status FROM generate_series(txid_snapshot_xmax(txid_current_snapshot()) - 60, txid_snapshot_xmax(txid_current_snapshot()) - 1) x")) {
      if (row.status !== null) xids.set(Number(row.xid), row.status === 'in progress' ? 'inProgress' : row.status as XidStatus);
    }
    forEachMulti(afterSelect, (multi) => updaters.set(multi, 0));
    for (const multi of updaters.keys()) {
      const [row] = await server.sql<{ xid: string }>(`SELECT xid FROM pg_get_multixact_members('${multi}') WHERE mode IN ('nokeyupd', 'upd')`);
      updaters.set(multi, row ? Number(row.xid) : 0);
    }
    await server.stop('immediate');
  });
  afterAll(() => server?.destroy());

  it('is that of the server', () => {
    const lookup: XidStatusLookup = { status: (xid) => xids.get(xid) ?? 'committed', multixactUpdater: (multi) => updaters.get(multi)! };
    expect(new Set(xids.values())).toEqual(new Set(['committed', 'aborted', 'inProgress']));
    expect([...updaters.values()].some((xid) => xid !== 0)).toBe(true);
    for (const file of [beforeSelect, afterSelect]) {
      for (const useHintBits of [true, false]) {
        const visibility = new Visibility(lookup, useHintBits);
        const found: string[] = [];
        for (let block = 0; block * BLCKSZ < file.length; block++) {
          const page = new Page(new Uint8Array(file.subarray(block * BLCKSZ, (block + 1) * BLCKSZ)));
          visibleTuples(page, visibility, (offnum) => found.push(`(${block},${offnum})`), () => expect.unreachable());
        }
        expect(found).toEqual(visible);
      }
    }
  });
});

function forEachMulti(file: Buffer, each: (multi: number) => void): void {
  for (let at = 0; at < file.length; at += BLCKSZ) {
    const page = new Page(new Uint8Array(file.subarray(at, at + BLCKSZ)));
    for (let offnum = 1; offnum <= page.maxOffset; offnum++) {
      if (page.lpFlags(offnum) !== LP_NORMAL) continue;
      const tuple = page.itemAt(offnum);
      const infomask = page.view.getUint16(tuple + T_INFOMASK, true);
      if (infomask & HEAP_XMAX_IS_MULTI && !(infomask & HEAP_XMAX_INVALID)) each(page.view.getUint32(tuple + T_XMAX, true));
    }
  }
}
