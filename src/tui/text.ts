/** Text in a fixed number of terminal columns. */
import { stripVTControlCharacters } from 'node:util';
import { displayWidth, escapeForTerminal } from '../output/terminalText.js';

const PLAIN = /^[\x20-\x7e]*$/;
const SEGMENTER = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Text from data, safe for the terminal, in exactly `width` columns: cut with an ellipsis, or padded (`right`: on the left). */
export function fit(text: string, width: number, right = false): string {
  if (width <= 0) return '';
  // no more characters than could show, however long the value is
  const safe = escapeForTerminal(text.length > width * 8 ? text.slice(0, width * 8) : text);
  const wide = displayWidth(safe);
  if (wide <= width) return right ? ' '.repeat(width - wide) + safe : safe + ' '.repeat(width - wide);
  let cut = '';
  let used = 0;
  for (const { segment } of SEGMENTER.segment(safe)) {
    const columns = displayWidth(segment);
    if (used + columns > width - 1) break;
    cut += segment;
    used += columns;
  }
  return `${cut}…${' '.repeat(width - 1 - used)}`;
}

/** A painted line, filled up to `width` columns. */
export function padded(line: string, width: number): string {
  return line + ' '.repeat(Math.max(0, width - displayWidth(stripVTControlCharacters(line))));
}

/** Text from data, safe for the terminal, in lines of at most `width` columns: its own lines, each broken where it must be; `byWords`: between words where they fit. */
export function wrap(text: string, width: number, byWords = false): string[] {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    let rest = escapeForTerminal(line);
    do {
      let cut = cutAt(rest, width);
      const space = byWords && cut < rest.length ? rest.lastIndexOf(' ', cut) : -1;
      if (space > 0) cut = space;
      lines.push(rest.slice(0, cut));
      rest = rest.slice(cut + (space > 0 ? 1 : 0));
    } while (rest !== '');
  }
  return lines;
}

/** What is left of a text, safe for the terminal, behind its first columns. */
export function behind(text: string, columns: number): string {
  if (columns === 0) return text;
  const safe = escapeForTerminal(text);
  return safe.slice(PLAIN.test(safe) ? columns : cutAt(safe, columns));
}

/** How many code units fit into `width` columns, at least a character. */
function cutAt(text: string, width: number): number {
  if (width > 0 && PLAIN.test(text.slice(0, width + 1))) return Math.min(width, text.length);
  let units = 0;
  let used = 0;
  for (const { segment } of SEGMENTER.segment(text.slice(0, Math.max(1, width) * 8))) {
    const columns = displayWidth(segment);
    if (used + columns > width && units > 0) break;
    units += segment.length;
    used += columns;
  }
  return units;
}

/** Columns that a value takes when shown whole, at most `limit`. */
export function shownWidth(text: string, limit: number): number {
  return Math.min(limit, displayWidth(escapeForTerminal(text.length > limit ? text.slice(0, limit) : text)));
}
