/** A grid of values in a given width: which columns show, and its lines. */
import type { Change } from '../query/diff.js';
import type { GridColumn } from './protocol.js';
import type { Paint } from './paint.js';
import { fit, shownWidth } from './text.js';
import type { Style } from '../output/colour.js';

const WIDEST = 32;
const NARROWEST = 3;
export const NULL_GLYPH = '∅';
export const CHANGE_GLYPHS: Record<Change, string> = { added: '+', changed: '~', removed: '-' };
export const CHANGE_STYLES: Record<Change, Style> = { added: 'green', changed: 'yellow', removed: 'red' };
const RIGHT_ALIGNED = /^(smallint|integer|bigint|int[248]|oid|xid8?|real|double precision|float[48]|numeric(\(.*\))?|money)$/;

/** A column that shows: its number and its width. */
export interface ShownColumn {
  at: number;
  width: number;
}

export interface ShownColumns {
  shown: ShownColumn[];
  /** Columns do not fit to the right. */
  hasMore: boolean;
}

/** Widths that columns need for these rows, never less than before: a grid that is scrolled does not jump. */
export function growWidths(known: readonly number[], columns: readonly GridColumn[], rows: readonly { values: readonly (string | null)[] }[]): number[] {
  return columns.map((column, i) => rows.reduce(
    (most, row) => (most >= WIDEST ? most : Math.max(most, shownWidth(row.values[i] ?? NULL_GLYPH, WIDEST))), Math.max(known[i] ?? 0, NARROWEST, shownWidth(column.name, WIDEST))));
}

/** Chooses columns from `first` on, those of the key always first. Two columns of gutter, one between cells. */
export function chooseColumns(columns: readonly GridColumn[], widths: readonly number[], first: number, width: number): ShownColumns {
  const order = [...columns.keys()].filter((i) => columns[i]!.isKey && i < first).concat([...columns.keys()].filter((i) => i >= first));
  const shown: ShownColumn[] = [];
  let used = 2;
  for (const at of order) {
    const left = width - used, wanted = widths[at]!;
    if (left < NARROWEST || (shown.length > 0 && wanted > left && left < 8)) break;
    shown.push({ at, width: Math.min(wanted, left) });
    used += Math.min(wanted, left) + 1;
  }
  return { shown, hasMore: shown.length < order.length };
}

/** The first column to show so that `column` is seen whole, scrolling no further than needed. */
export function firstFor(columns: readonly GridColumn[], widths: readonly number[], column: number, first: number, width: number): number {
  if (column <= first) return columns[column]?.isKey ? Math.min(first, column) : column;
  for (let from = first; from < column; from++) {
    const found = chooseColumns(columns, widths, from, width).shown.find((each) => each.at === column);
    if (found && found.width >= Math.min(widths[column]!, width / 2)) return from;
  }
  return column;
}

/** The names of the columns shown, that of the current one inverse; `mark` is put after a name. */
export function gridHeading(columns: readonly GridColumn[], { shown, hasMore }: ShownColumns, current: number, width: number, paint: Paint, mark: (i: number) => string = () => ''): string {
  const cells = shown.map((column) => {
    const { name, typeName } = columns[column.at]!;
    return paint(fit(`${name}${mark(column.at)}`, column.width, RIGHT_ALIGNED.test(typeName)), 'bold', ...(column.at === current ? ['inverse' as const] : []));
  });
  const used = 2 + shown.reduce((sum, column) => sum + column.width + 1, -1);
  return `  ${cells.join('│')}${hasMore && used + 2 <= width ? '│›' : ''}`;
}

export interface GridLine {
  values: readonly (string | null)[];
  change: Change | undefined;
  /** The row is not there any more. */
  isGone?: boolean;
  /** The columns that changed: they alone are in the change's style. */
  changed?: ReadonlySet<number>;
}

/** One row; `current`: the cell under the cursor, where it is in this row. */
export function gridLine(columns: readonly GridColumn[], { shown }: ShownColumns, line: GridLine, cursor: { isHere: boolean; isFocused: boolean; column: number; found?: string }, paint: Paint): string {
  const styles: Style[] = line.change ? [CHANGE_STYLES[line.change]] : [];
  if (line.isGone) styles.push('dim');
  const row: Style[] = cursor.isHere && cursor.isFocused ? ['inverse'] : [];
  const cells = shown.map((column) => {
    const value = line.values[column.at] ?? null;
    const text = fit(value ?? NULL_GLYPH, column.width, RIGHT_ALIGNED.test(columns[column.at]!.typeName));
    const own: Style[] = !line.changed ? [...styles] : line.changed.has(column.at) ? [...styles, 'bold', 'underline'] : [];
    if (value === null) own.push('dim');
    if (cursor.found && value?.toLowerCase().includes(cursor.found)) own.push('bold', 'underline');
    if (cursor.isHere && cursor.isFocused && column.at === cursor.column) return paint(text, 'bold', 'underline', ...own, 'inverse');
    return paint(text, ...own, ...row);
  });
  const head = paint(`${cursor.isHere ? '›' : ' '}${line.change ? CHANGE_GLYPHS[line.change] : ' '}`, ...styles, ...row);
  return `${head}${cells.join(paint('│', ...row))}`;
}
