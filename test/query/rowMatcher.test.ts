import { describe, expect, it } from 'vitest';
import { Seeded } from '../../fixtures/workloads/seeded.js';
import { RowView, type ReadableColumn, type Table } from '../../src/catalog/table.js';
import { matchRows, type Change } from '../../src/query/rowMatcher.js';
import { NumberMap } from '../../src/query/numberMap.js';
import { TupleDeformer } from '../../src/rows/deform.js';

const COLUMNS = ['id', 'n'].map((name, position) => ({
  column: { name }, position, print: (bytes: Uint8Array, at: number) => String(new DataView(bytes.buffer, bytes.byteOffset).getInt32(at, true)),
})) as unknown as ReadableColumn[];
const TABLE = { columns: COLUMNS, newRow: () => new RowView(new TupleDeformer([{ attlen: 4, attalign: 'i' }, { attlen: 4, attalign: 'i' }]), COLUMNS) } as unknown as Table;
const ROW_BYTES = 32;

function tuple(id: number, n: number) {
  const bytes = new Uint8Array(ROW_BYTES), view = new DataView(bytes.buffer);
  view.setUint16(18, 2, true);
  view.setUint8(22, 24);
  view.setInt32(24, id, true);
  view.setInt32(28, n, true);
  return { bytes, at: 0, length: ROW_BYTES };
}

interface Step {
  isBefore: boolean;
  id: number;
  n: number;
}

const ROWS = 40_000;
const OPERATIONS = 50_000;

/** Rows of both moments in no order, some gone, some new, some changed. */
function steps(seed: number): Step[] {
  const random = new Seeded(seed);
  const all: Step[] = [];
  for (let id = 0; id < ROWS; id++) {
    const n = random.int(0, 3);
    if (random.chance(0.9)) all.push({ isBefore: true, id, n });
    if (random.chance(0.9)) all.push({ isBefore: false, id, n: random.chance(0.5) ? n : n + 1 });
  }
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.int(0, i);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

function told(list: readonly Step[], keyPlaces: number[], waitingBytes?: number): { changes: string[]; passes: number } {
  const changes: string[] = [];
  let passes = 0;
  const columns = ['id', 'n'].map((name) => ({ name, typeName: 'int4' }));
  const emit = (matcher: { valuesBefore(t: object): unknown; valuesAfter(t: object): unknown }, change: Change, was?: object, is?: object): void => {
    changes.push(`${change} ${JSON.stringify(was ? matcher.valuesBefore(was) : null)} ${JSON.stringify(is ? matcher.valuesAfter(is) : null)}`);
  };
  matchRows({ before: TABLE, after: TABLE, columns, keyPlaces, sameShape: true, emit, waitingBytes }, (matcher) => {
    passes++;
    for (const [i, { isBefore, id, n }] of list.entries()) {
      if (isBefore) matcher.addBefore(tuple(id, n), false);
      else matcher.addAfter(tuple(id, n), false);
      if (i === list.length - 1) matcher.endBefore();
    }
  });
  return { changes: changes.sort(), passes };
}

describe('rows of two moments, paired', () => {
  for (const keyPlaces of [[0], []]) {
    it(`gives the same changes in little memory, by ${keyPlaces.length > 0 ? 'key' : 'content'}`, () => {
      const list = steps(7 + keyPlaces.length);
      const whole = told(list, keyPlaces);
      const inParts = told(list, keyPlaces, keyPlaces.length > 0 ? 1_100_000 : 3_000_000);
      expect(whole.passes).toBe(1);
      expect(inParts.passes).toBeGreaterThan(1);
      expect(inParts.changes).toEqual(whole.changes);
      expect(whole.changes.length).toBeGreaterThan(ROWS / 4);
    });
  }
});

describe('the map from numbers to handles', () => {
  it('holds what a Map holds', () => {
    const random = new Seeded(3);
    const map = new NumberMap(), known = new Map<number, number>();
    let same = true;
    for (let i = 1; i < OPERATIONS; i++) {
      const key = random.int(-10_000, 10_000) * (random.chance(0.1) ? 0x1_0000_0001 : 1);
      if (random.chance(0.4)) {
        map.delete(key);
        known.delete(key);
      } else {
        map.set(key, i);
        known.set(key, i);
      }
      same &&= map.get(key) === known.get(key);
    }
    expect(same).toBe(true);
    expect([...map.values()]).toEqual([...known.values()].sort((a, b) => a - b));
    expect([...known].filter(([key, handle]) => map.get(key) !== handle)).toEqual([]);
  });
});

it('holds one of very many rows of the same content', () => {
  const counts = { added: 0, removed: 0, changed: 0 };
  const list: Step[] = Array.from({ length: 60_000 }, (_, i) => ({ isBefore: i < 35_000, id: 1 + (i % 2), n: 7 }));
  const columns = ['id', 'n'].map((name) => ({ name, typeName: 'int4' }));
  let passes = 0;
  matchRows({ before: TABLE, after: TABLE, columns, keyPlaces: [], sameShape: true, emit: (_, change) => void counts[change]++, waitingBytes: 2 * 1024 * 1024 }, (matcher) => {
    passes++;
    for (const { isBefore, id, n } of list) {
      if (isBefore) matcher.addBefore(tuple(id, n), false);
      else matcher.addAfter(tuple(id, n), false);
    }
  });
  expect([passes, counts]).toEqual([1, { added: 0, removed: 10_000, changed: 0 }]);
});

it('counts rows of the same content in little memory', () => {
  const random = new Seeded(11);
  const list = Array.from({ length: ROWS }, (): Step => ({ isBefore: random.chance(0.6), id: random.int(1, ROWS / 2), n: 7 }));
  const whole = told(list, []);
  const inParts = told(list, [], 2_000_000);
  expect(whole.passes).toBe(1);
  expect(inParts.passes).toBeGreaterThan(1);
  expect(inParts.changes).toEqual(whole.changes);
});
