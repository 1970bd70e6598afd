/** The command line that gives what the screen shows. */
import { formatLsn } from '../util/lsn.js';
import { qualifiedName } from '../util/quote.js';
import type { Screen } from './screen.js';

/** The walscope command that prints what the screen shows now, quoted for a shell. */
export function equivalentCommand(screen: Screen): string {
  const { model, entry, view } = screen;
  const common = `-C ${shellQuote(model.caseDir)} -d ${shellQuote(model.databaseName)}`;
  const at = `--at ${formatLsn(model.moment.lsn)}`;
  if (!entry) return `walscope tables ${common} ${at}`;
  const table = shellQuote(qualifiedName(entry.schema, entry.name));
  if (view === 'diff' && screen.markA) {
    return `walscope diff ${formatLsn(screen.markA.lsn)} ${formatLsn((screen.markB ?? model.moment).lsn)} ${table} ${common}`;
  }
  const where = screen.filter === undefined ? '' : ` --where ${shellQuote(screen.filter)}`;
  return `walscope asof ${table} ${common} ${at}${where}${view === 'record' ? ' -x' : ''}`;
}

/** A word for a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
