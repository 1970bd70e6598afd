/** walscope tui in a real terminal (tmux) over the demo archive: through an incident in few keys, golden panes, and the terminal as it was afterwards. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOut } from '../../fixtures/postgres/copy.js';
import { buildCli, ROOT, walscope } from '../support/cli.js';
import { DEMO, recoverDemo } from '../support/plainDemo.js';
import { runPsql } from '../support/psqlScript.js';
import { endPanes, TmuxPane } from '../support/tmuxPane.js';

const GOLDEN = join(ROOT, 'test', 'tui', 'golden');
// eslint-disable-next-line no-control-regex -- colours are what is looked for
const COLOUR = /\u001b\[(\d+;)*(3[0-8]|9[0-7])[;m]/;
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

let folder: string;
let caseDir: string;
beforeAll(() => {
  buildCli();
  folder = mkdtempSync(join(tmpdir(), 'walscope-tui-'));
  caseDir = join(folder, 'shop');
  const run = walscope(['index', '--backup', join(DEMO, 'backup'), '--wal', join(DEMO, 'wal'), '-C', caseDir]);
  if (run.code !== 0) throw new Error(run.err);
});
afterAll(() => {
  endPanes();
  rmSync(folder, { recursive: true, force: true });
});

function open(name: string, { env = '', args = '', columns = 80, rows = 24 } = {}): TmuxPane {
  return new TmuxPane(name, `cd ${quoted(folder)}; ${env} ${quoted(process.execPath)} ${quoted(join(ROOT, 'bin', 'walscope.js'))} tui -C ${quoted(caseDir)} ${args}`, columns, rows);
}

/** The rows of a table just before the DELETE, sorted. */
function truthRows(table: string): string[] {
  return readFileSync(join(DEMO, 'truth', 'before_delete', `${table}.csv`), 'utf8').trimEnd().split('\n').slice(1).sort();
}

/** Compares a pane with its file; UPDATE_GOLDEN=1 writes it anew. */
function expectGolden(name: string, pane: string): void {
  const file = join(GOLDEN, `${name}.txt`);
  if (process.env['UPDATE_GOLDEN']) writeFileSync(file, pane);
  expect(pane).toBe(readFileSync(file, 'utf8'));
}

describe('walscope tui in a terminal', () => {
  it('leads from a fresh case to the repair script for the DELETE in eight keys; run on a server, it gives the rows back', async () => {
    const pane = open('story');
    let pressed = 0;
    const press = async (key: string, wanted: RegExp): Promise<string> => {
      pane.keys(key);
      pressed++;
      return pane.until(wanted);
    };
    expectGolden('start', await pane.until(/6 incidents found/));
    expect(pane.format('#{alternate_on}')).toBe('1');
    expectGolden('incidents', await press('i', /› DELETE order_items/));
    const before = await press('Enter', /just before xid 5052: m marks/);
    expectGolden('before-delete', before);
    const shown = [...before.matchAll(/│[› ]- +(\d+)│ +(\d+)│/g)].map((match) => `${match[1]},${match[2]}`);
    const truth = walscope(['asof', 'order_items', '-C', caseDir, '--at', 'before-xid:5052', '--csv', '--columns', 'order_id,line', '--limit', String(shown.length)]);
    expect(shown).toHaveLength(16);
    expect(shown).toEqual(truth.out.trim().split('\n').slice(1));
    await press('m', /mark A at LSN 0\/1924D60/);
    await press(']', /just after xid 5052 · order_items: \+0 ~0 -9440/);
    expectGolden('diff', await press('d', /order_items: 0 added, 0 changed, 9440 removed/));
    await press('e', /› repair script/);
    await press('Enter', /write to: repair\.sql/);
    await press('Enter', /wrote .*/);
    expect(pressed).toBeLessThanOrEqual(12);
    const server = await recoverDemo({ xid: 5052 });
    try {
      for (const table of ['orders', 'order_items', 'payments']) expect(await server.sql(`SELECT FROM ${table}`, 'shop'), table).not.toHaveLength(truthRows(table).length);
      runPsql(server, 'shop', readFileSync(join(folder, 'repair.sql'), 'utf8'));
      for (const table of ['orders', 'order_items', 'payments']) {
        const rows = (await server.session('shop', (client) => copyOut(client, `COPY ${table} TO STDOUT (FORMAT csv)`))).toString('utf8').trimEnd().split('\n');
        expect(rows.sort(), table).toEqual(truthRows(table));
      }
    } finally {
      await server.destroy();
    }
    pane.resize(100, 30);
    await pane.until(/^(.*\n){29} e export.*\? help {2}q back *\n*$/);
    pane.keys('q', 'q');
    expect(await pane.until(/EXIT 0/)).toMatch(/^BEFORE\nEXIT 0/);
    expect(pane.format('#{alternate_on} #{cursor_flag} #{mouse_any_flag}')).toBe('0 1 0');
  });

  it('shows pages, transactions, the log and the rest as they were seen to be right', async () => {
    const pane = open('views', { args: '--at before-xid:5052' });
    await pane.until(/6 incidents found/);
    pane.keys(':orders', 'Enter');
    await pane.until(/orders · 47 pages/);
    pane.keys('p');
    expectGolden('page', await pane.until(/orders heap page 0 of 47/));
    pane.keys('[');
    expectGolden('page-record-before', await pane.until(/after record 665 of 666/));
    pane.keys('q', 'r');
    expectGolden('history', await pane.until(/orders \d+: \d+ versions?/));
    pane.keys('q', ':show 5037', 'Enter');
    expectGolden('transaction', await pane.until(/xid 5037 · committed/));
    pane.keys('q', 'L');
    expectGolden('log', await pane.until(/log, newest first/));
    pane.keys('q', 's');
    expectGolden('schema', await pane.until(/orders: definition/));
    pane.keys('q', 'b');
    expectGolden('blame', await pane.until(/written +│/));
    pane.keys('b', 'x');
    expectGolden('record', await pane.until(/one row/));
    pane.keys('q', '?');
    expectGolden('help', await pane.until(/THROUGH TIME/));
  });

  it('draws without colour where NO_COLOR is set, and restores the terminal when it is terminated', async () => {
    const pane = open('plain', { env: 'NO_COLOR=1' });
    await pane.until(/█[\s\S]*\? help/);
    expect(pane.text('-e')).not.toMatch(COLOUR);
    process.kill(pane.child, 'SIGTERM');
    expect(await pane.until(/EXIT/)).toMatch(/BEFORE[\s\S]*EXIT 143/);
    expect(pane.format('#{alternate_on} #{cursor_flag} #{mouse_any_flag}')).toBe('0 1 0');
  });

  it('ends at ctrl-c while something is being read, and restores the terminal', async () => {
    const pane = open('interrupted');
    await pane.until(/› +customers[\s\S]*█/);
    expect(pane.text('-e')).toMatch(COLOUR);
    pane.keys(':show 5052', 'Enter', 'C-c');
    expect(await pane.until(/EXIT/)).toMatch(/^BEFORE\nEXIT 0/);
    expect(pane.format('#{alternate_on} #{cursor_flag} #{mouse_any_flag}')).toBe('0 1 0');
  });

  it('refuses a moment that is not covered in one line, on the terminal as it was', async () => {
    const pane = open('refused', { args: '--at 1999-01-01', columns: 200 });
    expect(await pane.until(/EXIT/)).toMatch(/BEFORE\nwalscope: 1999-01-01 .* is before the first moment that can be answered; covered: .*\nEXIT 4/);
    expect(pane.format('#{alternate_on} #{cursor_flag} #{mouse_any_flag}')).toBe('0 1 0');
  });

  it('tells a failure of its own, and restores the terminal', async () => {
    const pane = open('crash', { env: `NODE_OPTIONS=${quoted(`--import=data:text/javascript,${encodeURIComponent("if (process.argv[2] === 'tui') setTimeout(() => { throw new Error('planted') }, 3000)")}`)}` });
    expect(await pane.until(/EXIT/)).toMatch(/planted[\s\S]*EXIT [1-9]/);
    expect(pane.format('#{alternate_on} #{cursor_flag} #{mouse_any_flag}')).toBe('0 1 0');
  });

  it('asks for a terminal where there is none', () => {
    const run = walscope(['tui', '-C', caseDir]);
    expect(run.code).toBe(2);
    expect(run.err).toContain('tui needs a terminal');
  });
});
