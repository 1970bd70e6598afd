/** walscope page: a rebuilt page, decoded, dumped, raw, with the records that made it, or compared with itself at another moment. */
import { hexdump } from '../output/hexdump.js';
import { writePage } from '../output/pageText.js';
import type { Relation } from '../catalog/relation.js';
import { pageAsOf, pageChain, pageDiff, parseFork, unknownPage, type PageAnswer } from '../query/pageView.js';
import type { DatabaseAt } from '../query/session.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { qualifiedName } from '../util/quote.js';
import { DataOutput, echoMoment, notice, openDatabase, openSession, type CommonOptions } from './context.js';

export interface PageCommandOptions extends CommonOptions {
  fork: string;
  hex?: boolean;
  raw?: boolean;
  chain?: boolean;
  lsnDiff?: string[];
}

const MAX_BLOCK_NUMBER = 0xffff_fffe;

export async function pageCommand(name: string, blockText: string, options: PageCommandOptions): Promise<ExitCode> {
  const views = [options.hex, options.raw, options.chain, options.lsnDiff].filter((view) => view !== undefined);
  if (views.length > 1) throw usage('--hex, --raw, --chain and --lsn-diff exclude each other', 'choose one');
  const fork = parseFork(options.fork);
  const block = Number(blockText);
  if (!/^\d+$/.test(blockText) || block > MAX_BLOCK_NUMBER) throw usage(`"${blockText}" is not a block number`, 'write walscope page orders 0');
  if (options.lsnDiff && options.lsnDiff.length !== 2) throw usage('--lsn-diff needs two moments', 'write walscope page orders 0 --lsn-diff 0/3A2F10 0/3B0000');
  const session = openSession(options);
  const database = openDatabase(session, options);
  const relation = database.relation(name);
  if (options.raw && options.output === undefined && process.stdout.isTTY) throw usage('--raw would write 8192 bytes of binary to the terminal', 'add -o FILE');
  if (options.lsnDiff) return showDifference(database, relation, block, fork, options, options.lsnDiff);
  if (options.chain) return showChain(database, relation, block, fork, options);
  const page = pageAsOf(database, relation, block, fork);
  if (page.unknown) throw unknownPage(relation, block, page.unknown);
  return showPage(database, page, options);
}

function usage(message: string, hint: string): WalscopeError {
  return new WalscopeError('usage.page', message, { exitCode: ExitCode.usage, hint });
}

/** What a JSON answer begins with. */
function place(database: DatabaseAt, relation: Relation, block: number, options: PageCommandOptions): Record<string, unknown> {
  return { schema: database.catalog.schemaOf(relation), relation: relation.name, oid: relation.oid, fork: options.fork, block };
}

function showPage(database: DatabaseAt, page: PageAnswer, options: PageCommandOptions): ExitCode {
  const output = new DataOutput(options.output);
  if (options.raw) output.writeBytes(page.bytes);
  else if (options.hex) output.write(hexdump(page.bytes));
  else if (options.json) output.write(`${JSON.stringify({ ...place(database, page.relation, page.block, options), ...page.description }, null, 2)}\n`);
  else writePage(page.description, output.forTerminal, output.write);
  output.end();
  return ExitCode.done;
}

function showChain(database: DatabaseAt, relation: Relation, block: number, fork: number, options: PageCommandOptions): ExitCode {
  const page = pageAsOf(database, relation, block, fork);
  const { records, usesBase } = pageChain(database, relation, block, fork);
  const start = usesBase ? 'the page in the base backup' : records.length === 0 ? 'a page of zeros' : records[0]!.hasImage ? 'a full-page image' : records[0]!.startsChain ? 'an initialised page' : 'a page of zeros';
  const output = new DataOutput(options.output);
  if (options.json) {
    const list = records.map((record) => ({ lsn: formatLsn(record.lsn), record: record.line, starts_chain: record.startsChain, implicit: record.implicit }));
    output.write(`${JSON.stringify({ ...place(database, relation, block, options), starts_from: start, records: list }, null, 2)}\n`);
  } else {
    process.stderr.write(`${qualifiedName(database.catalog.schemaOf(relation), relation.name)} block ${block}: ${records.length} record${records.length === 1 ? '' : 's'}, starting from ${start}\n`);
    for (const record of records) output.line(record.line);
  }
  output.end();
  if (!page.unknown) return ExitCode.done;
  notice(unknownPage(relation, block, page.unknown).message);
  return ExitCode.partial;
}

function showDifference(database: DatabaseAt, relation: Relation, block: number, fork: number, options: PageCommandOptions, texts: string[]): ExitCode {
  const [from, to] = texts.map((text): Lsn => {
    const moment = database.session.moment(text);
    echoMoment(moment);
    return moment.lsn;
  }) as [Lsn, Lsn];
  const changes = pageDiff(database, relation, block, fork, from, to);
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const output = new DataOutput(options.output);
  if (options.json) {
    const list = changes.map((change) => ({ offset: change.offset, length: change.after.length, where: change.where, before: hex(change.before), after: hex(change.after) }));
    output.write(`${JSON.stringify({ ...place(database, relation, block, options), from: formatLsn(from), to: formatLsn(to), changes: list }, null, 2)}\n`);
  } else {
    for (const change of changes) {
      const range = `${change.offset.toString(16).padStart(4, '0')}-${(change.offset + change.after.length - 1).toString(16).padStart(4, '0')}`;
      output.write(`${range}  ${change.where}\n  - ${spaced(change.before)}\n  + ${spaced(change.after)}\n`);
    }
    const bytes = changes.reduce((sum, change) => sum + change.after.length, 0);
    output.write(`(${changes.length} range${changes.length === 1 ? '' : 's'}, ${bytes} bytes)\n`);
  }
  output.end();
  return ExitCode.done;
}

const HEX_LINE_BYTES = 24;

function spaced(bytes: Uint8Array): string {
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  const lines: string[] = [];
  for (let i = 0; i < pairs.length; i += HEX_LINE_BYTES) lines.push(pairs.slice(i, i + HEX_LINE_BYTES).join(' '));
  return lines.join('\n    ');
}
