/** What `compileWhere` says beside the rows: columns used, bounds for an index, notices, and errors with their place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonRows } from '../../../src/output/json.js';
import { addDecimals, compareDecimals, divideDecimals, formatDecimal, multiplyDecimals, parseDecimal, roundDecimal } from '../../../src/query/where/decimal.js';
import { compileWhere, type CompiledWhere, type WhereColumn } from '../../../src/query/where/index.js';
import { compareUtf8, compileLike } from '../../../src/query/where/text.js';
import { ExitCode, WalscopeError } from '../../../src/util/errors.js';
import { timeZone } from '../../../src/util/timeZone.js';

const COLUMNS: readonly WhereColumn[] = [
  { name: 'id', typeName: 'int4' }, { name: 'big', typeName: 'int8' }, { name: 'price', typeName: 'numeric' }, { name: 'email', typeName: 'text' },
  { name: 'code', typeName: 'varchar', collation: 'C' }, { name: 'at', typeName: 'timestamptz' }, { name: 'day', typeName: 'date' }, { name: 'ok', typeName: 'bool' },
  { name: 'mood', typeName: 'mood', enumLabels: ['sad', 'ok', 'happy'] }, { name: 'addr', typeName: 'inet' }, { name: 'Order No', typeName: 'int4' }, { name: 'u', typeName: 'uuid' },
];
const compile = (text: string): Promise<CompiledWhere> => compileWhere(text, COLUMNS, { tableName: 'orders' });
const column = (name: string): number => COLUMNS.findIndex((c) => c.name === name);
const byName = <T>(map: ReadonlyMap<number, T>): Record<string, T> => Object.fromEntries([...map].map(([i, value]) => [COLUMNS[i]!.name, value]));

async function failure(text: string): Promise<WalscopeError> {
  try {
    await compile(text);
  } catch (error) {
    if (error instanceof WalscopeError) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe('bounds', () => {
  it('gives the equalities of the top-level AND as the columns would print them', async () => {
    const where = await compile("id = 007 AND '1.50' = price AND (email = 'a@b' AND ok) AND at = '2026-01-01 02:00+02' AND u = '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}' AND mood = 'sad'");
    expect(byName(where.equalities)).toEqual({
      id: '7', price: '1.50', email: 'a@b', ok: 't', at: '2026-01-01 00:00:00+00', u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', mood: 'sad',
    });
    expect(where.ranges.size).toBe(0);
  });

  it('gives the narrowest range of each column', async () => {
    const where = await compile("id > 5 AND id >= 5 AND id < 100 AND 90 >= id AND day BETWEEN '2026-01-01' AND '2026-02-01' AND code >= 'm' AND big > 3000000000 AND mood > 'sad'");
    expect(byName(where.ranges)).toEqual({
      id: { lower: { value: '5', inclusive: false }, upper: { value: '90', inclusive: true } },
      day: { lower: { value: '2026-01-01', inclusive: true }, upper: { value: '2026-02-01', inclusive: true } },
      code: { lower: { value: 'm', inclusive: true }, upper: undefined },
      big: { lower: { value: '3000000000', inclusive: false }, upper: undefined },
      mood: { lower: { value: 'sad', inclusive: false }, upper: undefined },
    });
  });

  it.each([
    ['an OR', 'id = 1 OR id = 2'], ['a NOT', 'NOT (id = 1)'], ['another type than the column’s', 'id = 1.5'], ['an expression over the column', 'id + 0 = 1'],
    ['NULL', 'id = NULL'], ['two columns', 'id = big'], ['text whose order is not that of bytes', "email > 'm'"], ['an inequality', 'id <> 1'],
  ])('says nothing for %s', async (_, text) => {
    const where = await compile(text);
    expect([where.equalities.size, where.ranges.size]).toEqual([0, 0]);
  });
});

describe('compileWhere', () => {
  it('takes no type for another that has a name which every object knows', async () => {
    const columns = [{ name: 'c', typeName: 'constructor', enumLabels: ['low', 'high'] }, { name: 'other', typeName: 'toString' }];
    const where = await compileWhere("c > 'low'", columns);
    expect([['low', null], ['high', null]].map(where.test)).toEqual([false, true]);
    await expect(compileWhere("other = 'x'", columns)).rejects.toThrow('comparing type toString with = is not supported');
    expect(new JsonRows([{ name: 'c', typeName: 'constructor' }]).object(['low'])).toBe('{"c":"low"}');
  });

  it('names the columns that it looks at, each once', async () => {
    const where = await compile('price > 1 AND id = 1 AND (id = 2 OR orders.email IS NULL)');
    expect(where.columnsUsed).toEqual([column('id'), column('price'), column('email')]);
  });

  it('asks for no other column', async () => {
    const where = await compile("email = 'x'");
    const row: (string | null)[] = [];
    row[column('email')] = 'x';
    expect(where.test(row)).toBe(true);
  });

  it('says once that it orders text by bytes, unless the collation does so too', async () => {
    expect((await compile("email < 'm' OR email > 'x'")).notices).toEqual([expect.stringContaining('ordered by its bytes')]);
    expect((await compile("GREATEST(email, 'm') = 'm'")).notices).toEqual([expect.stringContaining('ordered by its bytes')]);
    expect((await compile("code < 'm' AND email = 'x' AND email COLLATE \"C\" < 'z'")).notices).toEqual([]);
  });

  it('takes the zone for timestamps without one', async () => {
    const where = await compileWhere("at = '2026-07-01 12:00'", COLUMNS, { zone: timeZone('Europe/Berlin') });
    const row: (string | null)[] = [];
    row[column('at')] = '2026-07-01 12:00:00+02';
    expect(where.test(row)).toBe(true);
    row[column('at')] = '2026-07-01 12:00:00+00';
    expect(where.test(row)).toBe(false);
  });

  it('lets a type that it does not know be compared as text alone', async () => {
    expect((await failure("addr = '10.0.0.1'")).message).toContain('comparing type inet with = is not supported');
    const where = await compile("addr::text = '10.0.0.1' AND addr IS NOT NULL");
    const row: (string | null)[] = [];
    row[column('addr')] = '10.0.0.1';
    expect(where.test(row)).toBe(true);
  });
});

describe('errors', () => {
  it.each([
    ["emial = 'x'", 'where.column', 'column "emial" does not exist\nLINE 1: emial = \'x\'\n        ^', 'perhaps you meant the column "email"'],
    ['id = 1 AND "order no" = 2', 'where.column', 'column "order no" does not exist\nLINE 1: id = 1 AND "order no" = 2\n                   ^', 'write it in double quotes: "Order No"'],
    ['id = 1 AND', 'where.syntax', 'syntax error at end of input\nLINE 1: id = 1 AND\n                  ^', undefined],
    ["email = 'ä' AND id = 'x'", 'where.value', 'invalid input syntax for type integer: "x"\nLINE 1: email = \'ä\' AND id = \'x\'\n                             ^', undefined],
    ["id = 1\n  AND email = 2", 'where.type', 'operator does not exist: text = integer\nLINE 2:   AND email = 2\n                    ^', 'add an explicit cast, as in column::text'],
    ['at < now()', 'where.unsupported', 'now() depends on the moment of asking, and is not supported in --where\nLINE 1: at < now()\n             ^', 'write the value itself'],
    ['email', 'where.type', 'argument of WHERE must be type boolean, not type text\nLINE 1: email\n        ^', undefined],
    ["mood = 'angry'", 'where.value', 'invalid input value for enum mood: "angry"\nLINE 1: mood = \'angry\'\n               ^', undefined],
  ])('%s', async (text, code, message, hint) => {
    const error = await failure(text);
    expect(error.code).toBe(code);
    expect(error.message).toBe(message);
    expect(error.options.hint).toBe(hint);
    expect(error.exitCode).toBe(ExitCode.usage);
  });

  it.each([
    ['NOT', 'NOT '.repeat(3000) + 'ok'], ['sums', `${'1 + '.repeat(3000)}1 = id`], ['sums beyond the grammar’s own stack', `${'1 + '.repeat(30_000)}1 = id`],
    ['parentheses', '('.repeat(30_000) + 'ok' + ')'.repeat(30_000)],
  ])('refuses what is nested too deeply: %s', async (_, text) => {
    expect((await failure(text)).exitCode).toBe(ExitCode.usage);
  });

  it('takes long lists and long chains of AND', async () => {
    const where = await compile(`id IN (${Array.from({ length: 5000 }, (_, i) => i).join(', ')}) AND ${Array.from({ length: 5000 }, (_, i) => `id <> ${i + 1}`).join(' AND ')}`);
    expect([where.test(['0']), where.test(['7'])]).toEqual([true, false]);
  });

  it('turns an error of a row into a usage error', async () => {
    const where = await compile('10 / id > 1');
    expect(where.test(['5'])).toBe(true);
    expect(() => where.test(['0'])).toThrow(expect.objectContaining({ code: 'where.value', message: 'division by zero', exitCode: ExitCode.usage }));
  });
});

describe('decimals', () => {
  const decimals = fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 12 })).map(([digits, scale]) => ({ kind: 'finite' as const, digits, scale }));

  it('print and read back', () => {
    fc.assert(fc.property(decimals, (a) => compareDecimals(parseDecimal(formatDecimal(a)), a) === 0));
  });

  it('keep the laws of arithmetic', () => {
    fc.assert(fc.property(decimals, decimals, decimals, (a, b, c) => {
      expect(compareDecimals(multiplyDecimals(a, addDecimals(b, c)), addDecimals(multiplyDecimals(a, b), multiplyDecimals(a, c)))).toBe(0);
      expect(Math.sign(compareDecimals(a, b)) + Math.sign(compareDecimals(b, a))).toBe(0);
    }));
  });

  it('divide to the digit that was rounded', () => {
    fc.assert(fc.property(decimals, decimals.filter((d) => d.digits !== 0n), (a, b) => {
      const quotient = divideDecimals(a, b);
      const rest = addDecimals(multiplyDecimals(quotient, b), { ...a, digits: -a.digits });
      const size = { ...rest, digits: rest.digits < 0n ? -rest.digits : rest.digits };
      const half = multiplyDecimals({ ...b, digits: b.digits < 0n ? -b.digits : b.digits }, { kind: 'finite', digits: 5n, scale: quotient.scale + 1 });
      expect(compareDecimals(size, half)).toBeLessThanOrEqual(0);
    }));
  });

  it('round halves away from zero', () => {
    expect(['2.5', '-2.5', '1.05', '149.5'].map((text) => formatDecimal(roundDecimal(parseDecimal(text), text === '1.05' ? 1 : 0)))).toEqual(['3', '-3', '1.1', '150']);
  });
});

describe('text', () => {
  it('orders as the bytes of UTF-8 do', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }));
  });

  it('matches LIKE as a walk over all splits does', () => {
    const slow = (text: string, pattern: string): boolean => {
      if (pattern === '') return text === '';
      if (pattern[0] === '%') return slow(text, pattern.slice(1)) || (text !== '' && slow(text.slice(1), pattern));
      return text !== '' && (pattern[0] === '_' || pattern[0] === text[0]) && slow(text.slice(1), pattern.slice(1));
    };
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_'), maxLength: 8 });
    fc.assert(fc.property(letters, patterns, (text, pattern) => compileLike(pattern)(text) === slow(text, pattern)));
  });
});
