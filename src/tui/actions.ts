/** Keys that do the same whatever is shown. */
import { formatLsn } from '../util/lsn.js';
import { shellQuote } from '../util/shell.js';
import { completeCommand, runCommand } from './commands.js';
import { HELP_LINES } from './help.js';
import { Prompt } from './prompt.js';
import type { Direction, GridRow } from './protocol.js';
import type { Screen } from './screen.js';
import { ChangedTablesView, DiffView } from './views/diffViews.js';
import { ExportView } from './views/exportView.js';
import { GridListView } from './views/gridListView.js';
import { TextView } from './views/listView.js';
import { IncidentsView, LogView } from './views/logViews.js';
import { PageView } from './views/pageView.js';
import { RecordView } from './views/recordView.js';
import { ScriptView, TransactionView } from './views/transactionViews.js';

export type Action = (screen: Screen) => Promise<void> | void;

const ACTIONS: Record<string, Action> = {
  '?': (screen) => screen.open(new TextView('keys', HELP_LINES, '--help')),
  t: (screen) => ask(screen, 'time', 'go to: ', (text) => screen.goTo(text), 'a time, LSN, xid:N, before-xid:N, point:NAME, earliest, -10m'),
  f: (screen) => {
    screen.prompt = new Prompt({ kind: 'filter', label: 'where: ', hint: 'an expression as in WHERE, none for all rows', text: screen.rowsView.filter, done: async (text) => {
      screen.toRows();
      await screen.rowsView.filterBy(text);
    } });
  },
  '/': (screen) => ask(screen, 'search', 'find: ', (text) => {
    screen.searched = text;
    return search(screen, 'next');
  }),
  n: (screen) => search(screen, 'next'),
  N: (screen) => search(screen, 'previous'),
  ':': (screen) => {
    screen.prompt = new Prompt({ kind: 'command', label: ':', complete: (text) => completeCommand(screen, text), done: (text) => runCommand(screen, text) });
  },
  '[': (screen) => screen.step('previous'),
  ']': (screen) => screen.step('next'),
  '{': (screen) => stepIncident(screen, 'previous'),
  '}': (screen) => stepIncident(screen, 'next'),
  m: mark,
  d: diff,
  s: showSchema,
  x: showRecord,
  enter: showRecord,
  r: showHistory,
  w: async (screen) => {
    const row = await rowUnder(screen);
    if (row) await showTransaction(screen, row.xmin);
  },
  p: showPage,
  u: undo,
  e: (screen) => screen.open(new ExportView(screen)),
  y: (screen) => copy(screen, screen.view.value?.()),
  Y: (screen) => copy(screen, screen.view.row ? screen.view.row()?.map((value) => value ?? '\\N').join('\t') : screen.view.value?.()),
  c: (screen) => {
    const command = screen.view.command();
    const database = OF_ALL_DATABASES.test(command) ? '' : ` -d ${shellQuote(screen.scene!.database)}`;
    const text = `walscope ${command} -C ${shellQuote(screen.caseInfo!.caseDir)}${database}`;
    screen.options.copy(text);
    screen.say(text);
  },
  i: showIncidents,
  L: (screen) => LogView.open(screen, false),
  S: async (screen) => screen.open(new TextView('case and index', await screen.ask('pages.status'), 'status')),
  tab: (screen) => {
    if (!screen.view.isWide) screen.focus = screen.focus === 'tables' ? 'main' : 'tables';
  },
};

/** Commands whose answer is of the whole cluster. */
const OF_ALL_DATABASES = /^(incidents|log|show|status|--help)\b/;

/** What a key does that no view claims; undefined: nothing. While the list of tables has the keys, Enter is its own. */
export function actionFor(key: string): Action | undefined {
  const action = ACTIONS[key];
  if (key !== 'enter' || !action) return action;
  return (screen) => (screen.focus === 'main' ? action(screen) : screen.enterTables());
}

function ask(screen: Screen, kind: string, label: string, done: (text: string) => Promise<void> | void, hint?: string): void {
  screen.prompt = new Prompt({ kind, label, hint, done: (text) => (text === '' ? undefined : done(text)) });
}

async function search(screen: Screen, direction: Direction): Promise<void> {
  const { searched, view } = screen;
  if (searched === undefined) return screen.say('find something first, with /', true);
  if (!await view.find?.(searched, direction)) screen.say(`no "${searched}" ${direction === 'next' ? 'below' : 'above'}`);
}

function mark(screen: Screen): void {
  const { moment } = screen.scene!;
  if (!screen.markA || screen.markB) {
    screen.markA = moment;
    screen.markB = undefined;
    return screen.say(`mark A at LSN ${formatLsn(moment.lsn)}: go elsewhere, then d compares A with that moment, or m sets mark B`);
  }
  screen.markB = moment;
  screen.say(`mark B at LSN ${formatLsn(moment.lsn)}: d shows what changed from A to B`);
}

async function diff(screen: Screen): Promise<void> {
  if (!screen.markA) return screen.say('mark a moment with m first; d compares it with mark B, or with the moment shown', true);
  const { entry } = screen.pane;
  if (screen.focus === 'tables' || !entry || screen.view instanceof DiffView || screen.view instanceof ChangedTablesView) await ChangedTablesView.open(screen);
  else await DiffView.open(screen, entry.oid, entry.name);
}

/** Shows the definition of the table chosen. */
export async function showSchema(screen: Screen): Promise<void> {
  const { entry } = screen.pane;
  if (!entry || entry.fate === 'created later') return screen.say('no such table at this moment', true);
  const lines = await screen.ask('pages.schema', screen.scene!.moment.lsn, screen.scene!.database, entry.oid);
  screen.open(new TextView(`${entry.name}: definition`, lines, `schema ${screen.tableWord()} ${screen.atOption()}`, false));
}

async function showRecord(screen: Screen): Promise<void> {
  if (await rowUnder(screen)) screen.open(new RecordView(screen));
}

/** Shows every version of the row under the cursor. */
export async function showHistory(screen: Screen): Promise<void> {
  const { rowsView, scene, pane } = screen;
  if (!await rowUnder(screen) || !pane.entry) return;
  const { key } = rowsView;
  const answer = await screen.ask('transactions.history', scene!.moment.lsn, scene!.database, pane.entry.oid, key);
  // as --key reads a list
  const word = key.map((value) => (value !== null && /[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value ?? '')).join(',');
  screen.open(new GridListView(screen, `${pane.entry.name} ${word}: ${answer.rows.length} version${answer.rows.length === 1 ? '' : 's'}`, answer, `history ${screen.tableWord()} --key ${shellQuote(word)}`));
  for (const notice of answer.notices) screen.say(notice);
}

/** Shows what a transaction did. */
export async function showTransaction(screen: Screen, xid: number): Promise<void> {
  const info = await screen.ask('transactions.transaction', xid);
  screen.open(new TransactionView(screen, info));
  screen.tellFindings(info.findings);
}

/** Shows the script that reverts a transaction. */
export async function showUndo(screen: Screen, xid: number): Promise<void> {
  const { lines, isCut, findings } = await screen.ask('transactions.undo', xid);
  screen.open(new ScriptView(xid, lines, isCut));
  screen.tellFindings(findings);
}

async function undo(screen: Screen): Promise<void> {
  const { view, rowsView } = screen;
  const xid = view instanceof TransactionView || view instanceof IncidentsView || view instanceof LogView ? view.xid : rowsView.stepped?.xid;
  if (xid === undefined) return screen.say('which transaction? step to one with [ ] or { }, or choose one in the log (L) or among the incidents (i)', true);
  await showUndo(screen, xid);
}

async function showPage(screen: Screen): Promise<void> {
  const row = await rowUnder(screen);
  if (row) await PageView.open(screen, row.oid, row.block, row.offnum);
}

/** The row of the table that the cursor stands on; says so where it stands on none. */
async function rowUnder(screen: Screen): Promise<GridRow | undefined> {
  const { view, rowsView } = screen;
  if (rowsView.isStale) await rowsView.refresh(); // the rows of this moment, not those of the last that was shown
  const row = view === rowsView || view instanceof RecordView ? rowsView.current : undefined;
  if (!row) screen.say('no row of a table under the cursor', true);
  return row;
}

function copy(screen: Screen, value: string | null | undefined): void {
  if (value === undefined) return screen.say('nothing under the cursor', true);
  if (value === null) return screen.say('NULL is not copied', true);
  screen.options.copy(value);
  screen.say(`copied: ${value}`);
}

/** Lists the incidents, once they are found. */
export async function showIncidents(screen: Screen): Promise<void> {
  await incidentsFound(screen);
  screen.open(new IncidentsView(screen, screen.background.incidents ?? []));
  screen.tellFindings(screen.background.findings);
}

async function incidentsFound(screen: Screen): Promise<void> {
  screen.progress = { text: 'looking for incidents', done: 0, total: 0 };
  await screen.waitFor(screen.background.settled());
}

async function stepIncident(screen: Screen, direction: Direction): Promise<void> {
  await incidentsFound(screen);
  const at = screen.scene!.moment.lsn;
  const incidents = screen.background.inTime();
  const found = direction === 'previous' ? incidents.findLast((incident) => incident.lsn < at) : incidents.find((incident) => incident.lsn > at);
  if (!found) return screen.say(incidents.length === 0 ? 'nothing that looks like an incident' : `no ${direction} incident`);
  // several tables may have suffered from one transaction: the worst is shown
  const worst = screen.background.incidents!.find((incident) => incident.lsn === found.lsn)!;
  await screen.goToJustBefore(worst.xid, worst.before, worst.database, worst.oid);
  screen.say(`just before ${[worst.title, worst.extent].filter((part) => part !== '').join(' · ')} · xid ${worst.xid} · ${worst.timeText}`);
}
