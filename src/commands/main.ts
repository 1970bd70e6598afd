/** The command line: options and help here, work in one file a command. Everything heavy is imported where it is used. */
import { Command, CommanderError, Option } from 'commander';
import type { IndexThread } from '../store/indexThreads.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { RELATIVE_MOMENT } from '../util/pgTime.js';
import { EXAMPLES } from './examples.js';
import { paging } from './pager.js';
import { VERSION } from './version.js';

type Action = (...args: never[]) => Promise<number>;

/** Builds the program; `done` receives the exit code of the command that ran. */
function buildProgram(done: (code: number) => void, threads: readonly IndexThread[]): Command {
  const program = new Command('walscope')
    .description("Time travel over PostgreSQL's archived WAL and base backups, with no running server.")
    .version(VERSION, '-V, --version')
    .option('--debug', 'add the stack trace to an error')
    .addOption(new Option('--color <when>', 'colour: auto, always or never').choices(['auto', 'always', 'never']).default('auto'))
    .option('--no-pager', 'never through a pager')
    .option('--log-query', "append this command to the case's query log; from then on every command is")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(usageLine(text)) })
    .showSuggestionAfterError(true)
    .exitOverride();
  // where to look may also stand before the command, as with git -C
  for (const flags of ['-C, --case <dir>', '-d, --dbname <name>', '--at <moment>', '--tz <zone>']) program.addOption(new Option(flags).hideHelp());

  /** The program takes these anywhere, so that they may stand first; a command that has no use for one must not pass over it. */
  const refuseUnused = (command: Command): void => {
    const unused = program.options.find((option) => option.hidden && program.getOptionValue(option.attributeName()) !== undefined && !command.options.some((own) => own.long === option.long));
    if (unused) throw new WalscopeError('usage.option', `${command.name()} takes no ${unused.long}`, { exitCode: ExitCode.usage, hint: `see walscope help ${command.name()}` });
  };

  const run = (load: () => Promise<Action>) => async (...args: unknown[]): Promise<void> => {
    const action = await load();
    // commander passes (arguments…, options, command); the command knows the program's options too
    const command = args.at(-1) as Command;
    refuseUnused(command);
    paging.enabled = (command.optsWithGlobals() as { pager?: boolean }).pager !== false;
    done(await action(...([...args.slice(0, -2), command.optsWithGlobals()] as never[])));
  };

  const inCase = (command: Command): Command => command
    .option('-C, --case <dir>', 'case directory that holds the index (default: $WALSCOPE_CASE, else the nearest .walscope upward)');
  const withData = (command: Command): Command => command
    .option('--format <format>', 'table, expanded, csv, json, jsonl, copy or insert')
    .option('-x, --expanded', 'expanded, like psql -x')
    .option('--csv', 'CSV as COPY writes it')
    .option('--json', 'one JSON array')
    .option('--jsonl', 'one JSON object a line')
    .option('-o, --output <file>', 'write the data to a file');
  const onConflict = (): Option => new Option('--on-conflict <action>', 'rows whose key is there already: nothing leaves them alone, update gives them the values of then (default: an error)').choices(['nothing', 'update']);
  const atMoment = (command: Command): Command => inCase(command)
    .option('-d, --dbname <name>', 'database (default: the only one with user tables)')
    .option('--at <moment>', "a time, an LSN, xid:N, before-xid:N, point:NAME, earliest, latest or -10m (default: latest)")
    .option('--tz <zone>', 'time zone of times without one, and of the output (default: UTC)');

  /** A command whose arguments are moments takes `-10m` for one, not for an unknown option: the blank before it passes unnoticed where it is read. */
  const withMoments = (command: Command): Command => {
    const parse = command.parseOptions.bind(command);
    command.parseOptions = (args) => parse(args.map((word) => (RELATIVE_MOMENT.test(word) ? ` ${word}` : word)));
    return command;
  };

  inCase(program.command('index'))
    .description('build or extend the index; run again to resume or to take new segments in')
    .option('--backup <path...>', 'base backup: a directory or a tar')
    .option('--wal <path...>', 'WAL archive directory')
    .option('--only <name...>', 'index these databases, schemas or tables only, with what they need: DB, DB.SCHEMA or DB.SCHEMA.TABLE; later: track, untrack')
    .option('--wal-store <form>', 'reference: the WAL stays in the archive; pack: the case holds it, and the archive may go; auto: pack what is compressed (default: as before, auto in a new case)')
    .option('--shard <i/n>', 'build part i of n alone, into -C, a directory of its own: see --merge')
    .option('--merge <dir...>', 'make the case of all n parts, with the same bytes as one run (docs/parallel.md)')
    .option('--repair', 'read every block of the index, and rebuild what is damaged from the archive')
    .option('--follow', 'go on: take new segments in as they arrive, until ^C')
    .option('--interval <seconds>', 'with --follow, between two looks at the archive where the file system does not tell of changes (default: 5)')
    .option('--memory <size>', 'memory budget (default: 512MB)')
    .option('--jobs <n>', 'worker threads (default: one a core, at most 4)')
    .addOption(new Option('--progress', 'print progress lines even where stderr is no terminal'))
    .action(run(async () => {
      const { indexCommand } = await import('./index.js');
      return (options) => indexCommand(options, threads);
    }));

  inCase(program.command('status'))
    .description('backups, WAL ranges, gaps, first and last moment, sizes, databases')
    .option('--tz <zone>', 'time zone of the output (default: UTC)')
    .option('--json', 'as JSON')
    .option('-o, --output <file>', 'write the report to a file')
    .action(run(async () => (await import('./status.js')).statusCommand));

  withData(atMoment(program.command('tables')))
    .description("relations as of a moment, like psql's \\dt+")
    .argument('[pattern]', 'name pattern: * and ? as in psql')
    .option('--all', 'system catalogs too')
    .option('--count', 'count the rows')
    .action(run(async () => (await import('./tables.js')).tablesCommand));

  withData(atMoment(program.command('asof')))
    .description('rows of a table as of a moment')
    .argument('[table]', 'orders, shop.orders, "Odd Name", oid:16385 or filenode:16402')
    .option('--where <expr>', "a condition in PostgreSQL's syntax")
    .option('--key <values>', 'values of the primary key, separated by commas, or of the column of the only hash index: read through the index')
    .option('--columns <names>', 'only these columns, separated by commas')
    .option('--limit <n>', 'at most this many rows')
    .option('--large-object <oid>', 'the bytes of a large object, instead of a table')
    .option('--system', 'ctid, xmin, xmax and when they committed')
    .option('--only', 'without the rows of children, as SELECT … FROM ONLY')
    .option('--deleted', 'instead of the rows: dead versions that are still on the pages, with the transaction that killed each')
    .option('--dropped-columns', 'dropped columns too, by their former type where the archive has it')
    .option('--explain', 'show how the rows are found')
    .option('--timing', 'show time, pages read and records replayed')
    .action(run(async () => (await import('./asof.js')).asofCommand));

  withMoments(atMoment(program.command('page')))
    .description('a page as of a moment: header, line pointers, tuples or index items')
    .argument('<relation>', 'a table or an index')
    .argument('<block>', 'block number, from 0')
    .option('--fork <fork>', 'main, fsm, vm or init', 'main')
    .option('--hex', 'a dump as hexdump -C prints it')
    .option('--raw', 'the 8192 bytes themselves')
    .option('--chain', 'the WAL records that made the page, as pg_waldump prints them, oldest first')
    .option('--lsn-diff <moments...>', 'two LSNs: which bytes of the page changed between them')
    .option('--json', 'as JSON')
    .option('-o, --output <file>', 'write the data to a file')
    .action(run(async () => (await import('./page.js')).pageCommand));

  withMoments(withData(inCase(program.command('diff'))))
    .description('rows added, removed and changed between two moments, by primary key where there is one')
    .argument('<from>', 'the first moment, as --at takes it')
    .argument('<to>', 'the second moment')
    .argument('[tables...]', 'only these tables, with their partitions and children (default: all user tables)')
    .option('-d, --dbname <name>', 'database (default: the only one with user tables)')
    .option('--tz <zone>', 'time zone of times without one, and of the output (default: UTC)')
    .option('--stat', 'a line a table, as git diff --stat')
    .option('--pages', 'the blocks that changed')
    .option('--sql', 'as SQL that turns the tables of the second moment back into those of the first')
    .addOption(onConflict())
    .option('--schema', 'definitions instead of rows: tables, columns, constraints, indexes, triggers, policies, types, functions')
    .option('--ddl', 'with --schema: SQL that leads from the first moment to the second')
    .option('--only', 'without the children of the tables named, as SELECT … FROM ONLY')
    .option('--columns <names>', 'compare and show only these columns, and the key')
    .option('--filter <changes>', 'only added, removed or changed, separated by commas')
    .option('--exit-code', 'exit with 1 where there are differences')
    .action(run(async () => (await import('./diff.js')).diffCommand));

  atMoment(program.command('tui'))
    .description('the same questions on screen: step through time, look at rows, compare moments')
    .action(run(async () => (await import('./tui.js')).tuiCommand));

  inCase(program.command('verify'))
    .description('prove replay on this archive: against the images in its WAL and against later base backups (default: all that is there)')
    .option('--consistency-images', 'compare with the images that wal_consistency_checking put into the WAL')
    .option('--hint-images', 'compare hint-bit images with the page before them')
    .option('--against <backup>', 'compare every page of a later base backup')
    .option('--jobs <n>', 'worker threads (default: the processors that there are, 4 at most)')
    .option('--memory <size>', 'for pages in hand', '256MB')
    .option('--differences <n>', 'differences to show in full', '20')
    .option('--json', 'as JSON')
    .option('-o, --output <file>', 'write the report to a file')
    .addOption(new Option('--progress', 'print progress lines even where stderr is no terminal'))
    .action(run(async () => (await import('./verify.js')).verifyCommand));
  withData(inCase(program.command('log')))
    .description('transactions, newest first: commit time, xid, LSN, tables with row counts, schema changes')
    .option('--since <moment>', 'from this moment on (default: earliest)')
    .option('--until <moment>', 'up to this moment (default: latest)')
    .option('--table <table>', 'only transactions that changed this table, named as of then')
    .option('--xid <xid>', 'only this transaction')
    .option('--aborted', 'aborted transactions too')
    .option('--timesketch', 'as a timeline for Timesketch: JSON lines of message, datetime, timestamp, timestamp_desc')
    .option('--limit <n>', 'at most this many entries')
    .option('--tz <zone>', 'time zone of times without one, and of the output (default: UTC)')
    .action(run(async () => (await import('./log.js')).logCommand));

  atMoment(program.command('schema'))
    .description("columns, constraints, indexes, triggers and policies of a table as of a moment, like psql's \\d+")
    .argument('[table]', 'a table, view, sequence or other relation; with --ddl, none: the whole database')
    .option('--ddl', 'as SQL that creates it')
    .option('--section <part>', 'of a whole database: pre-data, which rows need, or post-data: constraints, indexes, views')
    .option('--owners', 'with --ddl: owners and privileges, too (ALTER … OWNER TO, GRANT, REVOKE), whose roles must be there: walscope schema --ddl --owners | psql fresh')
    .option('--function', "the name is a function's or procedure's: its definition")
    .option('--json', 'as JSON')
    .option('-o, --output <file>', 'write the data to a file')
    .action(run(async () => (await import('./schema.js')).schemaCommand));

  inCase(program.command('compact'))
    .description('merge layers, so that a question opens few of them, and keep images of pages with many records; index does it where it is due')
    .option('--keyframe-every <n>', 'an image of a page after so many records of it, from now on and for what is there; 0: none (default: 512)')
    .option('--pack', 'take the WAL into the case, so that the archive may go, and from now on that of new segments')
    .option('--jobs <n>', 'worker threads of --pack (default: one a core, at most 4)')
    .option('--fanout <n>', 'layers that are merged into one, from now on (default: 64)')
    .addOption(new Option('--progress', 'print progress lines even where stderr is no terminal'))
    .action(run(async () => (await import('./compact.js')).compactCommand));

  inCase(program.command('gc'))
    .description('drop old history: first the pages that later moments build on are written, then what lies before goes; the archive is untouched')
    .option('--keep <time>', 'keep so much before the latest moment: 30d, 12h, 2w')
    .option('--max-size <size>', 'keep what fits: 50GB')
    .option('--dry-run', 'only tell what would be dropped')
    .option('--tz <zone>', 'time zone of the output (default: UTC)')
    .action(run(async () => (await import('./gc.js')).gcCommand));

  withMoments(inCase(program.command('pin')))
    .description('a moment that gc keeps')
    .argument('<name>', 'its name')
    .argument('<moment>', 'as --at takes it')
    .option('--tz <zone>', 'time zone of times without one, and of the output (default: UTC)')
    .action(run(async () => (await import('./gc.js')).pinCommand));

  inCase(program.command('track'))
    .description('take more tables into an index that was made with --only; reads the WAL again where it must')
    .argument('[names...]', 'DB, DB.SCHEMA or DB.SCHEMA.TABLE')
    .option('--all', 'every table, from now on')
    .option('--jobs <n>', 'worker threads for new WAL (default: one a core, at most 4)')
    .addOption(new Option('--progress', 'print progress lines even where stderr is no terminal'))
    .action(run(async () => (await import('./track.js')).trackCommand));

  inCase(program.command('untrack'))
    .description('drop tables from an index that was made with --only')
    .argument('<names...>', 'as walscope status shows them')
    .option('--jobs <n>', 'worker threads for new WAL (default: one a core, at most 4)')
    .addOption(new Option('--progress', 'print progress lines even where stderr is no terminal'))
    .action(run(async () => (await import('./track.js')).untrackCommand));

  inCase(program.command('unpin'))
    .description('forget a pin')
    .argument('<name>', 'its name')
    .action(run(async () => (await import('./gc.js')).unpinCommand));

  withData(inCase(program.command('layers')))
    .description('what the layer files and packed WAL hold: LSN range, records, keys, bytes a section; one of them in full')
    .argument('[layer]', 'a layer or pack file by name: everything in it')
    .option('--records <from..to>', 'the WAL records of a range, as pg_waldump prints them')
    .option('--verify', 'read every block and check it')
    .option('--tz <zone>', 'time zone of times without one, and of the output (default: UTC)')
    .action(run(async () => (await import('./layers.js')).layersCommand));
  withData(inCase(program.command('show')))
    .description('what a transaction did, row by row, before and after; schema changes in words')
    .argument('<xid>', 'transaction id, also of a subtransaction')
    .option('--undo', 'SQL that reverts it, in one transaction')
    .addOption(onConflict())
    .option('--tz <zone>', 'time zone of the output (default: UTC)')
    .action(run(async () => (await import('./show.js')).showCommand));

  withData(inCase(program.command('incidents')))
    .description('large deletes and updates, DROP, TRUNCATE, mass rewrites, bursts of aborts: the worst first, with the moment just before')
    .option('--since <moment>', 'from this moment on (default: earliest)')
    .option('--until <moment>', 'up to this moment (default: latest)')
    .option('--limit <n>', 'at most this many', '20')
    .option('--tz <zone>', 'time zone of times without one, and of the output (default: UTC)')
    .action(run(async () => (await import('./incidents.js')).incidentsCommand));

  atMoment(program.command('restore'))
    .description('a reviewable SQL script that brings tables back as they were: definitions where they are gone, rows, sequences')
    .argument('<tables...>', 'tables, as they were called at the moment, with their partitions and children')
    .option('--only', 'without the children of inherited tables')
    .option('--missing-only', 'put back only rows that are gone since, by primary key where there is one')
    .addOption(onConflict())
    .option('-o, --output <file>', 'write the script to a file')
    .action(run(async () => (await import('./restore.js')).restoreCommand));

  withData(atMoment(program.command('history')))
    .description('every version of a row: from when to when, by which transaction, with its values')
    .argument('<table>', 'a table, as it is called at --at')
    .requiredOption('--key <values>', 'values of the primary key, separated by commas')
    .option('--columns <names>', 'only these columns, separated by commas')
    .option('--only', 'without the rows of children, as SELECT … FROM ONLY')
    .option('--since <moment>', 'from this moment on (default: earliest); up to --at')
    .action(run(async () => (await import('./history.js')).historyCommand));

  withData(atMoment(program.command('blame')))
    .description('the last writer of each row')
    .argument('<table>', 'a table')
    .option('--where <expr>', "a condition in PostgreSQL's syntax")
    .option('--columns <names>', 'only these columns, separated by commas')
    .option('--only', 'without the rows of children, as SELECT … FROM ONLY')
    .action(run(async () => (await import('./history.js')).blameCommand));

  withData(atMoment(program.command('find')))
    .description('the changes by which a condition began or ceased to hold')
    .argument('<table>', 'a table, as it is called at --at')
    .requiredOption('--where <expr>', "a condition in PostgreSQL's syntax")
    .option('--gone', 'it held and does not any more (default)')
    .option('--appeared', 'it began to hold')
    .option('--changed', 'it held before and after')
    .option('--columns <names>', 'show only these columns, separated by commas')
    .option('--only', 'without the rows of children, as SELECT … FROM ONLY')
    .option('--since <moment>', 'from this moment on (default: earliest); up to --at')
    .action(run(async () => (await import('./history.js')).findCommand));

  atMoment(program.command('export'))
    .description("every row change as a stream: a JSON object a line, or a table's versions as Parquet")
    .argument('[tables...]', 'tables, as they are called at --at, with their partitions and children (default: all user tables)')
    .option('--only', 'without the children of the tables named')
    .option('--format <format>', 'jsonl: lsn, xid, time, schema, table, op, before, after; parquet: the versions of one table', 'jsonl')
    .option('--since <moment>', 'from this moment on (default: earliest); up to --at')
    .option('-o, --output <file>', 'write to a file')
    .action(run(async () => (await import('./export.js')).exportCommand));

  inCase(program.command('bundle'))
    .description('answers as evidence in a zip: with the moments resolved, hashes of all inputs, coverage and gaps; --check verifies one')
    .option('--answer <command...>', "a command line whose answer goes in, as 'asof orders --at before-xid:812 --csv' (default: those of the query log)")
    .option('--check <file>', 'verify a bundle; with -C also that the case gives the same answers from the same files')
    .option('-o, --output <file>', 'the zip to write')
    .action(run(async () => {
      const { bundleCommand } = await import('./bundle.js');
      return (options) => bundleCommand(options, async (argv) => (await runProgram(argv)).code);
    }));

  inCase(program.command('doctor'))
    .description('health of archive and index: checksums, gaps, timelines, duplicates, backups, layers')
    .option('--json', 'as JSON')
    .option('-o, --output <file>', 'write the report to a file')
    .addOption(new Option('--progress', 'print progress lines even where stderr is no terminal'))
    .action(run(async () => (await import('./doctor.js')).doctorCommand));

  program.command('demo')
    .description('copy the bundled archive to a temporary case and walk through an incident')
    .action(run(async () => {
      const { demoCommand } = await import('./demo.js');
      return (options) => demoCommand(options, main);
    }));

  for (const command of program.commands) {
    command.configureOutput({ outputError: (text, write) => write(usageLine(text, command.name())) });
    const examples = EXAMPLES[command.name()] ?? [];
    command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`);
  }

  return program;
}

/** A usage error of commander's as one line; it puts its suggestion on a second one. `command`: the one that was being called, if any. */
function usageLine(text: string, command = ''): string {
  return `walscope: ${oneLine(text.trim().replace(/^error: /, ''))}; see walscope help${command && ` ${command}`}\n`;
}

/** A reader who has seen enough, as head, is no failure, nor is a terminal that was closed: a hangup follows. */
function endOfReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
}

/** Runs the command line; gives the exit code. Never throws for bad input. `threads`: begun already, for `index`. */
export async function main(argv: string[], threads: readonly IndexThread[] = []): Promise<number> {
  const ran = await runProgram(argv, threads);
  const words = argv.slice(2);
  if (words.length === 0 || ran.onlyHelped) return ran.code;
  try {
    const { logQuery } = await import('./queryLog.js');
    logQuery(ran.options, words.filter((word) => word !== '--log-query'), ran.code);
  } catch (error) {
    return tellFailure(error, argv.includes('--debug'));
  }
  return ran.code;
}

interface Ran {
  code: number;
  /** Help or the version were asked for, nothing else. */
  onlyHelped: boolean;
  /** Of the program, wherever on the line they stood. */
  options: { case?: string; logQuery?: boolean };
}

async function runProgram(argv: string[], threads: readonly IndexThread[] = []): Promise<Ran> {
  let code: number = ExitCode.done, onlyHelped = false;
  const program = buildProgram((result) => (code = result), threads);
  if (process.stdout.listenerCount('error', endOfReader) === 0) process.stdout.on('error', endOfReader);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    code = tellFailure(error, argv.includes('--debug'));
    onlyHelped = error instanceof CommanderError && error.exitCode === 0;
  }
  return { code, onlyHelped, options: program.opts() };
}

/** One line a failure, with what to do next in it. */
export function tellFailure(error: unknown, debug: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  const known = error instanceof WalscopeError ? error : lackOf(error);
  const isExpected = known !== undefined;
  const message = known?.message ?? (error instanceof Error ? error.message : String(error));
  const hint = known?.options.hint ? `; ${known.options.hint}` : '';
  const prefix = isExpected ? 'walscope: ' : 'walscope: this is a bug in walscope: ';
  // only a faulty expression brings more lines: the text and a caret under the place, as psql shows it
  const [first = '', ...place] = message.split('\n');
  process.stderr.write(`${prefix}${oneLine(first + hint)}${isExpected || debug ? '' : ' (run again with --debug for the stack, and report it)'}\n`);
  for (const line of isExpected ? place : []) process.stderr.write(`${oneLine(line)}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return known ? known.exitCode : ExitCode.bug;
}

/** What the process may not have, wherever it was missed; undefined for other failures. */
function lackOf(error: unknown): WalscopeError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EMFILE' || code === 'ENFILE') return new WalscopeError('file.too_many', 'too many open files', { hint: 'allow more with ulimit -n' });
  if (!error.message.includes('Cannot allocate Wasm memory')) return undefined;
  return new WalscopeError('memory.addresses', 'there are no addresses left for WebAssembly, which takes 10 GB of them, unused, for each memory', { hint: 'allow more with ulimit -v' });
}

function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- a message may quote names from the data
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
