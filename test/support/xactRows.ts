/** Rows of the transaction log as no cluster has them: everything that may stand in one, in any order. */
import fc from 'fast-check';
import type { XactKind, XactRow } from '../../src/layerfile/xactRows.js';
import type { Lsn } from '../../src/util/lsn.js';

const row = fc.record({
  step: fc.integer({ min: 1, max: 5000 }), length: fc.constantFrom(40, 40, 40, 120), kind: fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4, 5), timeStep: fc.integer({ min: -3000, max: 10_000_000 }),
  clock: fc.oneof({ weight: 30, arbitrary: fc.constant(undefined) }, fc.constantFrom(-1e15, 0, 9e14)), // set by hand
  xidStep: fc.oneof(fc.constant(1), fc.integer({ min: -40, max: 40 }), fc.integer({ min: 0, max: 60_000 })), dbOid: fc.constantFrom(5, 5, 5, 16384),
  changes: fc.constantFrom(1, 1, 1, 0, 300),
  subxids: fc.oneof({ weight: 8, arbitrary: fc.constant<number[]>([]) }, fc.array(fc.integer({ min: 3, max: 0xffff_ffff }), { maxLength: 5 })),
  name: fc.oneof({ weight: 8, arbitrary: fc.constant('') }, fc.string({ maxLength: 200 })),
});

/** A hundred rows to three thousand, in LSN order from `start` on. */
export function xactRows(start: number): fc.Arbitrary<XactRow[]> {
  return fc.array(row, { maxLength: 3000, minLength: 100 }).map((specs) => {
    let lsn = start;
    let time = 9e14; // beyond the year 2028
    let xid = 100_000;
    return specs.map((spec): XactRow => {
      lsn += spec.step * 8;
      time = spec.clock ?? time + spec.timeStep;
      xid += spec.xidStep;
      return { lsn: lsn as Lsn, endLsn: (lsn + spec.length) as Lsn, kind: spec.kind as XactKind, time, xid, dbOid: spec.dbOid, subxids: spec.subxids, name: spec.name, changes: spec.changes };
    });
  });
}
