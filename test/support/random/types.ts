/** Random types and values: every case of test/rows/cases, and arrays, domains and composites over any of them, in each server encoding. */
import type { PgMajor } from '../../../src/pg/version.js';
import { BASIC_CASES } from '../../rows/cases/basic.js';
import { BUILTIN_CASES, CONTRIB_CASES } from '../../rows/cases/builtin.js';
import { COMPOUND_CASES } from '../../rows/cases/compound.js';
import { DATETIME_CASES } from '../../rows/cases/datetime.js';
import { type Random, sqlLiteral, type TypeCase } from '../../rows/cases/typeCase.js';

const CASES: readonly TypeCase[] = [...BASIC_CASES, ...DATETIME_CASES, ...COMPOUND_CASES, ...BUILTIN_CASES, ...CONTRIB_CASES];

/** A type that columns may have. */
export interface RandomType {
  /** As SQL names it. */
  sql: string;
  /** An expression of the type; it may fail where the encoding lacks its characters. */
  value(random: Random): string;
  /** Made of others: such types are not nested further without end. */
  depth: number;
}

/** Characters beyond ASCII that each encoding has. */
export const ENCODINGS: Readonly<Record<string, readonly string[]>> = {
  UTF8: ['ä', 'ß', '€', '日', '本', '𝄞', 'ﬁ', '\u0301', '\u00a0', '한', '\ufeff', '\u2028'],
  LATIN1: ['ä', 'ÿ', '¡', '\u0080', '\u009f', '\u00a0', '×'],
  LATIN2: ['ą', 'ł', 'ś', 'ż', 'Ő', '˙', '\u0085'],
  LATIN5: ['ğ', 'İ', 'ş', 'ı'],
  LATIN9: ['€', 'Š', 'œ', 'Ÿ'],
  WIN1250: ['€', 'Š', 'ť', 'Ż'],
  WIN1251: ['П', 'р', 'и', 'ё', '№', '€'],
  WIN1252: ['€', 'œ', 'Ž', '„', 'ÿ'],
  WIN1253: ['Ω', 'ά', '€'],
  WIN1256: ['س', 'ل', '€', 'ے'],
  WIN866: ['П', 'ф', '░', '№'],
  WIN874: ['ก', 'ไ', '€'],
  KOI8R: ['П', 'р', '░', '©'],
  KOI8U: ['Ґ', 'ї', 'є'],
  ISO_8859_5: ['П', 'ф', '№'],
  ISO_8859_7: ['Ω', 'ά', '€'],
  EUC_JP: ['日', '本', 'あ', 'ｱ', 'ﾟ', '丂', '～', '―', '∥', '−', '¢', '£', '¬', '纊', 'ⅰ'],
  EUC_CN: ['中', '文', '、', '─', '·'],
  EUC_KR: ['한', '글', '漢', '、', '®'],
  SQL_ASCII: [],
};

/** How a text that is not plain ASCII is written: in SQL_ASCII from its bytes, whatever they mean. */
function textExpression(random: Random, encoding: string, alphabet: readonly string[]): string {
  if (encoding !== 'SQL_ASCII') return `'${random.text(random.pick([8, 40, 300]), alphabet).replaceAll("'", "''").replaceAll('\0', '')}'::text`;
  const bytes = Array.from({ length: random.int(0, 40) }, () => random.int(1, 255).toString(16).padStart(2, '0')).join('');
  return `convert_from('\\x${bytes}', 'SQL_ASCII')`;
}

const PLAIN_CHARACTERS = ['a', 'b', 'Z', '0', ' ', '"', "'", '\\', ',', '{', '}', '(', ')', '\t', '\n', '\r', '\v', '\f', '\b', '\\.', 'NULL', '\\N', '\u0001', '\u007f'];

/** Long values are given now and then, so that moments stay small. */
const LONG_VALUE = /repeat\('?.*(131072|16382|16383|3000\)|2500)|generate_series\(1, (9000|5000|3000|2000|10000)/;

function caseType(testCase: TypeCase): RandomType {
  const values = testCase.values.filter((value) => typeof value === 'string' || !LONG_VALUE.test(value.sql));
  return {
    sql: testCase.type, depth: testCase.type.endsWith('[]') ? 1 : 0,
    value: (random) => {
      const list = random.next() < 0.02 || values.length === 0 ? testCase.values : values;
      if (testCase.random && random.next() < 0.5) return sqlLiteral(testCase.random(random), testCase.type);
      return sqlLiteral(random.pick(list), testCase.type);
    },
  };
}

/** Types whose values need a superuser's table of statistics, or are made of other servers' internals. */
const NOT_IN_TABLES = /^pg_(ndistinct|dependencies|mcv_list)$/;

/** What a database of the run can hold: its types, and the statements that make them. */
export class TypePool {
  readonly types: RandomType[] = [];
  readonly setup: string[] = [];
  readonly text: RandomType;
  private made = 0;

  constructor(readonly major: PgMajor, readonly encoding: string) {
    const cases = CASES.filter((c) => (c.since ?? 13) <= major && (c.until ?? 18) >= major && !NOT_IN_TABLES.test(c.type));
    for (const testCase of cases) {
      if (testCase.setup !== undefined && !testCase.setup.startsWith('STORAGE ')) this.setup.push(testCase.setup);
      this.types.push(caseType(testCase));
    }
    const alphabet = [...PLAIN_CHARACTERS, ...(ENCODINGS[encoding] ?? []), ...(ENCODINGS[encoding] ?? [])];
    this.text = { sql: 'text', depth: 0, value: (random) => textExpression(random, encoding, alphabet) };
    const long: RandomType = { sql: 'text', depth: 0, value: (random) => `repeat(${this.text.value(random)}, ${random.pick([1, 20, 400, 3000])})` };
    // text that neither pglz nor lz4 shrinks goes out of line as it is
    const incompressible: RandomType = { sql: 'text', depth: 0, value: (random) => `(SELECT string_agg(md5((i * ${random.int(1, 99_999)})::text), '') FROM generate_series(1, ${random.pick([2, 70, 300])}) i)` };
    for (let i = 0; i < 6; i++) this.types.push(this.text, long, incompressible);
  }

  /** A type of the pool. */
  pick(random: Random): RandomType {
    return random.pick(this.types);
  }

  /** A new type over those of the pool, as the statement that makes it (none for an array); in the pool from then on. */
  make(random: Random): { type: RandomType; statement: string | undefined } {
    let base = this.pick(random);
    // values grow with the power of the depth
    if (base.depth > 2) base = this.text;
    const kind = random.pick(['array', 'domain', 'composite'] as const);
    const made = kind === 'array' ? this.array(base) : this[kind](random, base);
    this.types.push(made.type, made.type);
    return made;
  }

  private array(base: RandomType): { type: RandomType; statement: undefined } {
    if (base.sql.endsWith('[]')) return { type: base, statement: undefined };
    const sql = `${base.sql}[]`;
    const item = (random: Random): string => (random.next() < 0.2 ? 'NULL' : base.value(random));
    const row = (random: Random, n: number): string => Array.from({ length: n }, () => item(random)).join(', ');
    const value = (random: Random): string => {
      switch (random.int(0, 4)) {
        case 0: return `'{}'::${sql}`;
        case 1: return `array_fill(${base.value(random)}, ARRAY[${random.int(1, 3)}, ${random.int(1, 2)}], ARRAY[${random.int(-5, 5)}, ${random.int(0, 2)}])::${sql}`;
        case 2: {
          const n = random.int(1, 3);
          return `ARRAY[ARRAY[${row(random, n)}]::${sql}, ARRAY[${row(random, n)}]::${sql}]::${sql}`;
        }
        default: return `ARRAY[${row(random, random.int(1, base.depth > 1 ? 2 : 5))}]::${sql}`;
      }
    };
    return { type: { sql, depth: base.depth + 1, value }, statement: undefined };
  }

  private domain(random: Random, base: RandomType): { type: RandomType; statement: string } {
    const name = this.name(random, 'd');
    const check = random.pick(['', ' CHECK (VALUE IS NOT NULL OR VALUE IS NULL)', ' CONSTRAINT always CHECK (true)']);
    return { type: { sql: name, depth: base.depth + 1, value: (r) => `(${base.value(r)})::${name}` }, statement: `CREATE DOMAIN ${name} AS ${base.sql}${check}` };
  }

  private composite(random: Random, base: RandomType): { type: RandomType; statement: string } {
    const name = this.name(random, 'c');
    const parts = [base, ...Array.from({ length: random.int(0, 3) }, () => this.pick(random))].filter((part) => part.depth <= 1 || part === base);
    const columns = parts.map((part, i) => `${random.pick(['a', 'b', '"C d"', '"ö"'].filter((n) => this.encoding !== 'SQL_ASCII' || n !== '"ö"'))}${''}`.replace(/"?$/, (end) => `${i}${end}`) + ` ${part.sql}`);
    const value = (r: Random): string => `ROW(${parts.map((part) => (r.next() < 0.15 ? 'NULL' : part.value(r))).join(', ')})::${name}`;
    return { type: { sql: name, depth: Math.max(0, ...parts.map((p) => p.depth)) + 1, value }, statement: `CREATE TYPE ${name} AS (${columns.join(', ')})` };
  }

  private name(random: Random, prefix: string): string {
    return `"${prefix}${this.made++}${random.pick(['', ' x', '"".y', 'Ä'].filter((n) => n !== 'Ä' || 'UTF8 LATIN1 LATIN9 WIN1252'.includes(this.encoding)))}"`;
  }
}
