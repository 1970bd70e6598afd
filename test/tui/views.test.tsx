/** The views over the demo archive: incidents, log, transactions, comparisons, pages, exports; and questions that are stopped half way. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readTruth } from '../../fixtures/workloads/truth.js';
import { ForkNumber } from '../../src/pg/relFileLocator.js';
import { Session } from '../../src/query/session.js';
import { openCase } from '../../src/store/openCase.js';
import { Interrupted, Work } from '../../src/tui/model/work.js';
import { Model } from '../../src/tui/model/model.js';
import { ROOT } from '../support/cli.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';
import { show, typed, type ShownScreen } from './support.js';

const demo = join(ROOT, 'fixtures', 'demo');
const truthFile = (moment: string, table: string): string =>
  readFileSync(join(demo, readTruth(demo).moments.find((each) => each.name === moment)!.databases.shop!.tables[`public.${table}`]!.file), 'utf8');
const noFiles = { create: (): never => { throw new Error('no files here'); } };

let indexed: IndexedArchive;
beforeAll(async () => {
  indexed = await indexArchive({ backup: { path: join(demo, 'backup') }, wal: join(demo, 'wal') } as Parameters<typeof indexArchive>[0]);
});
afterAll(() => indexed.remove());

let opened: ShownScreen | undefined;
afterEach(() => opened?.close());
const open = async (at = 'latest'): Promise<ShownScreen> => (opened = await show(indexed.session, { at }));

describe('what happened', () => {
  it('goes from incident to incident, back and on', async () => {
    const { press } = await open();
    expect(await press('{')).toMatch(/just before UPDATE products · 144 rows of 144/);
    expect(await press('{')).toMatch(/just before DROP TABLE coupons/);
    expect(await press('{')).toMatch(/order_items · 70 pages[\s\S]*just before DELETE order_items/);
    expect(await press('}')).toMatch(/just before DROP TABLE coupons/);
    expect(await press('{', '{', '{')).toContain('no previous incident');
  });

  it('shows the log around the moment, and goes to either side of an entry', async () => {
    const { press, screen } = await open('point:before_delete');
    expect(await press('L')).toMatch(/▲[\d:.]+ +restore point · before_delete/);
    expect(await press('enter')).toContain('at restore point before_delete');
    expect(await press('L', 'k', 'enter')).toMatch(/xid 5052 · committed/);
    expect(await press('q', 'b')).toContain('LSN 0/1924D60');
    expect(screen.rowsView.stepped).toEqual({ xid: 5052, direction: 'previous' });
    expect(await press('L', 'k', 'a')).toContain('LSN 0/1924D88');
    expect(await press('q', 'L', 'g')).toMatch(/08:47:0/);
  });

  it('shows a transaction row by row, each before and after, and the SQL that undoes it', async () => {
    const { press, written } = await open();
    expect(await press(':', ...typed('show 5037'))).toMatch(/~ orders id=3714 {2}status: packed → shipped/);
    expect(await press('enter')).toMatch(/- status +│ packed\n.*\+ status +│ shipped/);
    expect(await press('q', 'u', 'G')).toMatch(/UPDATE ONLY orders SET status = 'packed', shipped_at = NULL WHERE id = '3714';/);
    await press('e', 'enter', 'enter');
    expect(written.get('undo-5037.sql')).toMatch(/BEGIN;[\s\S]*UPDATE ONLY orders SET status = 'packed'[\s\S]*COMMIT;\n$/);
  });

  it('tells the versions of a row and its writer', async () => {
    const { press, screen } = await open('point:before_delete');
    await press(':', ...typed('orders'), 'f', ...typed('id = 3714'));
    expect(await press('b')).toMatch(/written[\s\S]*5037/);
    expect(await press('b', 'r')).toMatch(/orders 3714: \d+ versions[\s\S]*insert[\s\S]*update[\s\S]*delete/);
    await press('G', 'w');
    expect(screen.view.title()).toContain('xid 5052');
  });
});

describe('comparisons', () => {
  it('lists the tables that changed, then their rows, one line each or both sides, beside or below each other', async () => {
    const { press, screen, shown } = await open('point:before_delete');
    await press('m', 't', ...typed('xid:5055'), 'm');
    const all = await press('d');
    expect(all).toMatch(/order_items +│ +\+\d+ +~0 +-9440/);
    expect(all).toMatch(/orders +│ +\+2 +~\d+ +-3761/);
    expect(await press('/', ...typed('products'), 'enter')).toMatch(/~ +\d+│.* → /);
    expect(await press('v')).toMatch(/~ *(\d+)│.*┃.~ *\1│/);
    screen.resize({ columns: 58, rows: 24 });
    expect(await shown()).toMatch(/- +(\d+)│[\s\S]*\+ +\1│/);
    expect(await press('esc', 'esc')).toContain('tables (');
  });

  it('asks for a mark first', async () => {
    const { press } = await open();
    expect(await press('d')).toContain('! mark a moment with m first');
  });
});

describe('exports', () => {
  it('writes rows as COPY writes them', async () => {
    const { press, written } = await open('point:before_delete');
    await press(':', ...typed('orders'), 'e', 'j', 'enter', 'ctrl-u', ...typed('out.csv'));
    expect(written.get('out.csv')).toBe(truthFile('before_delete', 'orders'));
  });

  it('writes the script that brings a dropped table back', async () => {
    const { press, written } = await open('point:before_drop');
    await press(':', ...typed('coupons'), 'e', 'enter', 'enter');
    const script = written.get('restore-coupons.sql')!;
    expect(script).toMatch(/CREATE TABLE/);
    expect(/COPY [^\n]*\n([\s\S]*?)\\\.\n/.exec(script)![1]!.trimEnd().split('\n')).toHaveLength(240);
  });

  it('says what it would run on the command line', async () => {
    const { press, copied } = await open('point:before_delete');
    await press(':', ...typed('orders'), 'e', 'c');
    expect(copied[0]).toMatch(/^walscope restore orders --at 0\/177AD78 -o restore-orders.sql -C .* -d shop$/);
    await press('q', 'm', ']', 'd', 'e', 'c', 'j', 'c', 'q', 'q', 'i', 'c');
    expect(copied.slice(1)).toEqual([
      expect.stringMatching(/^walscope diff 0\/177AD78 0\/\w+ --sql -o repair.sql -C \S+ -d shop$/), expect.stringMatching(/^walscope diff 0\/177AD78 0\/\w+ orders --sql -o repair-orders.sql -C \S+ -d shop$/),
      expect.stringMatching(/^walscope incidents -C \S+$/),
    ]);
  });
});

describe('pages', () => {
  it('are after each record what they were at that moment', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(':', ...typed('orders'));
    const { scene } = screen;
    const info = await screen.ask('pages.open', scene!.moment.lsn, 'shop', screen.pane.entry!.oid, 3);
    expect(info.records.length).toBeGreaterThan(20);
    const { locator } = indexed.session.database(indexed.session.moment('point:before_delete'), 'shop').relation('orders');
    for (let n = 1; n < info.records.length; n += 7) {
      const state = await screen.ask('pages.stateAfter', info.handle, n);
      const wanted = indexed.session.store.pages.getPage({ ...locator, fork: ForkNumber.main }, 3, info.records[n]!.lsn)!.page.bytes;
      expect(Buffer.from(state!.bytes).equals(wanted), `after record ${n}`).toBe(true);
      const before = (await screen.ask('pages.stateAfter', info.handle, n - 1))!.bytes;
      const differs = [...wanted.keys()].filter((i) => before[i] !== wanted[i]);
      for (const i of differs) expect(state!.changes.some((change) => i >= change.offset && i < change.offset + change.length)).toBe(true);
    }
  });

  it('step record by record to the chain\'s start', async () => {
    const { press } = await open('point:before_delete');
    await press(':', ...typed('products'));
    const last = await press('p');
    const records = Number(/after record (\d+) of/.exec(last)![1]);
    expect(await press('[')).toContain(`after record ${records - 1} of ${records}`);
    expect(await press(']', ']')).toContain('the moment is here');
    expect(await press('>')).toMatch(/page 1 of/);
    expect(await press('<', '<')).toContain('there is no page -1');
  });
});

describe('a question that is stopped', () => {
  it('is told to be so, and the next one is answered', async () => {
    const { screen } = await open();
    const asked = screen.ask('transactions.transaction', 5052);
    screen.options.client.interrupt();
    await expect(asked).rejects.toBeInstanceOf(Interrupted);
    expect((await screen.ask('transactions.transaction', 5037)).changes).toHaveLength(1);
  });

  it('leaves nothing behind that would spoil later answers, wherever it was stopped', async () => {
    let left = Infinity;
    const onRead = (): void => {
      if (--left < 0) throw new Interrupted();
    };
    const model = new Model(new Session(openCase(indexed.caseDir, { onRead })), new Work(new Int32Array(new SharedArrayBuffer(4)).fill(-1), () => undefined), noFiles);
    const { scene, orders } = await sceneOf(model);
    const ask = async (): Promise<unknown> => {
      const table = await model.open({ lsn: scene.moment.lsn, database: 'shop', oid: orders, where: undefined, order: undefined, stepped: undefined });
      return [model.rowsFrom(table.handle, undefined, true, 5000).rows, model.transactions.transaction(5037), model.transactions.moreLog(model.transactions.openLog(scene.moment.lsn, false), 30)];
    };
    const wanted = await ask();
    for (const reads of [0, 1, 2, 5, 13, 40]) {
      const fresh = new Model(new Session(openCase(indexed.caseDir, { onRead })), new Work(new Int32Array(new SharedArrayBuffer(4)).fill(-1), () => undefined), noFiles);
      left = reads;
      await expect(sceneOf(fresh).then(async (found) => {
        const table = await fresh.open({ lsn: found.scene.moment.lsn, database: 'shop', oid: orders, where: undefined, order: undefined, stepped: undefined });
        fresh.rowsFrom(table.handle, undefined, true, 5000);
        fresh.transactions.transaction(5052);
      })).rejects.toBeInstanceOf(Interrupted);
      left = Infinity;
      const { moment } = fresh.goTo('point:before_delete', undefined);
      const table = await fresh.open({ lsn: moment.lsn, database: 'shop', oid: orders, where: undefined, order: undefined, stepped: undefined });
      expect([fresh.rowsFrom(table.handle, undefined, true, 5000).rows, fresh.transactions.transaction(5037), fresh.transactions.moreLog(fresh.transactions.openLog(moment.lsn, false), 30)]).toEqual(wanted);
    }
  });
});

async function sceneOf(model: Model): Promise<{ scene: ReturnType<Model['goTo']>; orders: number }> {
  const scene = model.goTo('point:before_delete', undefined);
  return { scene, orders: scene.tables.find((entry) => entry.name === 'orders')!.oid };
}
