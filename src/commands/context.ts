/** What every command shares: finding and opening the case, the zone, where data goes, and how failures are told. */
import fs from 'node:fs';
import path from 'node:path';
import { explainFsError } from '../layerfile/durable.js';
import { manifestPath } from '../layerfile/manifest.js';
import type { ColourChoice } from '../output/colour.js';
import { parseFormat, rowWriter, type Format, type OutputColumn, type RowWriter } from '../output/rowWriter.js';
import { escapeForTerminal } from '../output/terminalText.js';
import { describeMoment, type Moment } from '../query/moment.js';
import { Session, type DatabaseAt } from '../query/session.js';
import { openCase } from '../store/openCase.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { page, pagerCommand, PAGED_BYTES } from './pager.js';
import { timeZone, UTC, type TimeZone } from '../util/timeZone.js';

/** Options that all commands take. */
export interface CommonOptions {
  case?: string;
  dbname?: string;
  at?: string;
  tz?: string;
  format?: string;
  expanded?: boolean;
  csv?: boolean;
  json?: boolean;
  jsonl?: boolean;
  output?: string;
  color?: ColourChoice;
}

const CASE_FOLDER = '.walscope';

/** The case directory: -C, $WALSCOPE_CASE, or the nearest .walscope upward. */
export function findCase(option: string | undefined): string {
  const named = option ?? process.env['WALSCOPE_CASE'];
  if (named) return path.resolve(named);
  for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, CASE_FOLDER);
    if (fs.existsSync(manifestPath(candidate))) return candidate;
    if (folder === path.dirname(folder)) break;
  }
  throw new WalscopeError('case.none', 'no case here', { exitCode: ExitCode.usage, hint: 'name one with -C DIR, or build one with walscope index --backup PATH --wal PATH' });
}

/** Where a new case goes: -C, $WALSCOPE_CASE, or .walscope in the working directory. */
export function newCase(option: string | undefined): string {
  return path.resolve(option ?? process.env['WALSCOPE_CASE'] ?? CASE_FOLDER);
}

/** The zone that --tz names, UTC without one. Throws `usage.zone`. */
export function zoneOf(options: CommonOptions): TimeZone {
  if (options.tz === undefined) return UTC;
  const zone = timeZone(options.tz);
  if (!zone) throw new WalscopeError('usage.zone', `unknown time zone "${options.tz}"`, { exitCode: ExitCode.usage, hint: 'write a zone name (Europe/Berlin) or an offset (+02)' });
  return zone;
}

export function openSession(options: CommonOptions): Session {
  return new Session(openCase(findCase(options.case)), zoneOf(options));
}

/** Resolves --at, echoes it on stderr, and gives the database. */
export function openDatabase(session: Session, options: CommonOptions): DatabaseAt {
  const moment = session.moment(options.at ?? 'latest');
  echoMoment(moment);
  return session.database(moment, options.dbname);
}

/** Tells on stderr what a moment was resolved to, and where it is only the last before a gap. */
export function echoMoment(moment: Moment): void {
  process.stderr.write(`${describeMoment(moment)}\n`);
  if (moment.cut !== undefined) notice(`the last moment that can be answered is not the archive's: ${moment.cut}`);
}

/** The output format that the options ask for; --format outranks the short forms. */
export function formatOf(options: CommonOptions): Format {
  if (options.format !== undefined) return parseFormat(options.format);
  if (options.csv) return 'csv';
  if (options.json) return 'json';
  if (options.jsonl) return 'jsonl';
  return options.expanded ? 'expanded' : 'table';
}

const FLUSH_CHARACTERS = 64 * 1024;

/** Between two attempts to write to a full pipe. */
const SHORTEST_PAUSE_MS = 0.05, LONGEST_PAUSE_MS = 5;
/** Nobody notifies it: to sleep. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** Where data goes: stdout, or -o FILE. Text is gathered into large writes. */
export class DataOutput {
  private pending = '';
  private readonly fd: number;
  private readonly charset: BufferEncoding;
  readonly forTerminal: boolean;
  private closed = false;
  /** What the pager will show, while it is little enough; undefined: nothing is paged. */
  private paged: Uint8Array[] | undefined;
  private pagedBytes = 0;
  private readonly pager: string | undefined;

  constructor(readonly file: string | undefined, charset: 'utf8' | 'latin1' = 'utf8') {
    this.charset = charset;
    this.forTerminal = file === undefined && process.stdout.isTTY === true;
    this.pager = this.forTerminal ? pagerCommand() : undefined;
    if (this.pager !== undefined) this.paged = [];
    try {
      this.fd = file === undefined ? 1 : fs.openSync(file, 'w');
    } catch (error) {
      throw explainFsError(error, file!);
    }
  }

  readonly write = (text: string): void => {
    this.pending += text;
    if (this.pending.length >= FLUSH_CHARACTERS) this.flush();
  };

  /** A line that may hold text from the data. */
  line(text: string): void {
    this.write(`${this.forTerminal ? escapeForTerminal(text) : text}\n`);
  }

  writeBytes(bytes: Uint8Array): void {
    this.flush();
    this.gather(bytes);
  }

  /** Keeps what may yet be paged; more than a pager is good for goes out at once. */
  private gather(bytes: Uint8Array): void {
    if (!this.paged) {
      this.writeAll(bytes);
      return;
    }
    this.paged.push(bytes);
    this.pagedBytes += bytes.length;
    if (this.pagedBytes > PAGED_BYTES) this.unpage();
  }

  private unpage(): void {
    const parts = this.paged ?? [];
    this.paged = undefined;
    for (const part of parts) this.writeAll(part);
  }

  /** Hands on what has been gathered: for answers that come piece by piece. */
  flush(): void {
    if (this.pending === '') return;
    const bytes = Buffer.from(this.pending, this.charset);
    this.pending = '';
    this.gather(bytes);
  }

  private writeAll(bytes: Uint8Array): void {
    if (this.closed) return;
    let at = 0, pause = SHORTEST_PAUSE_MS;
    while (at < bytes.length) {
      try {
        at += fs.writeSync(this.fd, bytes, at);
        pause = SHORTEST_PAUSE_MS;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EAGAIN') {
          // the pipe is full: most readers have emptied it at once, slow ones are not asked all the time
          Atomics.wait(NEVER, 0, 0, pause);
          pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
        } else if (code === 'EPIPE') {
          this.closed = true; // the reader has seen enough, as with head
          return;
        } else {
          throw explainFsError(error, this.file ?? 'standard output');
        }
      }
    }
  }

  /** True once the reader has gone away. */
  get isClosed(): boolean { return this.closed; }

  end(): void {
    this.flush();
    if (this.paged && !page(this.pager!, Buffer.concat(this.paged))) this.unpage();
    if (this.file !== undefined) fs.closeSync(this.fd);
  }
}

/** A row writer over an output. */
export function openRows(options: CommonOptions, columns: readonly OutputColumn[], output: DataOutput, target = ''): RowWriter {
  return rowWriter(formatOf(options), columns, output.write, { target, forTerminal: output.forTerminal });
}

/** Tells on stderr what is missing from an answer; gives the exit code. */
export function reportFindings(findings: readonly Finding[], what = 'incomplete'): ExitCode {
  for (const finding of findings) process.stderr.write(`walscope: ${what}: ${printable(finding.message)}\n`);
  return findings.length > 0 ? ExitCode.partial : ExitCode.done;
}

export function notice(text: string): void {
  process.stderr.write(`walscope: notice: ${printable(text)}\n`);
}

/** Messages may quote names from the data. */
export function printable(text: string): string {
  return process.stderr.isTTY ? escapeForTerminal(text) : text;
}
