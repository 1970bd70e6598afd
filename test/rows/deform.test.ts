import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTRIBUTE_MISSING, ATTRIBUTE_NULL, TupleDeformer, type AttributeLayout, type TypeAlign } from '../../src/rows/deform.js';

const ALIGN: Record<TypeAlign, number> = { c: 1, s: 2, i: 4, d: 8 };

interface Value {
  layout: AttributeLayout;
  /** The stored bytes, null for NULL. */
  bytes: Uint8Array | null;
}

/** heap_fill_tuple() in its plainest form: an independent layout to compare with. */
function formTuple(values: readonly Value[]): Uint8Array {
  const hasNull = values.some((v) => v.bytes === null);
  const hoff = (23 + (hasNull ? (values.length + 7) >> 3 : 0) + 7) & ~7;
  const out = new Array<number>(hoff).fill(0);
  values.forEach(({ layout, bytes }, i) => {
    if (bytes === null) return;
    out[23 + (i >> 3)]! |= hasNull ? 1 << (i & 7) : 0;
    const isShort = layout.attlen === -1 && (bytes[0]! & 1) === 1;
    if (!isShort) while ((out.length - hoff) % ALIGN[layout.attalign] !== 0) out.push(0);
    out.push(...bytes);
    if (layout.attlen === -2) out.push(0);
  });
  out[18] = values.length & 0xff;
  out[19] = values.length >> 8;
  out[20] = hasNull ? 1 : 0;
  out[22] = hoff;
  return Uint8Array.from(out);
}

function varlena(payload: Uint8Array, isShort: boolean): Uint8Array {
  if (isShort) return Uint8Array.of(((payload.length + 1) << 1) | 1, ...payload);
  const size = (payload.length + 4) << 2;
  return Uint8Array.of(size & 0xff, (size >> 8) & 0xff, (size >> 16) & 0xff, size >>> 24, ...payload);
}

const fixed = fc.constantFrom<AttributeLayout>(
  { attlen: 1, attalign: 'c' }, { attlen: 2, attalign: 's' }, { attlen: 4, attalign: 'i' }, { attlen: 8, attalign: 'd' }, { attlen: 6, attalign: 's' }, { attlen: 16, attalign: 'c' }, { attlen: 12, attalign: 'd' }, { attlen: 64, attalign: 'c' },
).chain((layout) => fc.uint8Array({ minLength: layout.attlen, maxLength: layout.attlen }).map((bytes): Value => ({ layout, bytes })));
const variable = fc.record({ attalign: fc.constantFrom<TypeAlign>('i', 'd'), payload: fc.uint8Array({ maxLength: 150 }), short: fc.boolean() })
  .map(({ attalign, payload, short }): Value => ({ layout: { attlen: -1, attalign }, bytes: varlena(payload, short && payload.length < 126) }));
const external = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes): Value => ({ layout: { attlen: -1, attalign: 'i' }, bytes: Uint8Array.of(1, 18, ...bytes) }));
const cstring = fc.uint8Array({ maxLength: 9, min: 1 }).map((bytes): Value => ({ layout: { attlen: -2, attalign: 'c' }, bytes }));
const value = fc.oneof({ weight: 4, arbitrary: fixed }, { weight: 3, arbitrary: variable }, external, cstring)
  .chain((v) => fc.oneof({ weight: 4, arbitrary: fc.constant(v) }, fc.constant<Value>({ ...v, bytes: null })));

describe('deforming', () => {
  it('finds every attribute of any tuple at any offset of a page', () => {
    fc.assert(fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), fc.integer({ min: 0, max: 40 }), (values, blocks) => {
      const tuple = formTuple(values);
      const at = blocks * 8;
      const page = new Uint8Array(at + tuple.length + 64).fill(0xaa);
      page.set(tuple, at);
      const deformer = new TupleDeformer(values.map((v) => v.layout));
      const out = deformer.newResult();
      deformer.deformHeapTuple(page, at, tuple.length, out);
      values.forEach(({ bytes }, i) => {
        if (bytes === null) expect(out.length[i]).toBe(ATTRIBUTE_NULL);
        else expect(page.subarray(out.at[i], out.at[i]! + out.length[i]!)).toEqual(bytes);
      });
    }), { seed: 7, numRuns: 2000 });
  });

  it('gives attributes that a tuple is too short for as missing or NULL', () => {
    const tuple = formTuple([{ layout: { attlen: 4, attalign: 'i' }, bytes: Uint8Array.of(1, 2, 3, 4) }]);
    const deformer = new TupleDeformer([{ attlen: 4, attalign: 'i' }, { attlen: 8, attalign: 'd', hasMissing: true }, { attlen: -1, attalign: 'i' }]);
    const out = deformer.newResult();
    deformer.deformHeapTuple(tuple, 0, tuple.length, out);
    expect([...out.length]).toEqual([4, ATTRIBUTE_MISSING, ATTRIBUTE_NULL]);
  });

  it('ignores attributes beyond its descriptor', () => {
    const one: Value = { layout: { attlen: 4, attalign: 'i' }, bytes: Uint8Array.of(1, 2, 3, 4) };
    const tuple = formTuple([one, { layout: { attlen: -1, attalign: 'i' }, bytes: null }, one]);
    const deformer = new TupleDeformer([{ attlen: 4, attalign: 'i' }]);
    const out = deformer.newResult();
    deformer.deformHeapTuple(tuple, 0, tuple.length, out);
    expect([out.at[0], out.length[0]]).toEqual([24, 4]);
  });

  it('refuses tuples that contradict themselves', () => {
    const layouts: AttributeLayout[] = [{ attlen: 4, attalign: 'i' }, { attlen: -1, attalign: 'i' }];
    const good = formTuple([{ layout: layouts[0]!, bytes: Uint8Array.of(1, 2, 3, 4) }, { layout: layouts[1]!, bytes: varlena(Uint8Array.of(9, 9), true) }]);
    const attempt = (change: (tuple: Uint8Array) => void, length = good.length): (() => void) => () => {
      const tuple = good.slice();
      change(tuple);
      const deformer = new TupleDeformer(layouts);
      deformer.deformHeapTuple(tuple, 0, length, deformer.newResult());
    };
    expect(attempt(() => undefined)).not.toThrow();
    expect(attempt(() => undefined, 22)).toThrow('shorter than its header');
    expect(attempt((t) => { t[22] = 200; })).toThrow('data offset 200');
    expect(attempt((t) => { t[22] = 16; })).toThrow('data offset 16');
    expect(attempt((t) => { t[28] = 0xff; })).toThrow('reaches past its tuple');
    expect(attempt((t) => { t[28] = 0x01; })).toThrow('no valid length');
    expect(attempt(() => undefined, 26)).toThrow('reaches past its tuple');
  });

  it('reads index tuples, whose NULL bitmap has a fixed size', () => {
    const layouts: AttributeLayout[] = [{ attlen: 4, attalign: 'i' }, { attlen: -1, attalign: 'i' }];
    const deformer = new TupleDeformer(layouts);
    const out = deformer.newResult();
    const plain = Uint8Array.of(0, 0, 0, 0, 1, 0, 8 + 7, 0, 5, 0, 0, 0, 7, 65, 66);
    deformer.deformIndexTuple(plain, 0, out);
    expect([[...out.at], [...out.length]]).toEqual([[8, 12], [4, 3]]);
    deformer.deformIndexTuple(plain, 0, out, 1);
    expect([...out.length]).toEqual([4, ATTRIBUTE_NULL]);
    const withNull = Uint8Array.of(0, 0, 0, 0, 1, 0, 19, 0x80, 2, 0, 0, 0, 0, 0, 0, 0, 7, 65, 66);
    deformer.deformIndexTuple(withNull, 0, out);
    expect([out.length[0], out.at[1], out.length[1]]).toEqual([ATTRIBUTE_NULL, 16, 3]);
  });
});
