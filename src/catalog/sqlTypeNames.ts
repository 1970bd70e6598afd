/** The types that SQL names otherwise than pg_type does: format_type_extended(), utils/adt/format_type.c. */
const VARHDRSZ = 4;
const lengthSuffix = (typmod: number): string => (typmod >= VARHDRSZ ? `(${typmod - VARHDRSZ})` : '');
const precision = (typmod: number): string => (typmod >= 0 ? `(${typmod})` : '');

/** numerictypmodout(): precision in the upper half, scale in eleven signed bits (unsigned sixteen before 15, where it was never negative). */
function numericName(typmod: number): string {
  if (typmod < VARHDRSZ) return 'numeric';
  const packed = typmod - VARHDRSZ;
  return `numeric(${(packed >>> 16) & 0xffff},${((packed & 0x7ff) ^ 1024) - 1024})`;
}

const INTERVAL_FIELDS: Record<number, string> = {
  0x0004: ' year', 0x0002: ' month', 0x0008: ' day', 0x0400: ' hour', 0x0800: ' minute', 0x1000: ' second', 0x0006: ' year to month',
  0x0408: ' day to hour', 0x0c08: ' day to minute', 0x1c08: ' day to second', 0x0c00: ' hour to minute', 0x1c00: ' hour to second', 0x1800: ' minute to second',
};

/** intervaltypmodout(): which fields, and the precision of the seconds. */
function intervalName(typmod: number): string {
  if (typmod < 0) return 'interval';
  const fields = INTERVAL_FIELDS[(typmod >>> 16) & 0x7fff] ?? '';
  return `interval${fields}${(typmod & 0xffff) === 0xffff ? '' : `(${typmod & 0xffff})`}`;
}

/** Types whose plain SQL name means a length of 1 where a column is declared. */
const UNMODIFIED_NAMES: Record<string, string> = { bit: 'bit', bpchar: 'character' };

const SQL_TYPE_NAMES: Record<string, (typmod: number) => string> = {
  bit: (m) => (m >= 0 ? `bit(${m})` : '"bit"'),
  bool: () => 'boolean',
  bpchar: (m) => (m >= VARHDRSZ ? `character${lengthSuffix(m)}` : 'bpchar'),
  char: () => '"char"',
  float4: () => 'real',
  float8: () => 'double precision',
  int2: () => 'smallint',
  int4: () => 'integer',
  int8: () => 'bigint',
  json: () => 'json',
  numeric: numericName,
  interval: intervalName,
  time: (m) => `time${precision(m)} without time zone`,
  timetz: (m) => `time${precision(m)} with time zone`,
  timestamp: (m) => `timestamp${precision(m)} without time zone`,
  timestamptz: (m) => `timestamp${precision(m)} with time zone`,
  varbit: (m) => `bit varying${precision(m)}`,
  varchar: (m) => `character varying${lengthSuffix(m)}`,
};

/** A type of pg_catalog as SQL writes it, with its modifier; -1: it has none, undefined: the type itself is named. Undefined where pg_type's name is SQL's. */
export function sqlTypeName(name: string, typmod?: number): string | undefined {
  if (typmod === undefined && Object.hasOwn(UNMODIFIED_NAMES, name)) return UNMODIFIED_NAMES[name];
  return Object.hasOwn(SQL_TYPE_NAMES, name) ? SQL_TYPE_NAMES[name]!(typmod ?? -1) : undefined;
}
