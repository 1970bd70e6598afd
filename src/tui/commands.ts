/** The `:` line: moments as --at takes them, and commands by the names that they have on the command line. */
import { showHistory, showIncidents, showSchema, showTransaction, showUndo } from './actions.js';
import { qualifiedName } from '../util/quote.js';
import type { Screen } from './screen.js';
import { ChangedTablesView } from './views/diffViews.js';
import { ExportView } from './views/exportView.js';
import { LogView } from './views/logViews.js';
import { PageView } from './views/pageView.js';
import { TextView } from './views/listView.js';
import { own } from '../util/own.js';

/** `rest`: what follows the command's name; names may hold spaces. */
type Run = (screen: Screen, rest: string | undefined) => Promise<void> | void;

const RUNS: Record<string, Run> = {
  asof: (screen, name) => chooseTable(screen, name),
  db: (screen, name) => (name === undefined ? screen.say(`databases: ${screen.scene!.databases.join(', ')}`) : screen.useDatabase(name)),
  diff: (screen) => ChangedTablesView.open(screen),
  export: (screen) => screen.open(new ExportView(screen)),
  history: showHistory,
  incidents: showIncidents,
  log: (screen) => LogView.open(screen, true),
  page: openPage,
  quit: (screen) => screen.quit(),
  q: (screen) => screen.quit(),
  schema: async (screen, name) => {
    if (name !== undefined) await chooseTable(screen, name);
    await showSchema(screen);
  },
  show: (screen, xid) => withXid(screen, xid, showTransaction),
  status: async (screen) => screen.open(new TextView('case and index', await screen.ask('pages.status'), 'status')),
  undo: (screen, xid) => withXid(screen, xid, showUndo),
};

/** Runs what was entered: a command, a table's name, or a moment. */
export async function runCommand(screen: Screen, text: string): Promise<void> {
  const [name] = text.split(/\s/, 1) as [string];
  if (name === '') return;
  const run = own(RUNS, name);
  if (run) await run(screen, text.slice(name.length).trim() || undefined);
  else if (screen.pane.tables.some((entry) => isNamed(entry, text))) await chooseTable(screen, text);
  else await screen.goTo(text);
}

/** Completes a command's or a table's name as far as it is decided. */
export function completeCommand(screen: Screen, text: string): string {
  const last = /\S*$/.exec(text)![0];
  const before = text.slice(0, text.length - last.length);
  const tables = screen.pane.tables.map((entry) => entry.name);
  const candidates = [...new Set(before === '' ? [...Object.keys(RUNS), ...tables] : tables)].filter((name) => name.startsWith(last)).sort();
  if (candidates.length === 0) return text;
  let common = candidates[0]!;
  for (const name of candidates) while (!name.startsWith(common)) common = common.slice(0, -1);
  if (candidates.length > 1 && common === last) screen.say(candidates.join('  '));
  return `${before}${common}${candidates.length === 1 ? ' ' : ''}`;
}

function isNamed({ schema, name }: { schema: string; name: string }, text: string): boolean {
  return name === text || `${schema}.${name}` === text || qualifiedName(schema, name) === text;
}

async function chooseTable(screen: Screen, name: string | undefined): Promise<void> {
  if (name !== undefined && !screen.pane.choose((entry) => isNamed(entry, name))) return screen.say(`no table "${name}" at this moment`, true);
  screen.toRows();
  await screen.rowsView.choose();
}

async function withXid(screen: Screen, text: string | undefined, show: (screen: Screen, xid: number) => Promise<void>): Promise<void> {
  const xid = text === undefined ? screen.rowsView.stepped?.xid : /^(xid:)?\d{1,10}$/.test(text) ? Number(text.replace('xid:', '')) : undefined;
  if (xid === undefined) return screen.say('which transaction? write its xid, as in :show 812', true);
  await show(screen, xid);
}

async function openPage(screen: Screen, rest = ''): Promise<void> {
  const [, name = '', block = '0'] = /^(.*?)\s*(?:(?<=^|\s)(\d+))?$/.exec(rest)!;
  if (name !== '' && !screen.pane.choose((entry) => isNamed(entry, name))) return screen.say(`no table "${name}" at this moment`, true);
  const { entry } = screen.pane;
  if (!entry) return screen.say('write :page TABLE BLOCK', true);
  await PageView.open(screen, entry.oid, Number(block), undefined);
}
