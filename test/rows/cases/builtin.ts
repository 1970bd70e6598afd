import { AWKWARD, type Random, type TypeCase } from './typeCase.js';

const number = (r: Random): string => r.pick(['0', '-0', '1', '-1.5', '1e300', '3.14159', 'NaN', 'Infinity', '-Infinity', '1e-7', '123456789012345680']);
const point = (r: Random): string => `(${number(r)},${number(r)})`;
const points = (r: Random): string => Array.from({ length: r.int(1, 6) }, () => point(r)).join(',');
const finitePoint = (r: Random): string => `(${r.int(-99, 99) / 8},${r.int(-9999, 9999) / 100})`;

const word = (r: Random): string => `'${r.text(6, ['a', 'b', 'z', ' ', "'", '\\', ':', '&', 'ä', '日', '9']).replace(/['\\]/g, '$&$&')}x'`;

function tsquery(r: Random, depth: number): string {
  if (depth === 0 || r.next() < 0.25) return word(r) + r.pick(['', '', ':*', ':A', ':bc', ':*abcd', ':D']);
  const operator = r.pick([' & ', ' | ', ' <-> ', ' <3> ', '!']);
  if (operator === '!') return `!(${tsquery(r, depth - 1)})`;
  return `(${tsquery(r, depth - 1)})${operator}(${tsquery(r, depth - 1)})`;
}

function tsvector(r: Random): string {
  return Array.from({ length: r.int(0, 12) }, () => word(r) + r.pick(['', ':1', ':3A,5B', ':16383', ':1,2,3C,900'])).join(' ');
}

function inet6(r: Random): string {
  return `${Array.from({ length: 8 }, () => r.pick(['0', '0', '1', 'ffff', 'a0b', '8000'])).join(':')}${r.pick(['', '/64', '/0', '/127'])}`;
}

const orderedInts = (r: Random): string => {
  const low = r.int(-100, 100);
  return `[${r.pick(['', String(low)])},${r.pick(['', String(low + r.int(1, 50))])})`;
};

export const BUILTIN_CASES: readonly TypeCase[] = [
  { name: 'money', type: 'money', values: ['0', '1', '-1', '0.05', '-0.05', '1234.5', '-1234567.89', '999.99', '1000', '92233720368547758.07', '-92233720368547758.08', '100000'] },
  { name: 'bit', type: 'bit(11)', values: ['00000000000', '11111111111', '10101010101', { sql: "B'00000001111'" }] },
  { name: 'varbit', type: 'varbit', values: ['', '0', '1', '10000001', '100000011', { sql: "repeat('10', 3000)::varbit" }] },
  { name: 'bit_array', type: 'bit(3)[]', values: ['{101,NULL,000}'] },
  { name: 'inet', type: 'inet', values: ['0.0.0.0', '192.168.1.1', '192.168.1.1/24', '10.0.0.0/0', '255.255.255.255/32', '::', '::1', '::ffff:1.2.3.4', '::1.2.3.4', '::1.2.3.4/96', '2001:db8::1/64', '1::', '::1:0:0:0', 'fe80::1:2:3:4', '::ffff:0:0', '::2', '0:0:0:0:0:0:1:0', '0:0:1::'], random: inet6, randomCount: 200 },
  { name: 'cidr', type: 'cidr', values: ['0.0.0.0/0', '192.168.1.0/24', '10.1.2.3/32', '::/0', '2001:db8::/32', '::1/128', '::ffff:1.2.3.0/120'] },
  { name: 'macaddr', type: 'macaddr', values: ['08:00:2b:01:02:03', 'ff:ff:ff:ff:ff:ff'] },
  { name: 'macaddr8', type: 'macaddr8', values: ['08:00:2b:01:02:03:04:05', 'ff:ff:ff:ff:ff:ff:ff:fe'] },
  { name: 'point', type: 'point', values: ['(0,0)', '(-1.5,1e300)'], random: point, randomCount: 50 },
  { name: 'lseg', type: 'lseg', values: ['[(0,0),(1,1)]'], random: (r) => `[${point(r)},${point(r)}]`, randomCount: 30 },
  { name: 'path', type: 'path', values: ['[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '[(1,2)]', { sql: "(SELECT ('[' || string_agg('(' || i || ',' || i / 7.0 || ')', ',') || ']')::path FROM generate_series(1, 500) i)" }], random: (r) => r.pick([`[${points(r)}]`, `(${points(r)})`]), randomCount: 50 },
  { name: 'box', type: 'box', values: ['(1,1),(0,0)', '(0,5),(3,1)'], random: (r) => `${finitePoint(r)},${finitePoint(r)}`, randomCount: 30 },
  { name: 'polygon', type: 'polygon', values: ['((0,0),(1,1),(2,0))', '((1,2))'], random: (r) => `(${points(r)})`, randomCount: 50 },
  { name: 'line', type: 'line', values: ['{1,-1,0}', '{0,2.5,-3}', '[(0,0),(1,3)]'] },
  { name: 'circle', type: 'circle', values: ['<(0,0),1>', '<(1.5,-2),0>', '<(1e10,0.1),3.3>'] },
  { name: 'box_array', type: 'box[]', values: ['{(1,1),(0,0);(2,2),(1,1)}', '{NULL;(2,2),(1,1)}'] },
  { name: 'point_array', type: 'point[]', values: ['{"(1,2)",NULL,"(3,4)"}'] },
  { name: 'int4range', type: 'int4range', values: ['empty', '(,)', '[1,5)', '[1,5]', '(,5]', '[3,)'], random: orderedInts, randomCount: 50 },
  { name: 'int8range', type: 'int8range', values: ['[1,9223372036854775806]', '(,9]'] },
  { name: 'numrange', type: 'numrange', values: ['[1.50,2.5]', '(0,1e30)', '[NaN,NaN]', '(,)', { sql: "numrange(1, repeat('9', 2000)::numeric)" }] },
  { name: 'daterange', type: 'daterange', values: ['[2026-01-01,2026-02-01)', '[0044-03-15 BC,infinity]', '(-infinity,2026-01-01)'] },
  { name: 'tsrange', type: 'tsrange', values: ['[2026-01-01 00:00,2026-01-02 12:30:15.5)', '(,2026-01-01]', '[-infinity,infinity]'] },
  { name: 'tstzrange', type: 'tstzrange', values: ['[2026-01-01 00:00+00,2026-07-02 12:30:15.5+00)', '(,infinity)'], zones: ['UTC', 'America/New_York'] },
  {
    name: 'textrange', type: 'textrange', setup: 'CREATE TYPE textrange AS RANGE (subtype = text, collation = "C")',
    values: ['[a,b]', '["",a)', { sql: `textrange(E'a"b\\\\c', 'x y', '[]')` }, { sql: "textrange('(', ']', '()')" }, { sql: "textrange('a', repeat('b', 3000))" }, { sql: "textrange(E'\\n', ',')" }, { sql: "textrange(repeat('a', 130), repeat('b', 130))" }],
  },
  { name: 'rangerange', type: 'rangerange', setup: 'CREATE TYPE rangerange AS RANGE (subtype = int4range)', values: [{ sql: "rangerange('[1,2)', '[5,6)')" }] },
  { name: 'int4range_array', type: 'int4range[]', values: [{ sql: "ARRAY['[1,2)'::int4range, 'empty', NULL, '(,)']" }] },
  { name: 'range_domain', type: 'drange', setup: 'CREATE DOMAIN drange AS int4range', values: ['[1,2)'] },
  { name: 'int4multirange', type: 'int4multirange', since: 14, values: ['{}', '{[1,2)}', '{[1,2),[5,9),[20,)}', '{(,)}', { sql: "(SELECT range_agg(int4range(i * 10, i * 10 + 3)) FROM generate_series(1, 300) i)" }], random: (r) => `{${Array.from({ length: r.int(1, 7) }, () => orderedInts(r)).join(',')}}`, randomCount: 50 },
  { name: 'nummultirange', type: 'nummultirange', since: 14, values: ['{[1.5,2.25],(3,4)}', '{(,1),[2,)}'] },
  { name: 'tstzmultirange', type: 'tstzmultirange', since: 14, values: ['{[2026-01-01 00:00+00,2026-02-01 00:00+00),[2026-07-01 00:00+00,)}'], zones: ['UTC', 'Europe/Berlin'] },
  { name: 'textmultirange', type: 'textmultirange', since: 14, values: [{ sql: `textmultirange(textrange('a', 'bb'), textrange('c', 'c d'), textrange('e', repeat('f', 300)), textrange('g', 'h"i'), textrange('j', 'k'), textrange('l', ''  || 'm'))` }] },
  { name: 'multirange_array', type: 'int4multirange[]', since: 14, values: [{ sql: "ARRAY['{[1,2),[4,5)}'::int4multirange, NULL, '{}']" }] },
  { name: 'tsvector', type: 'tsvector', values: ['', "a fat cat", "'a b':1A,2B c:3", { sql: "to_tsvector('english', repeat('The quick brown foxes jumped over lazy dogs. ', 50))" }, { sql: "(SELECT array_to_tsvector(array_agg('w' || i)) FROM generate_series(1, 2000) i)" }], random: tsvector, randomCount: 150 },
  { name: 'tsquery', type: 'tsquery', values: ['', 'a', '!a', 'a & b | c', '(a | b) & c', '!(a & b)', 'a <-> b <-> c', 'a <-> (b <-> c)', '!a <-> b', 'a:*AB & b:D', "'it''s' & 'back\\\\slash'", 'a <10> b'], random: (r) => tsquery(r, 4), randomCount: 300 },
  {
    name: 'jsonpath', type: 'jsonpath',
    values: [
      '$', 'strict $.a', 'lax $.a.b[*].c', '$.*', '$.**', '$.**{2}', '$.**{2 to 5}', '$.**{2 to last}', '$.**{last}', '$[0]', '$[0,1 to 3,last]', '$[last - 1]', '$."key with \\"quote\\""', '$var', '$."ä"', '$ ? (@.a > 1 && @.b == "x")', '$ ? (@.a < 1 || !(@.b >= 2))', '$ ? ((@.a == 1) is unknown)', '$ ? (exists (@.x))',
      '$ ? (@ like_regex "^a.*b$" flag "i")', '$ ? (@ like_regex "x" flag "ismxq")', '$ ? (@ like_regex "plain")', '$ ? (@ starts with "abc")', '$.a + 1', '-$.a * (2 + 3) - 4 / 5 % 6', '(1 + 2) * 3', '1 + 2 * 3', '$.type()', '$.size()', '$.abs().floor().ceiling().double()', '$.keyvalue()', '$.datetime()', '$.datetime("HH24:MI")', 'null', 'true', '"str"', '1.50', '(1).type()', '(-1.5).abs()', '+$.a', '$.a != 5',
      '$.a <> 5', '($.a + $.b).c', '$ ? (@.x == $y && (@.z > 0.1e2 || @.w <= 3))', '-(1 + 2)', '$[*] ? (@ > 3) ? (@ < 10).x', '2.5 * -$.x', '$.a ? (@.b ? (@.c == 1).d == 2)',
    ],
  },
  { name: 'jsonpath_17', type: 'jsonpath', since: 17, values: ['$.bigint()', '$.boolean()', '$.date()', '$.decimal()', '$.decimal(5)', '$.decimal(5,2)', '$.integer()', '$.number()', '$.string()', '$.time()', '$.time(3)', '$.time_tz(2)', '$.timestamp()', '$.timestamp_tz(6)'] },
  {
    name: 'xml', type: 'xml',
    values: ['<a/>', '<?xml version="1.0"?><a/>', '<?xml version="1.0" encoding="UTF-8"?>\n<a>ä</a>', '<?xml version="1.1" standalone="yes"?>\n<a/>', "<?xml version='1.0' standalone='no'?><a/>", '<?xml version="1.0" standalone="yes" ?><a/>', 'content only', '<?xml-stylesheet href="x"?><a/>', '', '\n<a/>', '<?xml version="1.0"?>\n\n<a/>', '<?xml   version = "1.0"   encoding = \'utf-8\' ?>text'],
  },
  { name: 'txid_snapshot', type: 'txid_snapshot', values: ['10:20:', '10:20:10,14,15', '1:9223372036854775807:5'] },
  { name: 'pg_snapshot', type: 'pg_snapshot', values: ['10:20:', '10:20:10,14,15'] },
  { name: 'regclass', type: 'regclass', values: ['pg_class', '"Odd Table"', { sql: '0' }, { sql: '999999' }], setup: 'CREATE TABLE "Odd Table" (a int)' },
  { name: 'regproc', type: 'regproc', values: ['int4out', '-', { sql: '999999' }] },
  { name: 'regprocedure', type: 'regprocedure', values: ['int4pl(int4,int4)', '-'] },
  { name: 'regoper', type: 'regoper', values: [{ sql: '0' }, { sql: '96' }, { sql: '999999' }] },
  { name: 'regoperator', type: 'regoperator', values: ['+(int4,int4)', { sql: '0' }] },
  { name: 'regtype', type: 'regtype', values: ['int4', 'text[]', '"char"', 'timestamptz', 'char', '-', { sql: '999999' }] },
  { name: 'regrole', type: 'regrole', values: ['postgres', '-'] },
  { name: 'regnamespace', type: 'regnamespace', values: ['pg_catalog', '"Odd Schema"', '-'], setup: 'CREATE SCHEMA "Odd Schema"' },
  { name: 'regcollation', type: 'regcollation', values: ['"C"', '"POSIX"', '-'] },
  { name: 'regconfig', type: 'regconfig', values: ['english', '-'] },
  { name: 'regdictionary', type: 'regdictionary', values: ['simple', '-'] },
  { name: 'regtype_array', type: 'regtype[]', values: ['{int4,"character varying",NULL}'] },
  { name: 'aclitem', type: 'aclitem', setup: 'CREATE ROLE "odd ""role"; CREATE ROLE plain_role1', values: ['postgres=arwdDxt/postgres', '=r/postgres', '=/postgres', 'plain_role1=a*r*w/postgres', '"odd ""role"=UC*T/plain_role1'] },
  { name: 'aclitem_14', type: 'aclitem', since: 16, values: ['postgres=sA*/postgres'] },
  { name: 'aclitem_17', type: 'aclitem', since: 17, values: ['postgres=m*s/postgres'] },
  { name: 'aclitem_array', type: 'aclitem[]', values: ['{postgres=arwdDxt/postgres,=r/postgres}', { sql: '(SELECT relacl FROM pg_class WHERE relname = $$pg_class$$)' }] },
  { name: 'pg_node_tree', type: 'pg_node_tree', setup: "CREATE TABLE has_default (a int DEFAULT 1 + 2, b text DEFAULT 'x' || 'y')", values: [{ sql: '(SELECT adbin FROM pg_attrdef ORDER BY oid LIMIT 1)' }, { sql: "(SELECT ev_action FROM pg_rewrite ORDER BY length(ev_action::text) DESC LIMIT 1)" }] },
  {
    name: 'pg_ndistinct', type: 'pg_ndistinct',
    setup: 'CREATE TABLE st AS SELECT i % 7 AS a, i % 14 AS b, i % 3 AS c, CASE WHEN i % 128 < 127 THEN i % 10 ELSE i END AS d, (CASE WHEN i % 128 < 127 THEN i % 10 ELSE i END) % 5 + i / 5000 AS e FROM generate_series(1, 10000) i; CREATE STATISTICS st_all ON a, b, c, d, e FROM st; ANALYZE st',
    values: [{ sql: '(SELECT stxdndistinct FROM pg_statistic_ext_data LIMIT 1)' }],
  },
  { name: 'pg_dependencies', type: 'pg_dependencies', values: [{ sql: '(SELECT stxddependencies FROM pg_statistic_ext_data LIMIT 1)' }] },
  { name: 'pg_mcv_list', type: 'pg_mcv_list', values: [{ sql: '(SELECT stxdmcv FROM pg_statistic_ext_data LIMIT 1)' }] },
  { name: 'everything_composite', type: 'every', setup: 'CREATE TYPE every AS (a money, b bit(3), c inet, d point, e box, f int4range, g tsvector, h jsonb, i interval, j macaddr)', values: [{ sql: "ROW('1.5', B'101', '::1/64', '(1,2)', '(1,1),(0,0)', '[1,2)', 'a:1 b', '{\"a\": [1]}', '1 day', '08:00:2b:01:02:03')" }, { sql: 'ROW(NULL, B\'101\', NULL, NULL, \'(1,1),(0,0)\', NULL, NULL, \'"x, y"\', NULL, NULL)' }] },
];

export const CONTRIB_CASES: readonly TypeCase[] = [
  { name: 'hstore', type: 'hstore', setup: 'CREATE EXTENSION hstore', values: ['', 'a=>1', 'a=>NULL', '"k e y"=>"v a l", b=>""', { sql: `hstore(ARRAY['q"', 'b\\s', ''], ARRAY['"', '\\', NULL])` }, { sql: "(SELECT hstore(array_agg('k' || i), array_agg(i::text)) FROM generate_series(1, 500) i)" }], random: (r) => Array.from({ length: r.int(0, 6) }, () => `"${r.text(5, AWKWARD).replace(/["\\]/g, '\\$&')}"=>${r.pick(['NULL', '"v,\\"="'])}`).join(','), randomCount: 50 },
  { name: 'hstore_array', type: 'hstore[]', values: [{ sql: "ARRAY['a=>1, b=>NULL'::hstore, NULL]" }] },
  { name: 'citext', type: 'citext', setup: 'CREATE EXTENSION citext', values: ['', 'MiXed', 'ÄÖ'] },
  { name: 'citext_array', type: 'citext[]', values: ['{Ab,"c d",NULL}'] },
  { name: 'ltree', type: 'ltree', setup: 'CREATE EXTENSION ltree', values: ['', 'Top', 'Top.Science.Astronomy', 'a.b1_.c'] },
  { name: 'lquery', type: 'lquery', values: ['*', '*.a.*', '*{2}.a', '*{2,}.a', '*{,3}.a', '*{2,4}.b', 'a@*%', 'a|b|c@', '!a|b.*', '*{0,0}', 'a.*{1}.!x@*'] },
  { name: 'lquery_13', type: 'lquery', values: ['a{2}', 'a|b{1,3}', 'a{,}', 'a{2,}', 'a{,5}.!b{1,}'] },
  { name: 'ltxtquery', type: 'ltxtquery', values: ['a', 'a & b', 'a | b & c', '(a | b) & !c', '!(a & b)', 'a@*% & !b', '!!a'] },
  { name: 'ltree_array', type: 'ltree[]', values: ['{a.b,c,NULL}'] },
  { name: 'cube', type: 'cube', setup: 'CREATE EXTENSION cube', values: ['(1,2,3)', '(1,2),(3,4)', '(0)', '0', '(1.5,1e300),(1.5,1e300)', '()', '(-0,NaN)', '(1,2),(1,3)'] },
  { name: 'seg', type: 'seg', setup: 'CREATE EXTENSION seg', values: ['1', '1.0', '-1.00', '0', '0.0', '10', '100', '1000', '1e3', '1e5', '1.5e10', '12345', '123456', '0.001', '0.00012', '1.2e-5', '-0.05', '1 .. 2', '<1', '>1.5', '~3.14', '1 .. ', '.. 2', '5(+-)0.3', '1.50 .. 2.50', '~1 .. ~3', '99.5', '999.95', '9.5', '0.5', '2.5', '12.5', '1e-40', '1200.0', '12000', '-1234.5', '-120'] },
  { name: 'ean13', type: 'ean13', setup: 'CREATE EXTENSION isn', values: ['978-0-393-04002-9', '4006381333931', '9771144875007', '9790230671187', '0036000291452', '5901234123457', '9791090636071', '2000000000008', '9789999999991'], random: (r) => ean13(`${r.pick(['978', '978', '978', '977', '979', '9790', '97910', '0', '40', '59', '14', '139', '380', '381', '999'])}`, r), randomCount: 800 },
  { name: 'isbn', type: 'isbn', values: ['0-393-04002-X', '9780393040029', '978-3-16-148410-0', '979-10-90636-07-1'], random: (r) => ean13(r.pick(['978', '97910', '9791']), r), randomCount: 800 },
  { name: 'isbn13', type: 'isbn13', values: ['0-393-04002-X', '9780393040029'] },
  { name: 'ismn', type: 'ismn', values: ['M-2306-7118-7', '9790230671187'], random: (r) => ean13('9790', r), randomCount: 100 },
  { name: 'issn', type: 'issn', values: ['1436-4522', '0378-5955', '2434-561X', '9771144875007'], random: (r) => ean13('977', r), randomCount: 50 },
  { name: 'upc', type: 'upc', values: ['036000291452', '012345678905'] },
  { name: 'isbn_weak', type: 'isbn', values: [{ sql: "'9780393040028!'" }] },
  { name: 'query_int', type: 'query_int', setup: 'CREATE EXTENSION intarray', values: ['1', '1&2', '1|2&3', '(1|2)&!3', '!(1&2)', '!!5', '1&(2|3)&4', '-7'] },
];

/** A number of the form that starts with `prefix`, with its right check digit. */
function ean13(prefix: string, r: Random): string {
  let digits = prefix;
  while (digits.length < 12) digits += String(r.int(0, 9));
  let sum = 0;
  for (let i = 0; i < 12; i++) sum += Number(digits[i]) * (i % 2 === 0 ? 1 : 3);
  return digits + String((10 - (sum % 10)) % 10);
}
