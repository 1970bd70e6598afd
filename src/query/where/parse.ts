/** The expression's syntax tree, by PostgreSQL's own grammar (libpg-query), which is loaded only when an expression is there. */
import type * as LibPgQuery from 'libpg-query';
import type { Node, SelectStmt } from 'libpg-query';
import type { WhereSource } from './source.js';

const PREFIX = 'SELECT WHERE ';
const PREFIX_BYTES = PREFIX.length;

export interface ParsedExpression {
  readonly node: Node;
  /** The offset in the source of a node's `location` (bytes of the statement; absent counts as 0). */
  offsetOf(location: number | undefined): number;
}

let parser: typeof LibPgQuery | undefined;

/** Loads the grammar, which takes a while: expressions can be parsed from then on. */
export async function loadParser(): Promise<void> {
  if (parser) return;
  const loaded = await import('libpg-query');
  await loaded.loadModule();
  parser = loaded;
}

export function isParserLoaded(): boolean {
  return parser !== undefined;
}

/** Parses with the grammar of PostgreSQL 18, which has been loaded. Throws a located usage error where the text is no expression. */
export function parseExpression(source: WhereSource): ParsedExpression {
  if (!parser) throw new Error('loadParser() comes first');
  const { hasSqlDetails, parseSync } = parser;
  const offsets = offsetsByByte(source.text);
  const offsetOf = (location: number | undefined): number => {
    const byte = Math.max(0, (location ?? 0) - PREFIX_BYTES);
    return offsets ? (offsets[byte] ?? source.text.length) : byte;
  };
  let statements;
  try {
    statements = parseSync(PREFIX + source.text).stmts ?? [];
  } catch (error) {
    // the grammar's own stack
    if (error instanceof RangeError) throw source.fail('where.unsupported', 'the expression is nested too deeply for --where');
    if (!hasSqlDetails(error) || !error.sqlDetails) throw error;
    // positions in errors count characters
    const at = [...source.text].slice(0, Math.max(0, error.sqlDetails.cursorPosition - PREFIX.length)).join('').length;
    throw source.fail('where.syntax', error.sqlDetails.message, at);
  }
  const first = statements[0]?.stmt;
  const select = first && 'SelectStmt' in first ? first.SelectStmt : undefined;
  if (statements.length > 1) throw source.fail('where.syntax', 'only one expression is allowed in --where', offsetOf(statements[1]!.stmt_location));
  if (!select?.whereClause) throw source.fail('where.syntax', 'the expression is empty', 0);
  const extra = furtherClause(select);
  if (extra) throw source.fail('where.syntax', `${extra} has no place in --where: only an expression is allowed`, undefined);
  return { node: select.whereClause, offsetOf };
}

/** For each byte of the UTF-8 text, the UTF-16 offset of its character; undefined for ASCII, where both are the same. */
function offsetsByByte(text: string): Uint32Array | undefined {
  const length = Buffer.byteLength(text);
  if (length === text.length) return undefined;
  const offsets = new Uint32Array(length);
  let byte = 0, at = 0;
  for (const c of text) {
    const size = Buffer.byteLength(c);
    offsets.fill(at, byte, byte + size);
    byte += size;
    at += c.length;
  }
  return offsets;
}

/** What stands after the expression and belongs to a SELECT alone. */
function furtherClause(select: SelectStmt): string | undefined {
  const clauses: [string, unknown][] = [
    ['GROUP BY', select.groupClause], ['HAVING', select.havingClause], ['WINDOW', select.windowClause], ['ORDER BY', select.sortClause],
    ['LIMIT', select.limitCount], ['OFFSET', select.limitOffset], ['FOR UPDATE', select.lockingClause],
  ];
  if (select.op !== undefined && select.op !== 'SETOP_NONE') return 'UNION, INTERSECT or EXCEPT';
  return clauses.find(([, value]) => value !== undefined)?.[0];
}
