/** INSERT statements, a row each. */
import { quoteIdentifier, quoteLiteral } from '../util/quote.js';
import type { OutputColumn, RowWriter, Sink } from './rowWriter.js';

/** A bare -0 would lose its sign. */
const PLAIN_NUMBER = /^(?!-0+(\.0+)?$)-?\d+(\.\d+)?$/;
const NUMBER_TYPES = new Set(['int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'oid']);

/** A value as an SQL literal: numbers bare, all else quoted. */
export function sqlLiteral(value: string | null, typeName: string): string {
  if (value === null) return 'NULL';
  if (NUMBER_TYPES.has(typeName) && PLAIN_NUMBER.test(value)) return value;
  if (typeName === 'bool') return value === 't' ? 'true' : 'false';
  return quoteLiteral(value);
}

/** Statements that a server takes: generated columns are left out, values of identity columns kept. */
export class InsertWriter implements RowWriter {
  private readonly head: string;
  /** Places of the columns that can be written. */
  private readonly places: number[];

  constructor(private readonly columns: readonly OutputColumn[], private readonly sink: Sink, target: string) {
    this.places = columns.flatMap((column, i) => (column.filledBy === 'expression' ? [] : [i]));
    const names = this.places.map((i) => quoteIdentifier(columns[i]!.name)).join(', ');
    const overriding = columns.some((column) => column.filledBy === 'identity') ? 'OVERRIDING SYSTEM VALUE ' : '';
    this.head = `INSERT INTO ${target} ${this.places.length === 0 ? 'DEFAULT VALUES' : `(${names}) ${overriding}VALUES (`}`;
  }

  row(values: readonly (string | null)[]): void {
    const literals = this.places.map((i) => sqlLiteral(values[i]!, this.columns[i]!.typeName)).join(', ');
    this.sink(`${this.head}${this.places.length === 0 ? '' : `${literals})`};\n`);
  }

  end(): void {
    // statements stand alone
  }
}
