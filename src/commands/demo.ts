/** walscope demo: copies the bundled archive to a temporary case and walks through what happened in it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { colourWanted, styled } from '../output/colour.js';
import { formatBytes, formatCount } from '../output/units.js';
import { transactionLog, type TransactionEntry } from '../query/log.js';
import { Findings, Session } from '../query/session.js';
import { indexCase } from '../store/indexer.js';
import { openCase } from '../store/openCase.js';
import { ExitCode, inputError } from '../util/errors.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { UTC } from '../util/timeZone.js';
import type { CommonOptions } from './context.js';

const BUNDLED = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'fixtures', 'demo');
const WIDTH = 78;

/** The two mistakes that the walk is about. */
interface Story {
  deletion: TransactionEntry;
  /** Tables that lost rows, the one with foreign keys to the others last. */
  tables: string[];
  drop: TransactionEntry;
  dropped: string;
}

export async function demoCommand(options: CommonOptions, run: (argv: string[]) => Promise<number>): Promise<number> {
  const say = teller(colourWanted(options.color ?? 'auto', process.stdout.isTTY));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'walscope-demo-'));
  const archive = path.join(folder, 'archive');
  const caseDir = path.join(folder, 'case');
  for (const part of ['backup', 'wal']) fs.cpSync(path.join(BUNDLED, part), path.join(archive, part), { recursive: true });

  say.plain('\n');
  say.title('A shop on PostgreSQL 18, its base backup and its archived WAL');
  say.text('Somebody deleted the orders, somebody else dropped a table, and a VACUUM has run since. ' +
    'No server is running here, and none will be started: everything below comes from the archive.');
  const summary = await indexCase({ caseDir, backups: [path.join(archive, 'backup')], wal: [path.join(archive, 'wal')] });
  say.command('walscope index --backup backup --wal wal -C case');
  say.text(`${formatBytes(summary.manifest.walBytes)} of WAL, ${formatCount(summary.records)} records, indexed in ${formatBytes(summary.indexBytes)}.`);

  process.env['WALSCOPE_CASE'] = caseDir;
  const session = new Session(openCase(caseDir), UTC);
  const story = findStory(session);
  const walk = new Walk(say, run);
  await tellDeletion(walk, say, story);
  await recoverRows(walk, say, story, path.join(folder, 'recovered'));
  await tellDrop(walk, say, story);
  tellNext(say, story, caseDir);
  return walk.code;
}

/** What the transaction log shows: the transaction that deleted most, and the one that dropped a table. */
function findStory(session: Session): Story {
  let deletion: TransactionEntry | undefined;
  let drop: TransactionEntry | undefined;
  const deleted = (entry: TransactionEntry): number => entry.tables.reduce((sum, table) => sum + table.deleted, 0);
  for (const entry of transactionLog(session, { since: session.moment('earliest'), until: session.moment('latest') }, new Findings())) {
    if (entry.kind !== 'transaction') continue;
    if (!deletion || deleted(entry) > deleted(deletion)) deletion = entry;
    if (entry.ddl.some((change) => change.action === 'dropped' && change.objectKind === 'table')) drop = entry;
  }
  const dropped = drop?.ddl.find((change) => change.action === 'dropped' && change.objectKind === 'table');
  if (!deletion || !drop || !dropped) throw inputError('demo.archive', `the bundled archive in ${BUNDLED} does not hold the demo`, { file: BUNDLED }, 'install walscope again');
  const lost = deletion.tables.filter((table) => table.deleted > 0).map((table) => table.name);
  return { deletion, tables: ['orders', ...lost.filter((name) => name !== 'orders')], drop, dropped: dropped.name };
}

async function tellDeletion(walk: Walk, say: Teller, { deletion, tables }: Story): Promise<void> {
  const { xid } = deletion.row;
  say.title('1. What happened');
  say.text('The worst first, each with the moment just before it:');
  await walk.show('incidents');
  say.text('The first three are one transaction. Compare the moment just before it with the moment just after:');
  await walk.show('diff', `before-xid:${xid}`, `xid:${xid}`, '--stat');
  say.title('2. The rows before and after');
  const columns = ['--columns', 'id,customer_id,status,total,placed_at'];
  await walk.show('asof', tables[0]!, '--at', `before-xid:${xid}`, '--limit', '4', ...columns);
  await walk.show('asof', tables[0]!, '--at', `xid:${xid}`, '--limit', '4', ...columns);
  say.text('One row by its primary key, and the page that it was on:');
  await walk.show('asof', tables[0]!, '--at', `before-xid:${xid}`, '--key', '1', '--system', '--columns', 'id,status,total', '-x');
}

async function recoverRows(walk: Walk, say: Teller, { deletion, tables }: Story, folder: string): Promise<void> {
  say.title('3. The rows, recovered');
  fs.mkdirSync(folder);
  for (const table of tables) {
    const file = path.join(folder, `${table}.copy`);
    await walk.quiet('asof', table, '--at', `before-xid:${deletion.row.xid}`, '--format', 'copy', '-o', file);
    say.command(`walscope asof ${table} --at before-xid:${deletion.row.xid} --format copy -o ${path.join('recovered', `${table}.copy`)}`);
    const rows = fs.readFileSync(file, 'latin1').split('\n').length - 1;
    say.plain(`${formatCount(rows)} rows\n\n`);
  }
}

async function tellDrop(walk: Walk, say: Teller, { drop, dropped }: Story): Promise<void> {
  say.title('4. The dropped table');
  await walk.show('log', '--xid', String(drop.row.xid));
  say.text('A table that is gone is asked for like any other, as of a moment when it was there; its definition too:');
  await walk.show('schema', dropped, '--at', `before-xid:${drop.row.xid}`, '--ddl');
  await walk.show('asof', dropped, '--at', `before-xid:${drop.row.xid}`, '--limit', '3');
}

function tellNext(say: Teller, { deletion, tables, drop, dropped }: Story, caseDir: string): void {
  const before = `before-xid:${deletion.row.xid}`;
  say.title('5. What to run next');
  say.text(`On a real server, in this order because of the foreign keys (the DELETE was at ${formatTimestamptz(deletion.row.time, UTC)}):`);
  for (const table of tables) say.command(`psql shop -c "\\copy ${table} from 'recovered/${table}.copy'"`);
  say.command(`walscope schema ${dropped} --at before-xid:${drop.row.xid} --ddl | psql shop`);
  say.command(`walscope asof ${dropped} --at before-xid:${drop.row.xid} --format insert | psql shop`);
  say.plain('\n');
  say.text('And in this case:');
  say.command(`export WALSCOPE_CASE=${caseDir}`);
  say.command('walscope log --limit 20');
  say.command(`walscope diff ${before} latest ${tables[0]!} --filter changed`);
  say.command(`walscope page ${tables[0]!} 0 --at ${before}`);
  say.plain('\n');
  say.text(`The case is in ${caseDir}, the archive and the recovered rows beside it. Remove it all with:`);
  say.command(`rm -r ${path.dirname(caseDir)}`);
}

/** Runs commands as a user would, and remembers the first exit code that is not 0. */
class Walk {
  code: number = ExitCode.done;

  constructor(private readonly say: Teller, private readonly run: (argv: string[]) => Promise<number>) {}

  async show(...args: string[]): Promise<void> {
    this.say.command(`walscope ${args.join(' ')}`);
    await this.quiet(...args);
    // rows end with an empty line of their own
    if (args[0] !== 'asof') this.say.plain('\n');
  }

  async quiet(...args: string[]): Promise<void> {
    const code = await this.run(['node', 'walscope', ...args, '--no-pager']);
    if (this.code === ExitCode.done) this.code = code;
  }
}

interface Teller {
  title(text: string): void;
  text(text: string): void;
  command(text: string): void;
  plain(text: string): void;
}

function teller(colour: boolean): Teller {
  const write = (text: string): void => void process.stdout.write(text);
  return {
    title: (text) => write(`${colour ? styled(text, 'bold') : text}\n${'-'.repeat(text.length)}\n`),
    text: (text) => write(`${wrap(text)}\n\n`),
    command: (text) => {
      const line = `$ ${text.length + 2 > WIDTH ? text.replace(/ (--columns|--format) /, ' \\\n    $1 ') : text}`;
      write(`${colour ? styled(line, 'yellow') : line}\n`);
    },
    plain: (text) => write(`${text}`),
  };
}

/** Breaks a text at blanks into lines of at most WIDTH characters. */
function wrap(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join('\n');
}
