/** Rows and expressions for the comparison of `--where` with a server's WHERE. */
import type { WhereColumn } from '../../../src/query/where/index.js';

export const ENUM_LABELS = ['sad', 'ok', 'happy', 'Ünüsual'];

export const COLUMNS: readonly (WhereColumn & { sql: string })[] = [
  { name: 'id', typeName: 'int4', sql: 'int' },
  { name: 'i2', typeName: 'int2', sql: 'smallint' },
  { name: 'i4', typeName: 'int4', sql: 'int' },
  { name: 'i8', typeName: 'int8', sql: 'bigint' },
  { name: 'n', typeName: 'numeric', sql: 'numeric' },
  { name: 'n2', typeName: 'numeric', sql: 'numeric(12,2)' },
  { name: 'f4', typeName: 'float4', sql: 'real' },
  { name: 'f8', typeName: 'float8', sql: 'float8' },
  { name: 'b', typeName: 'bool', sql: 'bool' },
  { name: 't', typeName: 'text', sql: 'text', collation: 'C' },
  { name: 'v', typeName: 'varchar', sql: 'varchar(40)', collation: 'C' },
  { name: 'c', typeName: 'bpchar', sql: 'char(8)', collation: 'C' },
  { name: 'nm', typeName: 'name', sql: 'name', collation: 'C' },
  { name: 'd', typeName: 'date', sql: 'date' },
  { name: 'ts', typeName: 'timestamp', sql: 'timestamp' },
  { name: 'tz', typeName: 'timestamptz', sql: 'timestamptz' },
  { name: 'tm', typeName: 'time', sql: 'time' },
  { name: 'ttz', typeName: 'timetz', sql: 'timetz' },
  { name: 'iv', typeName: 'interval', sql: 'interval' },
  { name: 'u', typeName: 'uuid', sql: 'uuid' },
  { name: 'by', typeName: 'bytea', sql: 'bytea' },
  { name: 'j', typeName: 'json', sql: 'json' },
  { name: 'jb', typeName: 'jsonb', sql: 'jsonb' },
  { name: 'e', typeName: 'mood', enumLabels: ENUM_LABELS, sql: 'mood' },
  { name: 'ai', typeName: '_int4', sql: 'int[]' },
  { name: 'at', typeName: '_text', sql: 'text[]', collation: 'C' },
  { name: 'ae', typeName: '_mood', enumLabels: ENUM_LABELS, sql: 'mood[]' },
  { name: 'o', typeName: 'oid', sql: 'oid' },
  { name: 'Odd Name', typeName: 'int4', sql: 'int' },
];

/** Values per column, as SQL literals; row r takes value r modulo their number, and every column has its NULLs. */
export const VALUES: Readonly<Record<string, readonly string[]>> = {
  i2: ['0', '1', '-1', '32767', '-32768', '7', 'NULL'],
  i4: ['0', '1', '-1', '2147483647', '-2147483648', '42', '1000', 'NULL', '10', '3'],
  i8: ['0', '1', '-1', '9223372036854775807', '-9223372036854775808', '4611686018427387905', '42', 'NULL', '3000000000'],
  n: ['0', '1', '1.0', '1.5', '-1.5', '2.5', "'NaN'", '123456789012345678901234567890.123456789', '0.00001', 'NULL', '1e20', '-0.5', '42', "'Infinity'", "'-Infinity'"],
  n2: ['0', '1.50', '-1.50', '99.99', '1234567890.12', 'NULL', '0.01', "'NaN'", '2.50'],
  f4: ['0', '0.1', '-0.1', '1.5', '3.4e38', "'NaN'", "'Infinity'", "'-Infinity'", 'NULL', '16777216', "'-0'"],
  f8: ['0', '0.1', '-0.1', '1.5', '2.5', '1e300', "'NaN'", "'Infinity'", "'-Infinity'", 'NULL', '9007199254740993', "'-0'", '3'],
  b: ['true', 'false', 'NULL'],
  t: ["'abc'", "'ABC'", "''", "' abc '", "'a%c'", "'a_c'", "'a\\b'", "'äöü'", "'ÄÖÜ'", "'ß'", "U&'\\+01F600x'", "U&'\\FFFDx'", 'NULL', "'100'", "E'line1\\nline2'", "'abcdef'", "'(x)'", "'null'", "'2026-01-01'", "'z'"],
  v: ["'abc'", "'Abc'", "''", "'abc '", "'42'", 'NULL', "'true'", "'b'", "'1.50'"],
  c: ["'abc'", "'ab'", "''", "'abc   '", 'NULL', "'ABC'", "'12345678'"],
  nm: ["'abc'", "'pg_class'", "''", 'NULL', "'Zed'"],
  d: ["'2026-01-01'", "'2024-02-29'", "'1999-12-31'", "'infinity'", "'-infinity'", 'NULL', "'0044-03-15 BC'", "'2000-01-01'", "'12026-07-04'", "'2026-03-29'", "'2020-12-31'"],
  ts: ["'2026-01-01 00:00:00'", "'2026-01-01 12:34:56.789012'", "'2024-02-29 23:59:59.999999'", "'infinity'", "'-infinity'", 'NULL', "'0044-03-15 10:00:00 BC'", "'2026-03-29 02:30:00'", "'1999-12-31 23:59:59.5'"],
  tz: ["'2026-01-01 00:00:00+00'", "'2026-01-01 02:00:00+02'", "'2026-03-29 01:30:00+00'", "'2025-10-26 00:30:00+00'", 'NULL', "'infinity'", "'-infinity'", "'1999-12-31 23:59:59.123456+00'"],
  tm: ["'00:00'", "'23:59:59.999999'", "'12:00'", "'24:00'", 'NULL', "'01:02:03.5'"],
  ttz: ["'12:00+00'", "'14:00+02'", "'12:00-05'", 'NULL'],
  iv: ["'1 day'", "'24 hours'", "'1 mon'", "'30 days'", "'-1 day'", "'1 year 2 mons 3 days 04:05:06.789'", "'0'", 'NULL', "'-04:05:06'", "'1 mon -1 day'", "'-1 mon 1 day'"],
  u: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", 'NULL'],
  by: ["'\\xdeadbeef'", "''", "'\\x00'", "'\\xff'", 'NULL', "'abc'"],
  j: [`'{"a": 1, "b": [1, 2, {"c": null}], "a": 2}'`, `'[1,  "x", null]'`, `'"str"'`, "'null'", 'NULL', "'1.50'", `'{"s": "t\\u00e4xt"}'`],
  jb: [`'{"a": 1, "b": {"c": "x"}, "tags": ["p", "q"]}'`, `'[1, 2.0, "x", null, {"k": true}]'`, `'"str"'`, "'null'", 'NULL', "'1.50'", "'true'", `'{"a": "1", "tags": []}'`, "'{}'", "'[]'", `'{"a": null, "longer": 1, "bb": [1, [2, 3]]}'`],
  e: ["'sad'", "'ok'", "'happy'", 'NULL', "'Ünüsual'"],
  ai: ["'{1,2,3}'", "'{}'", "'{1,NULL,3}'", 'NULL', "'{{1,2},{3,4}}'", "'[2:4]={7,8,9}'", "'{3,2,1}'", "'{1,2}'"],
  at: [`'{a,b}'`, `'{}'`, `'{"x y","q\\"r",NULL,"null",""}'`, 'NULL', `'{ä}'`, `'{b,a}'`],
  ae: ["'{sad,happy}'", "'{}'", 'NULL', "'{ok,NULL}'"],
  o: ['0', '1', '4294967295', 'NULL', '16384'],
  'Odd Name': ['1', '2', 'NULL'],
};

export const ROW_COUNT = 60;

/** Literals that each column is compared with, by every comparison operator and form below. */
const LITERALS: Readonly<Record<string, readonly string[]>> = {
  i2: ['0', "'7'", '32767.0', '1.5', '-1', 'NULL', '40000', 'i4', 'f4'],
  i4: ['0', '42', "'42'", "' 1 '", '1.5', '1e0', '3000000000', 'i8', 'n', 'f8', 'i2', 'NULL', '0x2A'],
  i8: ['42', "'9223372036854775807'", '4611686018427387904.5', '4611686018427387904', '9007199254740993::float8', 'n', '-9223372036854775808'],
  n: ['1', "'1.50'", '1.5', "'NaN'", "'Infinity'", '0.00001', '1e20', 'f8', 'i4', 'n2', '1.5::float8', "' -0.5e0 '"],
  n2: ['1.5', '99.990', '0.01::float8', 'n', "'2.50'"],
  f4: ['0.1', "'0.1'", '0.1::real', "'NaN'", '1.5', '0', 'f8', 'i4', "'infinity'"],
  f8: ['0.1', "'0.1'", '0', '-0.0', "'NaN'", "'-infinity'", 'n', '1e300', '9007199254740992', 'f4'],
  b: ['true', "'t'", "'no'", 'false', 'NULL', '(1 = 1)'],
  t: ["'abc'", "''", "'äöü'", 'v', 'nm', "U&'\\+01F600'", "U&'\\FFFD'", "'Z'", "'a'::varchar", 'NULL', 'c'],
  v: ["'abc'", "'abc '", 't', "'b'", 'c', 'nm'],
  c: ["'abc'", "'abc  '", "'abc'::text", 't', 'v', "'ab'::char(2)", "'abc'::char(5)"],
  nm: ["'abc'", "'b'", 't', "'pg_class'::name"],
  d: ["'2026-01-01'", "'20260101'", "'Jan 1, 2026'", "'1 January 2026'", "'infinity'", "'0044-03-15 BC'", "date '2024-02-29'", 'ts', 'tz', "'2026-01-01'::timestamp", "'2026-01-01 01:00+01'::timestamptz", "'12026-07-04'"],
  ts: ["'2026-01-01'", "'2026-01-01 12:34:56.789012'", "'2026-01-01T12:34:56.789012'", "'infinity'", 'd', 'tz', "'epoch'", "'2026-01-01 03:00 PM'", "'0044-03-15 10:00:00 BC'", "timestamp '2024-02-29 23:59:59.999999'", "'2026-01-01 00:00:00+05'"],
  tz: ["'2026-01-01'", "'2026-01-01 00:00:00Z'", "'2026-01-01 05:30+05:30'", "'2026-03-29 03:30 Europe/Berlin'", "'2025-10-26 02:30 Europe/Berlin'", "'-infinity'", 'd', 'ts', "'2026-01-01 00:00:00+0000'", "timestamptz '1999-12-31 23:59:59.123456+00'"],
  tm: ["'12:00'", "'12:00:00.000'", "'01:02:03.5'", "'11:00 PM'", "time '24:00'"],
  ttz: ["'12:00+00'", "'14:00+02'", "timetz '12:00-05'"],
  iv: ["'1 day'", "'1 month'", "'P1M'", "'P1Y2M3DT4H5M6.789S'", "'24:00:00'", "'1 day ago'", "interval '30 days'", "'3 days 04:05:06'", "'1-2'", "'1.5 months'", "'2 weeks'", "'0'", "'@ 1 hour 30 mins'"],
  u: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'", "'a0eebc999c0b4ef8bb6d6bb9bd380a11'"],
  by: ["'\\xDEADBEEF'", "'\\x'", "'abc'", "'\\000'", "'\\xff'::bytea"],
  e: ["'ok'", "'happy'::mood", "'Ünüsual'", 'NULL'],
  ai: ["'{1,2,3}'", "'{}'", 'ARRAY[1,2]', "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[2:4]={7,8,9}'"],
  at: ["'{a,b}'", "ARRAY['a','b']", "'{}'::text[]", `'{"x y","q\\"r",NULL,"null",""}'`],
  ae: ["'{sad,happy}'", "'{ok,NULL}'::mood[]"],
  o: ['1', "'4294967295'", '16384', '-1', 'i8', '4294967295'],
  '"Odd Name"': ['1', '"Odd Name"'],
};

const FORMS: readonly ((column: string, literal: string) => string)[] = [
  ...['=', '<>', '<', '<=', '>', '>='].map((op) => (column: string, literal: string) => `${column} ${op} ${literal}`),
  (column, literal) => `${literal} > ${column}`,
  (column, literal) => `${column} IS DISTINCT FROM ${literal}`,
  (column, literal) => `NOT (${column} IS NOT DISTINCT FROM ${literal})`,
  (column, literal) => `${column} BETWEEN ${literal} AND ${literal}`,
  (column, literal) => `${column} NOT IN (${literal})`,
];

export function generatedExpressions(): string[] {
  return Object.entries(LITERALS).flatMap(([column, literals]) => literals.flatMap((literal) => FORMS.map((form) => form(column, literal))));
}
