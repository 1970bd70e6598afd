import { AWKWARD, type Random, type TypeCase } from './typeCase.js';

function float64Literal(random: Random): string {
  const view = new DataView(new ArrayBuffer(8));
  do view.setBigUint64(0, random.bits64()); while (!Number.isFinite(view.getFloat64(0)));
  return String(view.getFloat64(0));
}

/** Whole numbers around 2^53 … 10^22 and few-digit decimals: where shortest digits meet the borders of rounding. */
function float64Awkward(random: Random): string {
  if (random.next() < 0.3) return String(2 ** random.int(-90, 0) * (random.uint32() % 1024 + 1));
  if (random.next() < 0.5) return String(2 ** random.int(40, 80) * (random.uint32() % 16 + 1) + random.uint32() % 7);
  return `${random.int(1, 9999)}e${random.int(-320, 304)}`;
}

function float32Literal(random: Random): string {
  const view = new DataView(new ArrayBuffer(4));
  do view.setUint32(0, random.uint32()); while (!Number.isFinite(view.getFloat32(0)));
  return String(view.getFloat32(0));
}

function numericLiteral(random: Random): string {
  const digits = (n: number): string => Array.from({ length: n }, () => random.int(0, 9)).join('');
  return `${random.pick(['', '-'])}${digits(random.int(1, 30))}${random.pick(['', `.${digits(random.int(1, 25))}`, `.${digits(3)}e${random.int(-40, 40)}`])}`;
}

export const BASIC_CASES: readonly TypeCase[] = [
  { name: 'bool', type: 'bool', values: ['t', 'f'] },
  { name: 'int2', type: 'int2', values: ['0', '1', '-1', '32767', '-32768'] },
  { name: 'int4', type: 'int4', values: ['0', '1', '-1', '2147483647', '-2147483648'], random: (r) => String(r.uint32() | 0), randomCount: 200 },
  {
    name: 'int8', type: 'int8', values: ['0', '-1', '9223372036854775807', '-9223372036854775808', '9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993', '4294967296', '-4294967296'],
    random: (r) => BigInt.asIntN(64, r.bits64() >> BigInt(r.int(0, 63))).toString(), randomCount: 200,
  },
  { name: 'oid', type: 'oid', values: ['0', '1', '2147483648', '4294967295'] },
  { name: 'xid', type: 'xid', values: ['0', '3', '4294967295'] },
  { name: 'cid', type: 'cid', values: ['0', '4294967295'] },
  { name: 'xid8', type: 'xid8', values: ['0', '3', '18446744073709551615', '9223372036854775808', '4294967296'] },
  { name: 'tid', type: 'tid', values: ['(0,1)', '(4294967295,65535)', '(65536,7)', '(0,0)'] },
  { name: 'pg_lsn', type: 'pg_lsn', values: ['0/0', '16/B374D848', 'FFFFFFFF/FFFFFFFF', 'FFFFFFFF/0', '7FFFFFFF/1', '1FFFFF/FFFFFFFF', '200000/0'] },
  { name: 'int2vector', type: 'int2vector', values: ['', '1', '1 -2 32767', '0 0 0 0'] },
  { name: 'oidvector', type: 'oidvector', values: ['', '23', '23 4294967295 0'] },
  { name: 'uuid', type: 'uuid', values: ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'] },
  {
    name: 'float8', type: 'float8',
    values: [
      '0', '-0', 'NaN', 'Infinity', '-Infinity', '1', '-1.5', '0.1', '1e14', '999999999999999', '1e15', '123456789012345680', '1e16', '1e21', '1e22', '1e23', '1e-4', '0.0001234', '1e-5', '0.00009999', '5e-324', '2.2250738585072014e-308',
      '2.225073858507201e-308', '1.7976931348623157e308', '9007199254740992', '9007199254740993', '9007199254740994', '9007199254740996', '1.8531501765868567e21', '-3.347727380279489e33', '1.9430376160308388e16', '-6.9741824662760956e19',
      '4.3816050601147837e18', '2.989102097996e-312', '4.708356024711512e18', '9.409340012568248e18', '1.2345678e0', '4.294967294', '4.294967295', '4.294967296', '5.764607523034235e39', '1.152921504606847e40', '2.305843009213694e40', '9.5e-3', '5e22',
      '3.1462737106000544e19', '1e42', '31245270191439438', '144115188075855872', '2.9802322387695312e-08', '0.3', '100', '123456.789', '0.001',
    ],
    random: (r) => (r.next() < 0.5 ? float64Literal(r) : float64Awkward(r)), randomCount: 1500,
  },
  {
    name: 'float4', type: 'float4',
    values: [
      '0', '-0', 'NaN', 'Infinity', '-Infinity', '1', '-1.5', '0.1', '100000', '999999', '1e6', '1234567', '16777216', '16777217', '33554432', '1e-4', '1e-5', '0.00012345', '1.4e-45', '1.1754942e-38', '1.17549435e-38', '3.4028235e38', '2097152.25', '2097152.75',
      '4194304.5', '8388608.5', '9.8567e7', '1.1754944e-38', '8.5899346e+09', '8.589973e9', '3.3554448e7', '1048576.25', '1048576.125', '5.0e-20', '6.7108864e17', '2.3509887e-38', '0.3', '123456.79', '1.5', '1.2e34',
    ],
    random: (r) => (r.next() < 0.6 ? float32Literal(r) : r.next() < 0.5 ? String(2 ** r.int(-20, 40) * (r.uint32() % 4096)) : `${r.int(1, 99999)}e${r.int(-44, 33)}`), randomCount: 1500,
  },
  {
    name: 'numeric', type: 'numeric',
    values: [
      '0', '0.0', '0.00', '-0.5', '1', '-1', '10', '100', '9999', '10000', '10001', '100000000', '0.0001', '0.00001', '0.00000001', '12345.6789', '12345.67890', '1e-16383', '1e131071', '-1e131071', 'NaN', '1e100', '1.5e-100', '123456789012345678901234567890.123456789',
      { sql: "repeat('9', 131072)" }, { sql: "repeat('7', 131072) || '.' || repeat('3', 16383)" }, { sql: "'0.' || repeat('0', 16382) || '1'" }, { sql: "'1' || repeat('0', 5000)" }, '0.10', '1000000.000', '99999999.9999', '1e64', '1e63', '1e-64',
    ],
    random: numericLiteral, randomCount: 500,
  },
  { name: 'numeric_infinity', type: 'numeric', values: ['Infinity', '-Infinity', 'NaN'], since: 14 },
  { name: 'numeric_10_2', type: 'numeric(10,2)', values: ['1', '1.005', '-99999999.99'] },
  { name: 'numeric_negative_scale', type: 'numeric(3,-3)', values: ['123456', '-654321'], since: 15 },
  {
    name: 'text', type: 'text',
    values: ['', 'a', 'plain', 'tab\tand\nnewline', 'back\\slash', 'äöü€日本𝄞', { sql: "repeat('x', 126)" }, { sql: "repeat('x', 127)" }, { sql: "repeat('compress me ', 1000)" }, { sql: "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3000) i)" }, { sql: "(SELECT string_agg(md5(i::text) || repeat('z', 20), '') FROM generate_series(1, 9000) i)" }],
    random: (r) => r.text(200, AWKWARD), randomCount: 100,
  },
  { name: 'text_external', type: 'text', setup: 'STORAGE EXTERNAL', values: [{ sql: "repeat('y', 1996 * 3)" }, { sql: "repeat('y', 1996 * 3 + 1)" }, { sql: "repeat('y', 5000)" }] },
  { name: 'varchar', type: 'varchar(300)', values: ['', 'abc', 'trailing  '] },
  { name: 'bpchar', type: 'char(10)', values: ['', 'abc', 'äöü', '1234567890'] },
  { name: 'char', type: '"char"', values: ['', 'a', '\\', { sql: "''" }] },
  { name: 'char_octal', type: '"char"', values: ['\\200', '\\377', '\\101'], since: 15 },
  { name: 'name', type: 'name', values: ['', 'pg_class', 'Odd Name', { sql: "repeat('n', 63)" }, 'ünïcödé'] },
  { name: 'bytea', type: 'bytea', values: ['', '\\x', '\\x00', '\\xdeadbeef', { sql: "decode(repeat('00ff80', 5000), 'hex')" }, { sql: "decode(repeat('0123456789abcdef', 10), 'hex')" }] },
  { name: 'refcursor', type: 'refcursor', values: ['', 'c1'] },
  { name: 'pg_node_tree_free', type: 'json', values: ['{}', ' {"a" :  1, "a":2} ', '"\\u00e4"', '[1e5, 1.0]', 'null'] },
  {
    name: 'jsonb', type: 'jsonb',
    values: [
      '{}', '[]', 'null', 'true', 'false', '1', '-1.50', '1e5', '"x"', '""', '"a\\"b\\\\c\\/d\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u20ac"', '{"b": 1, "a": [1, 2, {"c": null}], "aa": {}}', '[[], {}, [[1]], "x", 1.25, true, false, null]', '{"": ""}',
      { sql: "(SELECT jsonb_object_agg('key' || i, i * 1.5) FROM generate_series(1, 200) i)" }, { sql: "(SELECT jsonb_agg(jsonb_build_object('i', i, 's', repeat('é', i % 7))) FROM generate_series(1, 400) i)" }, { sql: "(SELECT jsonb_agg(md5(i::text)) FROM generate_series(1, 1000) i)" },
      '[123456789012345678901234567890.1234567890, 0.00001, 10000, 1e-20]', '"日本"', '[1,[2,[3,[4,[5,[6]]]]]]', '{"a":{"b":{"c":{"d":"e"}}}}',
      { sql: "repeat('[', 3000) || repeat(']', 3000)" }, { sql: `repeat('{"k": [1, ', 2500) || '0.50' || repeat(']}', 2500)` },
    ],
  },
];
