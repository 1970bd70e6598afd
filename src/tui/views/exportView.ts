/** What can be written to a file from what is shown; the likeliest first. */
import { formatLsn } from '../../util/lsn.js';
import { qualifiedName } from '../../util/quote.js';
import { Prompt } from '../prompt.js';
import type { Exported } from '../protocol.js';
import type { Screen } from '../screen.js';
import { shellQuote } from '../../util/shell.js';
import { ChangedTablesView, compared, DiffView } from './diffViews.js';
import { ListView, type Line } from './listView.js';
import { IncidentsView, LogView } from './logViews.js';
import { ScriptView, TransactionView } from './transactionViews.js';
import type { View } from './view.js';

interface Choice {
  text: string;
  path: string;
  /** The command line that writes the same. */
  command: string;
  write(path: string): Promise<Exported>;
}

export class ExportView extends ListView<Choice> {
  override readonly isWide = false;

  constructor(private readonly screen: Screen) {
    super(choices(screen, screen.view));
  }

  title(): string { return 'export'; }
  hints(): string { return 'Enter choose  c the command line that does it'; }
  command(): string { return this.current?.command ?? ''; }
  protected override get empty(): string { return 'nothing to export here'; }

  protected line(choice: Choice): Line {
    return { text: ` ${choice.text}` };
  }

  override press(key: string): Promise<boolean> | boolean {
    const choice = this.current;
    if (key !== 'enter' || !choice) return super.press(key);
    this.screen.prompt = new Prompt({ kind: 'export', label: 'write to: ', text: choice.path, done: async (path) => {
      if (path === '') return;
      const { path: written, text } = await choice.write(path);
      this.screen.close();
      this.screen.say(`wrote ${written}: ${text}`);
    } });
    return true;
  }
}

function choices(screen: Screen, view: View): Choice[] {
  if (view instanceof DiffView || view instanceof ChangedTablesView) return changesChoices(screen, view);
  const xid = view instanceof TransactionView || view instanceof ScriptView || view instanceof IncidentsView || view instanceof LogView ? view.xid : undefined;
  return [...(xid === undefined ? [] : [undoChoice(screen, xid)]), ...(xid !== undefined ? [] : rowsChoices(screen))];
}

function undoChoice(screen: Screen, xid: number): Choice {
  return { text: `SQL that undoes transaction ${xid}`, path: `undo-${xid}.sql`, command: `show ${xid} --undo -o undo-${xid}.sql`, write: (path) => screen.ask('exports.undo', path, xid) };
}

function changesChoices(screen: Screen, view: DiffView | ChangedTablesView): Choice[] {
  const { from, to } = compared(screen);
  const { database } = screen.scene!;
  const span = `${formatLsn(from.lsn)} ${formatLsn(to.lsn)}`;
  const base = { database, from: from.lsn, to: to.lsn };
  const all: Choice = { text: 'repair script: SQL that turns every table back into what it was at A', path: 'repair.sql', command: `diff ${span} --sql -o repair.sql`, write: (path) => screen.ask('exports.repair', path, { ...base, oid: undefined }) };
  const json: Choice = { text: 'the changes of every table as JSON', path: 'changes.json', command: `diff ${span} --json -o changes.json`, write: (path) => screen.ask('exports.changes', path, 'json', { ...base, oid: undefined }) };
  if (!(view instanceof DiffView)) return [all, json];
  const oid = view.tableOid;
  const entry = screen.pane.tables.find((each) => each.oid === oid);
  const name = entry?.name ?? `oid-${oid}`;
  const word = entry ? shellQuote(qualifiedName(entry.schema, entry.name)) : `oid:${oid}`;
  return [
    all,
    { text: `repair script for ${name} alone`, path: `repair-${fileName(name)}.sql`, command: `diff ${span} ${word} --sql -o repair-${fileName(name)}.sql`, write: (path) => screen.ask('exports.repair', path, { ...base, oid }) },
    { text: `the changes of ${name} as CSV`, path: `changes-${fileName(name)}.csv`, command: `diff ${span} ${word} --csv -o changes-${fileName(name)}.csv`, write: (path) => screen.ask('exports.changes', path, 'csv', { ...base, oid }) },
    json,
  ];
}

function rowsChoices(screen: Screen): Choice[] {
  const { rowsView, scene } = screen;
  const { entry } = screen.pane;
  if (!entry || !rowsView.table || !scene) return [];
  const rows = { lsn: scene.moment.lsn, database: scene.database, oid: entry.oid, where: rowsView.filter };
  const kept = rowsView.filter === undefined ? '' : ' that pass the filter';
  const stem = fileName(entry.name);
  const asof = rowsView.command().replace(/^blame /, 'asof ');
  const format = (name: 'csv' | 'copy' | 'insert' | 'json', title: string, ending: string): Choice => ({
    text: `the rows${kept} as ${title}`, path: `${stem}.${ending}`, command: `${asof} --format ${name} -o ${stem}.${ending}`, write: (path) => screen.ask('exports.rows', path, name, rows),
  });
  const { stepped } = rowsView;
  return [
    ...(stepped ? [undoChoice(screen, stepped.xid)] : []),
    ...(rowsView.filter === undefined ? [{ text: `script that brings ${entry.name} back as it is here`, path: `restore-${stem}.sql`, command: `restore ${screen.tableWord()} ${screen.atOption()} -o restore-${stem}.sql`, write: (path: string) => screen.ask('exports.restore', path, rows) }] : []),
    format('csv', 'CSV', 'csv'), format('copy', 'COPY text', 'copy'), format('insert', 'INSERT statements', 'sql'), format('json', 'JSON', 'json'),
  ];
}

/** A name as part of a file's. */
function fileName(name: string): string {
  return name.replace(/[^\w.-]+/g, '_');
}
