/** The screen over the demo archive, drawn by ink without a terminal: what keys show must be what COPY showed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { render } from 'ink-testing-library';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { App } from '../../src/tui/App.js';
import { Model } from '../../src/tui/model.js';
import { painter } from '../../src/tui/paint.js';
import { Screen } from '../../src/tui/screen.js';
import { readTruth } from '../../fixtures/workloads/truth.js';
import { ROOT } from '../support/cli.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

const demo = join(ROOT, 'fixtures', 'demo');
const truthRows = (moment: string, table: string): string[] => {
  const file = readTruth(demo).moments.find((each) => each.name === moment)!.databases.shop!.tables[`public.${table}`]!.file;
  return readFileSync(join(demo, file), 'utf8').trimEnd().split(/\n(?=\d+,)/).slice(1);
};

let indexed: IndexedArchive;
beforeAll(async () => {
  indexed = await indexArchive({ backup: { path: join(demo, 'backup') }, wal: join(demo, 'wal') } as Parameters<typeof indexArchive>[0]);
});
afterAll(() => indexed.remove());

let unmount = (): void => undefined;
afterEach(() => unmount());

/** A screen at a moment; `press` gives what it shows once the keys have had their effect. */
async function open(at = 'latest', colour = false) {
  let hasQuit = false;
  const screen = new Screen(new Model(indexed.session, indexed.caseDir, at, undefined), (error) => {
    if (error !== undefined) throw error;
    hasQuit = true;
  });
  const app = render(<App screen={screen} paint={painter(colour)} />);
  unmount = app.unmount;
  await new Promise((resolve) => setTimeout(resolve, 20));
  await screen.idle();
  const shown = async (): Promise<string> => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    // eslint-disable-next-line no-control-regex -- styles are not what is compared
    return app.lastFrame()!.replace(/\u001b\[[0-9;]*m/g, '');
  };
  const press = async (...keys: string[]): Promise<string> => {
    for (const key of keys) screen.press(key);
    await screen.idle();
    return shown();
  };
  return { screen, press, shown, app, quit: () => hasQuit };
}

/** Keys that select a table by name and go to its rows. */
function select(screen: Screen, name: string): string[] {
  const by = screen.tables.findIndex((entry) => entry.name === name) - screen.selected;
  return [...Array<string>(Math.abs(by)).fill(by > 0 ? 'j' : 'k'), 'enter'];
}

const type = (text: string): string[] => [...[...text], 'enter'];

describe('the screen', () => {
  it('shows the moment, tables with their fate, rows and the timeline within the terminal', async () => {
    const { shown } = await open('point:before_delete');
    const frame = await shown();
    const lines = frame.split('\n');
    expect(lines).toHaveLength(23);
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(100);
    expect(lines[1]).toContain('LSN 0/177AD78 · timeline 1');
    expect(frame).toMatch(/✗ coupons/);
    expect(frame).toMatch(/█/);
    expect(lines[20]).toMatch(/─▲─/);
  });

  it('shows every row in the order of COPY, from either end', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(...select(screen, 'customers'));
    const ids = truthRows('before_delete', 'customers').map((line) => line.split(',')[0]);
    const seen = (): (string | null)[] => screen.rows.map((row) => row.values[0]!);
    expect(seen()).toEqual(ids.slice(0, screen.bodyHeight));
    const walked = [...seen()];
    while (walked.length < ids.length) {
      const last = screen.rows.at(-1);
      await press('pagedown');
      const from = screen.rows.indexOf(last!);
      walked.push(...screen.rows.slice(from + 1).map((row) => row.values[0]!));
      if (screen.rows.at(-1) === last) break;
    }
    expect(walked).toEqual(ids);
    await press('g', 'G');
    expect(seen()).toEqual(ids.slice(-screen.bodyHeight));
    await press('ctrl-u', 'ctrl-u', 'ctrl-u');
    expect(screen.currentRow!.values[0]).toBe(ids.at(-1 - 3 * Math.ceil(screen.bodyHeight / 2)));
  });

  it('steps from commit to commit of a table, and back to where it was', async () => {
    const { screen, press } = await open('point:after_delete');
    await press(...select(screen, 'orders'));
    expect(screen.rows).toHaveLength(0);
    const frame = await press('[');
    expect(frame).toContain('just before xid 5052 · orders: +0 ~0 -3761');
    expect(frame).toMatch(/›-\s+6│/);
    const after = await press(']');
    expect(after).toContain('just after xid 5052');
    expect(after).toContain('(0 rows)');
    expect(screen.model.moment.lsn).toBeGreaterThan(0);
  });

  it('stops at the DROP of a table that no record of its own shows', async () => {
    const { screen, press } = await open('point:after_delete');
    await press(...select(screen, 'coupons'));
    expect(await press(']')).toContain('just after xid 5665');
    expect(await press('[')).toContain('just before xid 5665 · coupons: +0 ~0 -240');
    expect(screen.rows.length).toBe(screen.bodyHeight);
  });

  it('steps among all commits while the list of tables has the focus', async () => {
    const { press } = await open('point:after_delete');
    const first = Number(/just before xid (\d+)/.exec(await press('['))![1]);
    const second = Number(/just before xid (\d+)/.exec(await press('['))![1]);
    expect(second).toBeLessThan(first);
  });

  it('filters by an expression, keeps the rows where it is none, and tells the command line', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(...select(screen, 'orders'));
    const frame = await press('/', ...type("total > 950 and id < 500"), 'G');
    const wanted = truthRows('before_delete', 'orders').map((line) => line.split(',')).filter((cells) => Number(cells[3]) > 950 && Number(cells[0]) < 500);
    expect(screen.currentRow!.values[0]).toBe(wanted.at(-1)![0]);
    expect(frame).toContain("where total > 950 and id < 500");
    expect(await press('c')).toContain("walscope asof orders -C");
    expect(screen.message).toContain("--at 0/177AD78 --where 'total > 950 and id < 500'");
    const refused = await press('/', 'ctrl-u', ...type('nonsense = 1'));
    expect(refused).toContain('! ');
    expect(refused).toContain('column "nonsense" does not exist');
    expect(screen.filter).toContain('total');
    expect(screen.rows.length).toBeGreaterThan(0);
  });

  it('compares two marked moments', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(...select(screen, 'orders'), 'm', 't', ...type('point:after_delete'), 'm');
    expect(await press('d')).toContain('orders: 0 added, 0 changed, 3761 removed');
    expect(await press('l')).toMatch(/│ - +\d+│/);
    expect(await press('c')).toMatch(/walscope diff 0\/177AD78 0\/192ECE8 orders/);
    expect(await press('esc')).toContain('(0 rows)');
  });

  it('refuses a moment outside the archive in a line, and stays', async () => {
    const { screen, press } = await open('point:before_delete');
    const { lsn } = screen.model.moment;
    expect(await press('t', ...type('1999-01-01'))).toContain('! 1999-01-01');
    expect(screen.model.moment.lsn).toBe(lsn);
  });

  it('shows one row expanded, the columns of a table, and its keys', async () => {
    const { screen, press } = await open('point:before_delete');
    await press(...select(screen, 'orders'));
    expect(await press('x')).toMatch(/status +│ /);
    expect(await press('esc', 's')).toMatch(/orders_pkey PRIMARY KEY, btree \(id\)/);
    expect(await press('?')).toContain('previous, next commit');
  });

  it('fits a terminal that was resized, and quits', async () => {
    const { screen, press, quit } = await open('point:before_delete');
    await press(...select(screen, 'orders'));
    screen.resize({ columns: 80, rows: 40 });
    const frame = await press('j');
    expect(frame.split('\n')).toHaveLength(39);
    expect(screen.rows).toHaveLength(31);
    await press('q');
    expect(quit()).toBe(true);
  });
});
