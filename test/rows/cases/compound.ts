import { AWKWARD, type TypeCase } from './typeCase.js';

const arrayOf = (items: readonly string[]): string => `{${items.map((t) => (t === 'NULL' ? t : `"${t.replace(/["\\]/g, '\\$&')}"`)).join(',')}}`;

export const COMPOUND_CASES: readonly TypeCase[] = [
  { name: 'int4_array', type: 'int4[]', values: ['{}', '{1}', '{1,2,3}', '{1,NULL,3}', '{NULL}', '{{1,2},{3,4}}', '{{{1,2},{3,NULL}},{{5,6},{7,8}}}', '[0:1]={1,2}', '[-3:-2][5:6]={{1,2},{3,4}}', { sql: '(SELECT array_agg(i) FROM generate_series(1, 5000) i)' }, '[1:2][0:0]={{1},{2}}'] },
  { name: 'bool_array', type: 'bool[]', values: ['{t,f,NULL}', '{}'] },
  { name: 'int2_array', type: 'int2[]', values: ['{1,-2,NULL,32767}'] },
  { name: 'int8_array', type: 'int8[]', values: ['{1,-2,NULL,9223372036854775807}', '{NULL,1}'] },
  { name: 'float8_array', type: 'float8[]', values: ['{1.5,NaN,-Infinity,NULL,1e300}'] },
  { name: 'numeric_array', type: 'numeric[]', values: ['{1.50,NaN,NULL,123456789.123456789}'] },
  {
    name: 'text_array', type: 'text[]',
    values: ['{}', '{""}', '{NULL,"NULL","null","nUll"}', '{"a b","a,b","a\\"b","a\\\\b","{","}"," x "}', { sql: "ARRAY[E'\\t', E'\\n', E'\\v', E'\\f', E'\\r', 'ä', 'x;y']" }, { sql: "(SELECT array_agg(repeat('abc', i)) FROM generate_series(1, 300) i)" }],
    random: (r) => arrayOf(Array.from({ length: r.int(0, 6) }, () => r.text(6, AWKWARD))), randomCount: 200,
  },
  { name: 'name_array', type: 'name[]', values: ['{a,"b c",NULL}'] },
  { name: 'timestamptz_array', type: 'timestamptz[]', values: ['{2026-01-01 00:00:00+00,NULL,infinity}'], zones: ['UTC', 'Europe/Berlin'] },
  { name: 'uuid_array', type: 'uuid[]', values: ['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}'] },
  { name: 'jsonb_array', type: 'jsonb[]', values: [{ sql: `ARRAY['{"a": [1, "x"]}'::jsonb, NULL, '"q"', '1']` }] },
  { name: 'char_array', type: '"char"[]', values: ['{a,b,NULL}', { sql: "ARRAY[''::\"char\", 'x']" }] },
  { name: 'bytea_array', type: 'bytea[]', values: [{ sql: "ARRAY['\\x00ff'::bytea, '', NULL]" }] },
  { name: 'oidvector_array', type: 'oidvector[]', values: [{ sql: "ARRAY['1 2'::oidvector, '']" }] },
  { name: 'mood', type: 'mood', setup: "CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy', '\"quoted\"')", values: ['sad', 'ok', 'very happy', '"quoted"'] },
  { name: 'mood_array', type: 'mood[]', values: ['{sad,"very happy",NULL}', { sql: "ARRAY['\"quoted\"'::mood]" }] },
  { name: 'posint', type: 'posint', setup: 'CREATE DOMAIN posint AS int4 CHECK (VALUE > 0)', values: ['1', '77'] },
  { name: 'posint_array', type: 'posint[]', values: ['{1,2}'] },
  { name: 'intlist', type: 'intlist', setup: 'CREATE DOMAIN intlist AS int4[]', values: ['{1,2}', '[2:3]={1,NULL}'] },
  { name: 'intlist_array', type: 'intlist[]', values: [{ sql: "ARRAY['{1,2}'::intlist, '{3}'::intlist]" }] },
  { name: 'pair', type: 'pair', setup: 'CREATE TYPE pair AS (a int2, b text, c float8)', values: ['(1,x,2.5)', '(,,)', '(1,"",)', '(1," ",)', { sql: `ROW(3, E'a"b\\\\c,d(e)f\\n', 1e100)` }], random: (r) => `(${r.int(-9, 9)},"${r.text(8, AWKWARD).replace(/["\\]/g, '$&$&')}",${r.pick(['', '1.25'])})`, randomCount: 100 },
  { name: 'pair_array', type: 'pair[]', values: [{ sql: "ARRAY[ROW(1, 'x y', NULL)::pair, NULL, ROW(NULL, '', 2)::pair]" }] },
  { name: 'nest', type: 'nest', setup: 'CREATE TYPE nest AS (p pair, list text[], m mood, d posint)', values: [{ sql: `ROW(ROW(1, 'a "b"', 2)::pair, ARRAY['x, y', NULL], 'very happy', 5)` }, { sql: 'ROW(NULL, NULL, NULL, NULL)' }, { sql: "ROW(ROW(1, repeat('long', 2000), 2)::pair, NULL, 'ok', 1)" }] },
  {
    name: 'shrunk', type: 'shrunk', values: [{ sql: "ROW(1, 'c', 2)" }],
    setup: 'CREATE TYPE shrunk AS (a int4, b int8, c text); ALTER TYPE shrunk DROP ATTRIBUTE b; ALTER TYPE shrunk ADD ATTRIBUTE d int2',
  },
  { name: 'pair_domain', type: 'dpair', setup: 'CREATE DOMAIN dpair AS pair', values: [{ sql: "ROW(1, 'z', 2)::pair" }] },
  { name: 'int42', type: 'int42', setup: "CREATE TYPE int42; CREATE FUNCTION int42_in(cstring) RETURNS int42 AS 'int4in' LANGUAGE internal STRICT IMMUTABLE; CREATE FUNCTION int42_out(int42) RETURNS cstring AS 'int4out' LANGUAGE internal STRICT IMMUTABLE; CREATE TYPE int42 (internallength = 4, input = int42_in, output = int42_out, alignment = int4, passedbyvalue)", values: ['42', '-1'] },
];
