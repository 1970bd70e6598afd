/** INSERT statements, a row each. */
import { quoteIdentifier, quoteLiteral } from '../util/quote.js';
import type { OutputColumn, RowWriter, Sink } from './rowWriter.js';

const PLAIN_NUMBER = /^-?\d+(\.\d+)?$/;
const NUMBER_TYPES = new Set(['int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'oid']);

/** A value as an SQL literal: numbers bare, all else quoted. */
export function sqlLiteral(value: string | null, typeName: string): string {
  if (value === null) return 'NULL';
  if (NUMBER_TYPES.has(typeName) && PLAIN_NUMBER.test(value)) return value;
  if (typeName === 'bool') return value === 't' ? 'true' : 'false';
  return quoteLiteral(value);
}

export class InsertWriter implements RowWriter {
  private readonly head: string;

  constructor(private readonly columns: readonly OutputColumn[], private readonly sink: Sink, target: string) {
    this.head = `INSERT INTO ${target} (${columns.map((column) => quoteIdentifier(column.name)).join(', ')}) VALUES (`;
  }

  row(values: readonly (string | null)[]): void {
    this.sink(`${this.head}${values.map((value, i) => sqlLiteral(value, this.columns[i]!.typeName)).join(', ')});\n`);
  }

  end(): void {
    // statements stand alone
  }
}
