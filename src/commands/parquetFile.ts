/** A Parquet file of rows in PostgreSQL's output form: typed where Parquet has the type exactly, text otherwise. */
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { explainFsError } from '../layerfile/durable.js';
import type { OutputColumn } from '../output/rowWriter.js';
import { isInfiniteTimestamp, parseDate, parseTimestamp, parseTimestamptz } from '../query/where/datetime.js';
import { PG_EPOCH_UNIX_SECONDS } from '../util/pgTime.js';
import { UTC } from '../util/timeZone.js';
import { own } from '../util/own.js';

type Value = string | number | bigint | boolean | Uint8Array | undefined;
type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

interface ParquetType {
  element: Omit<SchemaElement, 'name'>;
  value(text: string): Value;
}

const EPOCH_MICROS = BigInt(PG_EPOCH_UNIX_SECONDS) * 1_000_000n;
const INT64_MAX = 0x7fff_ffff_ffff_ffffn;

/** Microseconds since 1970; the infinities as the ends of the range, as DuckDB has them, and so the last months of PostgreSQL's own range, which go beyond. */
function unixMicros(micros: bigint): bigint {
  if (isInfiniteTimestamp(micros)) return micros > 0n ? INT64_MAX : -INT64_MAX;
  const unix = micros + EPOCH_MICROS;
  return unix > INT64_MAX ? INT64_MAX : unix;
}

const INT32_MAX = 0x7fff_ffff;

/** Days since 1970; the infinities as the ends of the range. */
function unixDays(text: string): number {
  const days = parseDate(text);
  return Number.isFinite(days) ? days + PG_EPOCH_UNIX_SECONDS / 86_400 : days > 0 ? INT32_MAX : -INT32_MAX;
}

const FLOAT = (text: string): number => (text === 'Infinity' ? Infinity : text === '-Infinity' ? -Infinity : Number(text));
const TEXT: ParquetType = { element: { type: 'BYTE_ARRAY', converted_type: 'UTF8' }, value: (text) => text };
const TYPES: Record<string, ParquetType> = {
  bool: { element: { type: 'BOOLEAN' }, value: (text) => text === 't' },
  int2: { element: { type: 'INT32' }, value: Number },
  int4: { element: { type: 'INT32' }, value: Number },
  int8: { element: { type: 'INT64' }, value: BigInt },
  oid: { element: { type: 'INT64' }, value: BigInt },
  xid: { element: { type: 'INT64' }, value: BigInt },
  float4: { element: { type: 'DOUBLE' }, value: FLOAT },
  float8: { element: { type: 'DOUBLE' }, value: FLOAT },
  bytea: { element: { type: 'BYTE_ARRAY' }, value: (text) => Buffer.from(text.slice(2), 'hex') },
  date: { element: { type: 'INT32', converted_type: 'DATE' }, value: unixDays },
  timestamp: { element: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' } }, value: (text) => unixMicros(parseTimestamp(text)) },
  timestamptz: { element: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } }, value: (text) => unixMicros(parseTimestamptz(text, UTC)) },
};

const GROUP_ROWS = 50_000;

/** Takes rows one by one and writes a row group at a time. */
export class ParquetFile {
  private readonly types: ParquetType[];
  private readonly writer: ParquetWriter;
  private columns: Value[][];
  private rows = 0;

  constructor(private readonly file: string, private readonly header: readonly OutputColumn[], createdBy: string) {
    this.types = header.map((column) => own(TYPES, column.typeName) ?? TEXT);
    const schema: SchemaElement[] = [
      { name: 'root', num_children: header.length },
      ...header.map((column, i): SchemaElement => ({ name: column.name, repetition_type: 'OPTIONAL', ...this.types[i]!.element })),
    ];
    this.columns = header.map(() => []);
    this.writer = this.guarded(() => new ParquetWriter({ writer: fileWriter(file), schema, createdBy }));
  }

  row(values: readonly (string | null)[]): void {
    for (let i = 0; i < this.types.length; i++) {
      const value = values[i];
      this.columns[i]!.push(value === null || value === undefined ? undefined : this.types[i]!.value(value));
    }
    if (++this.rows >= GROUP_ROWS) this.flush();
  }

  end(): void {
    this.flush();
    this.guarded(() => this.writer.finish());
  }

  private flush(): void {
    if (this.rows === 0) return;
    const columnData = this.header.map((column, i) => ({ name: column.name, data: this.columns[i]! }));
    this.guarded(() => this.writer.write({ columnData }));
    this.columns = this.header.map(() => []);
    this.rows = 0;
  }

  private guarded<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw explainFsError(error, this.file);
    }
  }
}
