/** The case's query log: a JSON line for each command, once it has been begun with --log-query. */
import fs from 'node:fs';
import path from 'node:path';
import { explainFsError } from '../layerfile/durable.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { findCase } from './context.js';
import { VERSION } from './version.js';

export interface LoggedQuery {
  time: string;
  version: string;
  /** The command line after `walscope`, word by word. */
  command: string[];
  exitCode: number;
}

export function queryLogPath(caseDir: string): string {
  return path.join(caseDir, 'query-log.jsonl');
}

/** Appends a command to the log of its case: where the log exists, or `--log-query` begins it. Without a case there is nothing to log. */
export function logQuery(options: { case?: string; logQuery?: boolean }, command: string[], exitCode: number): void {
  const begin = options.logQuery === true;
  let caseDir: string;
  try {
    caseDir = findCase(options.case);
  } catch (error) {
    if (error instanceof WalscopeError && !begin) return;
    throw error;
  }
  const file = queryLogPath(caseDir);
  if (!begin && !fs.existsSync(file)) return;
  const line: LoggedQuery = { time: new Date().toISOString(), version: VERSION, command, exitCode };
  try {
    fs.appendFileSync(file, `${JSON.stringify(line)}\n`);
  } catch (error) {
    throw explainFsError(error, file);
  }
}

/** The commands of the log; a damaged line is an input error. */
export function readQueryLog(caseDir: string): LoggedQuery[] {
  const file = queryLogPath(caseDir);
  if (!fs.existsSync(file)) return [];
  return fs.readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line, i) => {
    try {
      return JSON.parse(line) as LoggedQuery;
    } catch {
      throw new WalscopeError('querylog.damaged', `line ${i + 1} of ${file} is no JSON`, { exitCode: ExitCode.input, hint: 'remove the line, and say so where the log is evidence' });
    }
  });
}

/** Splits a command as a shell does: blanks between words, quotes and backslashes. A usage error where a quote is not closed. */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === "'" || c === '"') {
      word ??= '';
      for (at++; text[at] !== c; at++) {
        if (at >= text.length) throw new WalscopeError('usage.quote', `a quote is not closed in "${text}"`, { exitCode: ExitCode.usage, hint: `close it with ${c}` });
        if (c === '"' && text[at] === '\\' && /["\\$`]/.test(text[at + 1] ?? '')) at++;
        word += text[at]!;
      }
    } else {
      word = (word ?? '') + (c === '\\' ? (text[++at] ?? '') : c);
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
