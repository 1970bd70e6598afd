/** JSON: numbers that JSON can hold exactly as numbers, int8 and numeric as strings, json and jsonb as themselves, NULL as null. */
import type { OutputColumn, RowWriter, Sink } from './rowWriter.js';
import { own } from '../util/own.js';

type JsonValue = (text: string) => string;

const asString: JsonValue = (text) => JSON.stringify(text);
const asNumber: JsonValue = (text) => text;
/** JSON knows no NaN and no infinity. */
const asFloat: JsonValue = (text) => (/^[-+.0-9eE]+$/.test(text) ? text : JSON.stringify(text));
const asBool: JsonValue = (text) => (text === 't' ? 'true' : 'false');

const JSON_VALUES: Record<string, JsonValue> = {
  int2: asNumber, int4: asNumber, oid: asNumber, float4: asFloat, float8: asFloat, bool: asBool, json: asNumber, jsonb: asNumber,
};

/** A row as a JSON object, its members in the order of the columns. */
export class JsonRows {
  private readonly keys: string[];
  private readonly values: JsonValue[];

  constructor(columns: readonly OutputColumn[]) {
    this.keys = columns.map((column) => JSON.stringify(column.name));
    this.values = columns.map((column) => own(JSON_VALUES, column.typeName) ?? asString);
  }

  object(row: readonly (string | null)[]): string {
    let text = '{';
    for (let i = 0; i < row.length; i++) {
      const value = row[i];
      text += `${i > 0 ? ',' : ''}${this.keys[i]!}:${value === null || value === undefined ? 'null' : this.values[i]!(value)}`;
    }
    return `${text}}`;
  }
}

/** One array of objects. */
export class JsonWriter implements RowWriter {
  private readonly rows: JsonRows;
  private count = 0;

  constructor(columns: readonly OutputColumn[], private readonly sink: Sink) {
    this.rows = new JsonRows(columns);
    sink('[');
  }

  row(values: readonly (string | null)[]): void {
    this.sink(`${this.count++ > 0 ? ',' : ''}\n${this.rows.object(values)}`);
  }

  end(): void {
    this.sink(this.count > 0 ? '\n]\n' : ']\n');
  }
}

/** One object a line. */
export class JsonlWriter implements RowWriter {
  private readonly rows: JsonRows;

  constructor(columns: readonly OutputColumn[], private readonly sink: Sink) {
    this.rows = new JsonRows(columns);
  }

  row(values: readonly (string | null)[]): void {
    // a json value may hold newlines; inside JSON they are white space
    this.sink(`${this.rows.object(values).replaceAll('\n', ' ').replaceAll('\r', ' ')}\n`);
  }

  end(): void {
    // a line each is all there is
  }
}
