/** A grid of values in a given width: which columns show, and its lines. */
import type { Change, RowChange } from '../query/diff.js';
import type { GridColumn } from './model.js';
import { fit, shownWidth } from './text.js';

const WIDEST = 32;
const NARROWEST = 3;
export const NULL_GLYPH = '∅';
export const CHANGE_GLYPHS: Record<Change, string> = { added: '+', changed: '~', removed: '-' };
const RIGHT_ALIGNED = /^(smallint|integer|bigint|int[248]|oid|xid8?|real|double precision|float[48]|numeric(\(.*\))?|money)$/;

/** One cell, ready to print. */
export interface Cell {
  text: string;
  isNull: boolean;
}

export interface GridLine {
  gutter: string;
  cells: Cell[];
  change: Change | undefined;
}

export interface Grid {
  heading: Cell[];
  lines: GridLine[];
  /** Columns do not fit to the right. */
  hasMore: boolean;
}

/** What a line of the grid holds before it is laid out. */
export interface GridInput {
  values: readonly (string | null)[];
  change: Change | undefined;
}

/** Lays out columns from `first` on, those of the key always first. Two columns of gutter, one between cells. */
export function layOut(columns: readonly GridColumn[], rows: readonly GridInput[], first: number, width: number): Grid {
  const order = columns.map((_, i) => i).filter((i) => i >= first || columns[i]!.isKey);
  const shown: { at: number; width: number }[] = [];
  let used = 2;
  for (const at of order) {
    const left = width - used;
    const wanted = rows.reduce((most, row) => Math.max(most, shownWidth(row.values[at] ?? NULL_GLYPH, WIDEST)), Math.max(NARROWEST, shownWidth(columns[at]!.name, WIDEST)));
    if (left < NARROWEST || (shown.length > 0 && wanted > left && left < 8)) break;
    shown.push({ at, width: Math.min(wanted, left) });
    used += Math.min(wanted, left) + 1;
  }
  return {
    heading: shown.map((column) => ({ text: fit(columns[column.at]!.name, column.width, RIGHT_ALIGNED.test(columns[column.at]!.typeName)), isNull: false })),
    lines: rows.map((row) => ({
      gutter: row.change ? CHANGE_GLYPHS[row.change] : ' ', change: row.change,
      cells: shown.map((column) => {
        const value = row.values[column.at] ?? null;
        return { text: fit(value ?? NULL_GLYPH, column.width, RIGHT_ALIGNED.test(columns[column.at]!.typeName)), isNull: value === null };
      }),
    })),
    hasMore: shown.length < order.length,
  };
}

/** A change as a grid line: a changed value as `old → new`. */
export function changeInput({ change, before, after }: RowChange): GridInput {
  const values = (after ?? before)!.map((value, i) => {
    if (change !== 'changed' || before![i] === value) return value;
    return `${before![i] ?? NULL_GLYPH} → ${value ?? NULL_GLYPH}`;
  });
  return { values, change };
}
