/** The screen over the demo archive: what keys do, in components drawn into memory; truth is what the server's COPY had shown. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readTruth } from '../../fixtures/workloads/truth.js';
import { Screen } from '../../src/tui/screen.js';
import { ROOT } from '../support/cli.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';
import { connect, show, typed, type ShowOptions, type ShownScreen } from './support.js';

const demo = join(ROOT, 'fixtures', 'demo');
const truthRows = (moment: string, table: string): string[] => {
  const file = readTruth(demo).moments.find((each) => each.name === moment)!.databases.shop!.tables[`public.${table}`]!.file;
  return readFileSync(join(demo, file), 'utf8').trimEnd().split(/\n(?=\d+,)/).slice(1);
};
const idsOf = (moment: string, table: string): string[] => truthRows(moment, table).map((line) => line.split(',')[0]!);

let indexed: IndexedArchive;
beforeAll(async () => {
  indexed = await indexArchive({ backup: { path: join(demo, 'backup') }, wal: join(demo, 'wal') } as Parameters<typeof indexArchive>[0]);
});
afterAll(() => indexed.remove());

let opened: ShownScreen | undefined;
afterEach(() => opened?.close());
const open = async (at = 'latest', options: ShowOptions = {}): Promise<ShownScreen> => (opened = await show(indexed.session, { at, ...options }));

describe('the screen', () => {
  it('shows the moment, databases, tables with their fate, rows and the timeline within the terminal', async () => {
    const { shown, screen } = await open('point:before_delete');
    await screen.background.settled();
    const frame = await shown();
    const lines = frame.split('\n');
    expect(lines).toHaveLength(24);
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(100);
    expect(lines[1]).toContain('LSN 0/177AD78 · timeline 1');
    expect(frame).toMatch(/✗ coupons/);
    expect(frame).toMatch(/^ shop +│/m);
    expect(frame).toMatch(/^ postgres +│/m);
    expect(frame).toMatch(/█/);
    expect(lines[21]).toMatch(/!─*▲─.*!/);
    expect(frame).toContain('6 incidents found: i lists them');
  });

  it('starts no second worker once it has been left', async () => {
    const front = connect(indexed.session, { create: () => { throw new Error('nothing is exported'); } });
    let started = 0, ended = 0;
    const screen = new Screen({
      client: front.client, at: 'latest', database: undefined, copy: () => undefined, quit: () => void ended++,
      background: () => {
        started++;
        return front.client;
      },
    });
    screen.start({ columns: 80, rows: 24 });
    screen.press('ctrl-c');
    await screen.idle();
    await new Promise((resolve) => setImmediate(resolve));
    front.close();
    expect({ started, ended }).toEqual({ started: 0, ended: 1 });
  });

  it.each([[80, 24], [120, 40], [60, 16]])('fits a terminal of %i by %i, and one that is resized', async (columns, rows) => {
    const { press, screen, shown } = await open('point:before_delete');
    await press(':', ...typed('orders'));
    screen.resize({ columns, rows });
    const lines = (await shown()).split('\n');
    expect(lines).toHaveLength(rows);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
    expect(await press('G')).toContain('100%');
  });

  it('takes what is no command for a moment, whatever it is called', async () => {
    const { press } = await open();
    expect(await press(':', ...typed('valueOf'))).toContain('"valueOf" is not a moment');
  });

  it('shows every row in the order of COPY, from either end', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(':', ...typed('orders'));
    const ids = idsOf('before_delete', 'orders');
    const { rowsView } = screen;
    const walked: string[] = [];
    for (let last; last !== rowsView.current; await rowsView.press('j')) walked.push((last = rowsView.current)!.values[0]!);
    expect(walked).toEqual(ids);
    const back: string[] = [];
    for (let last; last !== rowsView.current; await rowsView.press('k')) back.unshift((last = rowsView.current)!.values[0]!);
    expect(back).toEqual(ids);
    await press('G', 'pageup', 'pageup');
    expect(rowsView.current!.values[0]).toBe(ids.at(-1 - 2 * (screen.bodyHeight - 1)));
    await press('g', 'pagedown');
    expect(rowsView.current!.values[0]).toBe(ids[screen.bodyHeight - 1]);
  });

  it('marks what a step did: rows about to go, rows that went, and rows that came', async () => {
    const { screen, press } = await open('point:after_delete');
    await press(':', ...typed('orders'));
    expect(screen.rowsView.rows).toHaveLength(0);
    const before = await press('[');
    expect(before).toContain('just before xid 5052 · orders: +0 ~0 -3761');
    expect(before).toMatch(/›- +6│/);
    const after = await press(']');
    expect(after).toContain('just after xid 5052 · orders: +0 ~0 -3761');
    expect(after).toMatch(/›- +6│/);
    expect(screen.rowsView.rows.every((row) => row.isGone)).toBe(true);
    const removed: string[] = [];
    await press('g');
    for (let last; last !== screen.rowsView.current; await screen.rowsView.press('j')) removed.push((last = screen.rowsView.current)!.values[0]!);
    expect(removed).toEqual(idsOf('before_delete', 'orders'));
    expect(await press('t', ...typed('before-xid:5052'), '[', ']')).toMatch(/just after xid \d+ · orders: \+\d+ ~\d+ -0/);
    const marked = screen.rowsView.rows.filter((row) => row.change !== undefined);
    expect(marked.every((row) => !row.isGone)).toBe(true);
  });

  it('stops at the DROP of a table that no record of its own shows', async () => {
    const { press, screen } = await open('point:after_delete');
    await press(':', ...typed('coupons'));
    expect(await press(']')).toContain('just after xid 5665');
    expect(await press('[')).toContain('just before xid 5665 · coupons: +0 ~0 -240');
    expect(screen.rowsView.rows.length).toBeGreaterThan(10);
  });

  it('steps among all commits while the list of tables has the focus', async () => {
    const { press } = await open('point:after_delete');
    const first = Number(/just before xid (\d+)/.exec(await press('['))![1]);
    const second = Number(/just before xid (\d+)/.exec(await press('['))![1]);
    expect(second).toBeLessThan(first);
  });

  it('filters by an expression, keeps the rows where it is none, and tells the command line', async () => {
    const { screen, press, copied } = await open('point:before_delete');
    await press(':', ...typed('orders'));
    const frame = await press('f', ...typed('total > 950 and id < 500'));
    const wanted = truthRows('before_delete', 'orders').map((line) => line.split(',')).filter((cells) => Number(cells[3]) > 950 && Number(cells[0]) < 500);
    expect(screen.rowsView.table!.count).toBe(wanted.length);
    const found = [screen.rowsView.current!.values[0]];
    while (found.length < wanted.length) {
      await screen.rowsView.press('j');
      found.push(screen.rowsView.current!.values[0]);
    }
    expect(found).toEqual(wanted.map((cells) => cells[0]));
    expect(frame).toContain('where total > 950 and id < 500');
    await press('c');
    expect(copied).toEqual([`walscope asof orders --at 0/177AD78 --where 'total > 950 and id < 500' -C ${indexed.caseDir} -d shop`]);
    const refused = await press('f', 'ctrl-u', ...typed('nonsense = 1'));
    expect(refused).toContain('! ');
    expect(refused).toContain('column "nonsense" does not exist');
    expect(screen.rowsView.filter).toContain('total');
    expect(await press('esc')).not.toContain('where');
  });

  it('answers a condition on the key through the index', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(':', ...typed('orders'), 'f', ...typed('id = 77'));
    expect(screen.rowsView.table!.count).toBe(1);
    expect(screen.rowsView.current!.values[0]).toBe('77');
  });

  it('sorts by the column under the cursor, down and up', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(':', ...typed('orders'), 'l', 'l', 'l');
    expect(screen.rowsView.tableColumn!.name).toBe('total');
    const totals = truthRows('before_delete', 'orders').map((line) => Number(line.split(',')[3])).sort((a, b) => a - b);
    expect(await press('o')).toMatch(/total↑/);
    expect(Number(screen.rowsView.current!.values[3])).toBe(totals[0]);
    expect(await press('o')).toMatch(/total↓/);
    expect(Number(screen.rowsView.current!.values[3])).toBe(totals.at(-1));
    expect(await press('o')).not.toMatch(/total[↑↓]/);
  });

  it('finds text in rows that are not yet read, on and back', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(':', ...typed('customers'));
    const rows = truthRows('before_delete', 'customers');
    const found = rows.filter((line) => line.toLowerCase().includes('okafor')).map((line) => line.split(',')[0]!);
    await press('/', ...typed('okafor'));
    const here = [screen.rowsView.current!.values[0]];
    for (let i = 1; i < found.length; i++) {
      await press('n');
      here.push(screen.rowsView.current!.values[0]);
    }
    expect(here).toEqual(found);
    await press('N');
    expect(screen.rowsView.current!.values[0]).toBe(found.at(-2));
    expect(await press('G', '/', ...typed('no such text'))).toContain('no "no such text" below');
  });

  it('refuses a moment outside the archive in a line, and stays', async () => {
    const { screen, press } = await open('point:before_delete');
    const { lsn } = screen.scene!.moment;
    expect(await press('t', ...typed('1999-01-01'))).toContain('! 1999-01-01');
    expect(screen.scene!.moment.lsn).toBe(lsn);
  });

  it('takes commands, tables and moments on its command line', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(':', 'o', 'r', 'd', 'e', 'r', 's', 'enter');
    expect(screen.pane.entry!.name).toBe('orders');
    expect(await press(':', ...typed('schema orders'))).toMatch(/orders: definition/);
    expect(await press('q', ':', ...typed('point:after_delete'))).toContain('LSN 0/192ECE8');
    expect(await press(':', ...typed('db postgres'))).toMatch(/^ postgres +│/m);
    expect(await press(':', ...typed('db shop'), ':', 's', 'c', 'h', 'tab')).toContain(':schema');
    expect(await press('esc', ':', ...typed('page orders 999'))).toContain('! orders has no block 999');
    expect(await press(':', ...typed('page public.orders 3'))).toContain('orders heap page 3 of 47');
    expect(await press('q', ':', ...typed('page no such table 3'))).toContain('! no table "no such table" at this moment');
  });

  it('scrolls by the wheel the pane that is under it, and chooses by a click', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(':', ...typed('customers'), 'mouse:65,50,10');
    expect(screen.rowsView.current!.values[0]).toBe(idsOf('before_delete', 'customers')[3]);
    await press('mouse:0,5,8');
    expect(screen.focus).toBe('tables');
    expect(screen.pane.entry!.name).toBe('order_items');
    await press('mouse:65,5,8');
    expect(screen.pane.entry!.name).toBe('payments');
  });

  it('takes what is pasted as text, and says which keys do nothing', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(':', ...typed('orders'));
    const lsn = screen.scene!.moment.lsn;
    expect(await press('paste:[[q\n')).toContain('what is pasted is taken where text is asked for');
    expect(await press('Z')).toContain('Z does nothing here; ? lists the keys');
    await press('f', 'paste:id = 7\n', 'left', 'left', 'backspace', '6', 'enter');
    expect(screen.rowsView.filter).toBe('id =67');
    expect(screen.scene!.moment.lsn).toBe(lsn);
  });

  it('goes to the rows that a step wrote, wherever they are', async () => {
    const { screen, press } = await open('xid:5037');
    await press(':', ...typed('orders'));
    expect(await press('[')).toMatch(/just before xid 5037 · orders: \+0 ~1 -0 · > goes to them/);
    await press('g', '>');
    expect(screen.rowsView.current).toMatchObject({ change: 'changed', values: expect.arrayContaining(['3714', 'packed']) as unknown });
    expect(await press('>')).toContain('no row that xid 5037 wrote below');
    expect(await press('G', '<')).not.toContain('no row');
  });

  it('copies the value under the cursor', async () => {
    const { press, copied } = await open('point:before_delete');
    await press(':', ...typed('customers'), 'l', 'y', 'Y');
    const name = truthRows('before_delete', 'customers')[0]!.split(',')[1];
    expect(copied[0]).toBe(name);
    expect(copied[1]!.split('\t')[1]).toBe(name);
  });

  it('quits', async () => {
    const { press, hasQuit } = await open('point:before_delete');
    await press('s', 'q');
    expect(hasQuit()).toBe(false);
    await press('q');
    expect(hasQuit()).toBe(true);
  });
});
