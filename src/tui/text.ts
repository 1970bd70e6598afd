/** Text in a fixed number of terminal columns. */
import { displayWidth, escapeForTerminal } from '../output/terminalText.js';

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

/** Columns that a value takes when shown whole, at most `limit`. */
export function shownWidth(text: string, limit: number): number {
  return Math.min(limit, displayWidth(escapeForTerminal(text.length > limit ? text.slice(0, limit) : text)));
}
