/** walscope diff: what changed between two moments, row by row, table by table, or page by page. */
import { colourWanted } from '../output/colour.js';
import { diffStat, diffWriter, type Change, type DiffCounts, type DiffWriter } from '../output/diffText.js';
import type { Format } from '../output/rowWriter.js';
import { escapeForTerminal } from '../output/terminalText.js';
import { writeScript } from '../output/scriptText.js';
import { coveredParts } from '../query/databaseAt.js';
import { changedBlocks, diffTable, type TableDiff } from '../query/diff.js';
import { countDiffs } from '../query/diffCounts.js';
import type { DiffSides } from '../query/diffSpan.js';
import type { Moment } from '../query/moment.js';
import { diffScript } from '../query/revert.js';
import { Findings } from '../query/session.js';
import type { OnConflict } from '../query/sqlScript.js';
import { heldPairs, namedPairs, type RelationPair } from '../query/tablePairs.js';
import { prepareVirtualColumns } from '../query/virtualColumns.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { qualifiedName } from '../util/quote.js';
import { splitList } from './asof.js';
import { showSchemaDiff } from './diffSchema.js';
import { DataOutput, echoMoment, formatOf, openRows, notice, openSession, reportFindings, type CommonOptions } from './context.js';

export interface DiffCommandOptions extends CommonOptions {
  stat?: boolean;
  pages?: boolean;
  schema?: boolean;
  ddl?: boolean;
  columns?: string;
  only?: boolean;
  filter?: string;
  exitCode?: boolean;
  sql?: boolean;
  onConflict?: OnConflict;
}

const CHANGES: readonly Change[] = ['added', 'removed', 'changed'];
const DIFFERENT = 1;

export async function diffCommand(from: string, to: string, tables: string[], options: DiffCommandOptions): Promise<number> {
  const wanted = parseFilter(options.filter);
  const format = formatOf(options);
  refuseContradictions(tables, options, format);
  const session = openSession(options);
  const moments = [session.moment(from), session.moment(to)];
  for (const moment of moments) echoMoment(moment);
  const [before, after] = moments.map((moment) => session.database(moment, options.dbname));
  const sides: DiffSides = { before: before!, after: after! };
  await prepareVirtualColumns(session, before, after);
  const output = new DataOutput(options.output, sides.after.encoding.outputCharset);
  const findings = new Findings();
  const pairs = (): RelationPair[] => (tables.length > 0 ? namedPairs(sides, tables, findings, options.only) : heldPairs(sides, findings));
  const colour = colourWanted(options.color ?? 'auto', output.forTerminal);
  let differs: boolean;
  if (options.schema) {
    differs = showSchemaDiff(sides, tables, options, output);
  } else if (options.sql) {
    const chosen = pairs();
    const changes = writeScript(diffScript(sides, chosen, findings, options.onConflict), (text) => output.write(text));
    differs = changes > 0 || chosen.some((pair) => !pair.before || !pair.after);
  } else if (options.pages) {
    const [since, until] = moments.sort((a, b) => a.lsn - b.lsn) as [Moment, Moment];
    // no record names the pages that changed in a gap
    Array.from(coveredParts(session, { since, until }, findings));
    differs = showPages(sides, pairs(), options, output);
  } else {
    const columns = options.columns === undefined ? undefined : splitList(options.columns);
    const chosen = pairs(), diffOf = (pair: RelationPair): TableDiff => diffTable(sides, pair, findings, columns);
    const counts = (options.stat ? tableCounts(chosen.map(diffOf), wanted) : showTables(chosen, diffOf, wanted, diffWriter(format, output.write, { forTerminal: output.forTerminal, colour }), output))
      .filter((t) => t.added + t.removed + t.changed > 0);
    differs = counts.length > 0;
    if (options.stat) showStat(counts, options, output, colour);
  }
  output.end();
  for (const text of session.notices) notice(text);
  const code = reportFindings(findings.list);
  return code === ExitCode.done && options.exitCode && differs ? DIFFERENT : code;
}

/** Options that have no say in the form that was chosen. */
function refuseContradictions(tables: readonly string[], options: DiffCommandOptions, format: Format): void {
  const refuse = (message: string, hint = 'choose one'): never => {
    throw new WalscopeError('usage.diff', message, { exitCode: ExitCode.usage, hint });
  };
  const forms = (['stat', 'pages', 'schema', 'sql'] as const).filter((form) => options[form]);
  if (forms.length > 1) refuse(`--${forms[0]} and --${forms[1]} exclude each other`);
  if (options.ddl && !options.schema) refuse('--ddl needs --schema', 'write walscope diff --schema --ddl FROM TO');
  const form = forms[0];
  if (options.only && (tables.length === 0 || form === 'schema')) refuse('--only goes with the rows of tables named', 'name the tables, or leave it out');
  if (options.onConflict !== undefined && form !== 'sql') refuse('--on-conflict needs --sql', 'write walscope diff --sql FROM TO');
  if (form === undefined) return;
  const ofRows = options.columns !== undefined ? '--columns' : options.filter !== undefined ? '--filter' : undefined;
  if (form !== 'stat' && ofRows) refuse(`--${form} goes without ${ofRows}`, `leave ${ofRows} out`);
  if ((form === 'sql' || options.ddl) && format !== 'table') refuse(`SQL is not written as ${format}`, 'leave the format out');
}

function parseFilter(text: string | undefined): ReadonlySet<Change> {
  if (text === undefined) return new Set(CHANGES);
  return new Set(splitList(text).map((name) => {
    const change = CHANGES.find((known) => known === name);
    if (!change) throw new WalscopeError('usage.filter', `unknown change "${name}"`, { exitCode: ExitCode.usage, hint: 'use added, removed or changed, several separated by commas' });
    return change;
  }));
}

function tableCounts(diffs: readonly TableDiff[], wanted: ReadonlySet<Change>): DiffCounts[] {
  return countDiffs(diffs).map((counts, i) => {
    const { schema, name } = diffs[i]!;
    for (const change of CHANGES) if (!wanted.has(change)) counts[change] = 0;
    return { table: qualifiedName(schema, name), ...counts };
  });
}

/** Writes the tables' changes; a heading comes with the first of each. */
function showTables(pairs: readonly RelationPair[], diffOf: (pair: RelationPair) => TableDiff, wanted: ReadonlySet<Change>, writer: DiffWriter, output: DataOutput): DiffCounts[] {
  const all = pairs.map((pair) => {
    const diff = diffOf(pair);
    const table = qualifiedName(diff.schema, diff.name);
    const counts: DiffCounts = { table, added: 0, removed: 0, changed: 0 };
    let begun = false;
    diff.rows(({ change, before, after }) => {
      if (!wanted.has(change)) return true;
      counts[change]++;
      if (!begun) writer.begin({ table, columns: diff.columns, key: diff.key, note: diff.only === undefined ? '' : diff.only === 'before' ? ' (dropped in between)' : ' (created in between)' });
      begun = true;
      writer.change(change, before, after);
      return !output.isClosed;
    });
    if (begun) writer.end();
    return counts;
  });
  writer.finish();
  return all;
}

function showStat(counts: DiffCounts[], options: DiffCommandOptions, output: DataOutput, colour: boolean): void {
  if (formatOf(options) === 'table') {
    output.write(diffStat(counts.map((t) => ({ ...t, table: output.forTerminal ? escapeForTerminal(t.table) : t.table })), colour));
    return;
  }
  const int8 = (name: string) => ({ name, typeName: 'int4' });
  const writer = openRows(options, [{ name: 'table', typeName: 'text' }, int8('added'), int8('removed'), int8('changed')], output, 'diff');
  for (const t of counts) writer.row([t.table, String(t.added), String(t.removed), String(t.changed)]);
  writer.end();
}

function showPages(sides: DiffSides, pairs: RelationPair[], options: DiffCommandOptions, output: DataOutput): boolean {
  const columns = [['table', 'text'], ['block', 'int4'], ['records', 'int4'], ['first_lsn', 'pg_lsn'], ['last_lsn', 'pg_lsn']] as const;
  const writer = openRows(options, columns.map(([name, typeName]) => ({ name, typeName })), output, 'diff');
  let any = false;
  for (const pair of pairs) {
    const [database, relation] = pair.after ? [sides.after, pair.after] : [sides.before, pair.before!];
    const table = qualifiedName(database.catalog.schemaOf(relation), relation.name);
    for (const { block, records, firstLsn, lastLsn } of changedBlocks(sides, pair)) {
      any = true;
      writer.row([table, String(block), String(records), formatLsn(firstLsn), formatLsn(lastLsn)]);
    }
  }
  writer.end();
  return any;
}
