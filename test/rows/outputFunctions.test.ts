/** Output functions without a server: what is unknown, and what is damaged. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WalscopeError } from '../../src/util/errors.js';
import { UTC } from '../../src/util/timeZone.js';
import { textDecoding } from '../../src/rows/types/encoding.js';
import { OUTPUT_FUNCTIONS } from '../../src/rows/types/outputFunctions.js';
import { TypeOutputs } from '../../src/rows/types/typeOutputs.js';
import type { TypeInfo } from '../../src/rows/types/typeInfo.js';

const INT4 = 23, TEXT = 25, WIDGET = 70_000, PAIR = 70_001, INT4RANGE = 3904, INT4MULTIRANGE = 4451;

function type(oid: number, name: string, typlen: number, typoutput: string, more: Partial<TypeInfo> = {}): TypeInfo {
  return {
    oid, name, schema: 'public', typlen, typbyval: false, typalign: 'i', typstorage: 'p', typtype: 'b', typoutput, typelem: 0, typdelim: ',', typbasetype: 0,
    typrelid: 0, ...more,
  };
}

const types = new Map<number, TypeInfo>([
  type(INT4, 'int4', 4, 'int4out'),
  type(TEXT, 'text', -1, 'textout'),
  type(WIDGET, 'widget', -1, 'widget_out'),
  type(PAIR, 'pair', -1, 'record_out', {
    attributes: [INT4, TEXT].map((typeOid) => ({ name: 'c', typeOid, typmod: -1, dropped: false, collationOid: 0, attlen: typeOid === INT4 ? 4 : -1, attalign: 'i' })),
  }),
  type(INT4RANGE, 'int4range', -1, 'range_out', { rangeSubtype: INT4 }),
  type(INT4MULTIRANGE, 'int4multirange', -1, 'multirange_out', { rangeType: INT4RANGE }),
].map((t) => [t.oid, t]));

function outputs(unknown: string[] = []): TypeOutputs {
  return new TypeOutputs({
    lookup: { type: (oid) => types.get(oid), enumLabel: () => undefined, regName: () => undefined, roleName: () => undefined },
    major: 18,
    timeZone: UTC,
    encoding: textDecoding(6)!,
    detoast: () => { throw new Error('not expected'); },
    unknownType: (t) => unknown.push(t.name),
  });
}

describe('types without a known output function', () => {
  it('print their bytes and are reported', () => {
    const unknown: string[] = [];
    expect(outputs(unknown).ofType(WIDGET)(Uint8Array.of(9, 0xde, 0xad, 0xbe), 0, 4)).toBe('\\xdeadbe');
    expect(unknown).toEqual(['widget']);
  });

  it('are not taken from what every object has', () => {
    const unknown: string[] = [];
    types.set(1, type(1, 'evil', 4, 'toString'));
    expect(outputs(unknown).ofType(1)(Uint8Array.of(1, 2, 3, 4), 0, 4)).toBe('\\x01020304');
    expect(unknown).toEqual(['evil']);
  });

  it('that the catalog does not know are an error', () => {
    expect(() => outputs().ofType(99_999)).toThrow('no type has OID 99999');
  });
});

describe('damaged values', () => {
  /** First bytes that let random bytes get further into the types that name another type or a magic number. */
  const heads = [[], [2, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0], [0x40, 0x0f, 0, 0], [0x63, 0x11, 0, 0, 3, 0, 0, 0], [0xa4, 0xbf, 0x52, 0xa3, 0, 0, 0, 0, 2, 0, 0, 0], [0x2c, 0x9a, 0x54, 0xb4, 0, 0, 0, 0, 2, 0, 0, 0]];
  const value = fc.tuple(fc.constantFrom(...heads), fc.uint8Array({ minLength: 1, maxLength: 80 })).map(([head, tail]) => Uint8Array.of(...head, ...tail));

  it.each(Object.keys(OUTPUT_FUNCTIONS))('%s prints something or refuses with an error of its own', (name) => {
    const output = outputs();
    const print = OUTPUT_FUNCTIONS[name]!;
    fc.assert(fc.property(value, (bytes) => {
      // A short header's byte before the value, and other rows' bytes after it, as on a page.
      const page = new Uint8Array(bytes.length + 300).fill(0x5a);
      page.set(bytes, 100);
      try {
        expect(typeof print(page, 100, bytes.length, types.get(PAIR)!, output)).toBe('string');
      } catch (error) {
        expect(error).toBeInstanceOf(WalscopeError);
        expect((error as WalscopeError).code).toMatch(/^row\./);
      }
    }), { seed: 11, numRuns: 400 });
  });

  it('name the type and what is wrong', () => {
    const array = (ndim: number, ...words: number[]): Uint8Array => new Uint8Array(Int32Array.of(ndim, 0, INT4, ...words).buffer);
    const print = OUTPUT_FUNCTIONS['array_out']!;
    const attempt = (bytes: Uint8Array): (() => string) => () => print(bytes, 0, bytes.length, types.get(INT4)!, outputs());
    expect(attempt(array(1, 2, 1, 0, 7, 8))).not.toThrow();
    expect(attempt(array(7))).toThrow('invalid array value: invalid number of dimensions 7');
    expect(attempt(array(1, 1_000_000, 1))).toThrow('1000000 elements do not fit its bytes');
    expect(attempt(array(1, 3, 1, 0, 7))).toThrow('reaches past the');
  });
});
