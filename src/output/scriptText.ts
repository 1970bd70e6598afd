/** An SQL script as psql reads it. */
import { copyText } from './copy.js';

type Values = readonly (string | null)[];

type Part =
  | { kind: 'sql'; lines: readonly string[] }
  | { kind: 'statements'; each(emit: (line: string) => void): void }
  | { kind: 'copy'; head: string; rows(emit: (values: Values) => void): void };

/** Writes the parts one after the other; gives the number of rows and statements that came one at a time. */
export function writeScript(parts: Iterable<Part>, write: (text: string) => void): number {
  let count = 0;
  for (const part of parts) {
    if (part.kind === 'sql') {
      for (const line of part.lines) write(`${line}\n`);
    } else if (part.kind === 'statements') {
      part.each((line) => {
        count++;
        write(`${line}\n`);
      });
    } else {
      write(`${part.head}\n`);
      part.rows((values) => {
        count++;
        write(`${values.map(copyText).join('\t')}\n`);
      });
      write('\\.\n');
    }
  }
  return count;
}
