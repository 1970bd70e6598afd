/**
 * `--where EXPR`: PostgreSQL's expression syntax, evaluated over rows whose values are given as output text.
 * Semantics are those of a server's WHERE; what cannot be told from a row alone (subqueries, the clock, collations) is refused by name.
 */
import { PG_UTF8, textDecoding, type TextDecoding } from '../../rows/types/encoding.js';
import { UTC, type TimeZone } from '../../util/timeZone.js';
import { boundsOf, type ColumnBounds } from './bounds.js';
import { asBoolean, compileNode, type Names } from './compile.js';
import { locate } from './cast.js';
import type { Expr, Row } from './expr.js';
import { loadParser, parseExpression } from './parse.js';
import { ValueError, WhereSource } from './source.js';
import { isKnownType, isString, sqlType, type SqlType, type ValueOrder } from './sqlType.js';
import { formatValue, parseValue } from './value.js';

export type { ColumnRange, RangeEnd } from './bounds.js';
export { isParserLoaded, loadParser } from './parse.js';

const UTF8 = textDecoding(PG_UTF8)!;

/** A column that an expression may name. */
export interface WhereColumn {
  readonly name: string;
  /** pg_type.typname of the column's type, of the base type for a domain: `int4`, `timestamptz`, `_text`. */
  readonly typeName: string;
  /** An enum's labels in sort order (the element's, for an array of one). */
  readonly enumLabels?: readonly string[];
  /** How values are compared (the element's, for an array), asked for where the type is none that is known here; undefined: not at all. */
  readonly order?: () => ValueOrder | undefined;
  /** The collation's name or locale (`C`, `en_US.utf8`); without it, ordering text gives a notice. */
  readonly collation?: string;
}

export interface WhereOptions {
  /** The zone of a timestamptz written without one, and of casts between it and local times. Default UTC. */
  readonly zone?: TimeZone;
  /** The database's, for functions of a text's bytes. Default UTF-8. */
  readonly encoding?: TextDecoding;
  /** Names by which columns may be qualified: `orders`, `public`. */
  readonly tableName?: string;
  readonly schemaName?: string;
}

export interface CompiledWhere extends ColumnBounds {
  readonly text: string;
  /** True where WHERE would keep the row. Throws a usage error where PostgreSQL would raise one, as for a division by zero. */
  test(row: Row): boolean;
  /** Indexes into the columns, ascending: the values that `test` looks at. */
  readonly columnsUsed: readonly number[];
  /** What the user should know about the answer, once. */
  readonly notices: readonly string[];
}

export interface CompiledExpression {
  /** The value's output text, null for NULL. Throws a usage error where PostgreSQL would raise one. */
  value(row: Row): string | null;
  readonly columnsUsed: readonly number[];
  readonly notices: readonly string[];
}

/** A text with the tree that it parsed to, and what its names mean. */
function open(text: string, columns: readonly WhereColumn[], options: WhereOptions): { names: Names; node: Parameters<typeof compileNode>[0]; used: Set<number>; notices: Set<string>; source: WhereSource } {
  const source = new WhereSource(text);
  const parsed = parseExpression(source);
  const used = new Set<number>();
  const notices = new Set<string>();
  const names: Names = {
    source,
    zone: options.zone ?? UTC,
    encoding: options.encoding ?? UTF8,
    notice: (notice) => notices.add(notice),
    offsetOf: parsed.offsetOf,
    depth: 0,
    namedType: (name) => columnType(name, columns),
    column: (name, qualifier, at) => columnExpr(name, qualifier, at, columns, options, names, used),
  };
  return { names, node: parsed.node, used, notices, source };
}

const ascending = (indexes: ReadonlySet<number>): number[] => [...indexes].sort((a, b) => a - b);

/** Runs an evaluation; at run time PostgreSQL gives no place of an error either. */
function guarded<T>(source: WhereSource, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ValueError ? source.fail('where.value', error.message) : error;
  }
}

/** Compiles an expression of any type against a table's columns: what a generated column is computed by. loadParser() comes first. Throws as compileWhere() does. */
export function compileExpression(text: string, columns: readonly WhereColumn[], options: WhereOptions = {}): CompiledExpression {
  const { names, node, used, notices, source } = open(text, columns, options);
  let expr: Expr;
  try {
    expr = compileNode(node, names);
  } catch (error) {
    throw locate(error, names, 0);
  }
  return {
    columnsUsed: ascending(used), notices: [...notices],
    value: (row) => guarded(source, () => {
      const value = expr.eval(row);
      return value === null ? null : formatValue(expr.type, value, names);
    }),
  };
}

/**
 * Compiles an expression against a table's columns. Throws WalscopeError (exit 2) with a caret under the place:
 * `where.syntax`, `where.column`, `where.type`, `where.value`, `where.unsupported`.
 */
export async function compileWhere(text: string, columns: readonly WhereColumn[], options: WhereOptions = {}): Promise<CompiledWhere> {
  await loadParser();
  const { names, node, used, notices, source } = open(text, columns, options);
  let expr: Expr;
  let bounds: ColumnBounds;
  try {
    expr = asBoolean(compileNode(node, names), 'WHERE', names);
    bounds = boundsOf(expr, names);
  } catch (error) {
    throw locate(error, names, 0);
  }
  return {
    text,
    ...bounds,
    columnsUsed: ascending(used),
    notices: [...notices],
    test: (row) => guarded(source, () => expr.eval(row) === true),
  };
}

/** A type that a column has, or a column's elements: an enum, or one that is known by its order. */
function columnType(name: string, columns: readonly WhereColumn[]): SqlType | undefined {
  const column = columns.find((candidate) => candidate.typeName.replace(/^_/, '') === name);
  return column && sqlType(name, column.enumLabels, column.order);
}

function columnExpr(
  name: string, qualifier: readonly string[], at: number, columns: readonly WhereColumn[], options: WhereOptions, names: Names, used: Set<number>,
): Expr {
  const [table, schema] = [...qualifier].reverse();
  if ((table !== undefined && table !== options.tableName) || (schema !== undefined && schema !== options.schemaName) || qualifier.length > 2) {
    throw names.source.fail('where.column', `missing FROM-clause entry for table "${table}"`, at, options.tableName && `the table here is "${options.tableName}"`);
  }
  const index = columns.findIndex((column) => column.name === name);
  if (index === -1) throw names.source.fail('where.column', `column "${name}" does not exist`, at, nearest(name, columns));
  used.add(index);
  const column = columns[index]!;
  const type = sqlType(column.typeName, column.enumLabels, column.order);
  const common = { type, at, isConstant: false, column: index, collation: isString(type) ? column.collation : undefined };
  // text needs no reading; of a type that is not known here, only the text is at hand
  if (isString(type) || !isKnownType(type)) return { ...common, eval: (row) => row[index]! };
  return { ...common, eval: (row) => {
    const value = row[index]!;
    return value === null ? null : parseValue(type, value, names);
  } };
}

/** psql's "Perhaps you meant": a name that differs in case, or by little. */
function nearest(name: string, columns: readonly WhereColumn[]): string | undefined {
  const lower = name.toLowerCase();
  const close = columns.find((column) => column.name.toLowerCase() === lower) ?? columns.find((column) => distance(column.name.toLowerCase(), lower) <= 2);
  if (!close) return columns.length <= 12 ? `the columns are ${columns.map((column) => column.name).join(', ')}` : undefined;
  return /^[a-z_][a-z0-9_$]*$/.test(close.name) ? `perhaps you meant the column "${close.name}"` : `write it in double quotes: "${close.name}"`;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    previous = current;
  }
  return previous[b.length]!;
}
