/** The order in which threads of `index` take stripes. */
import { describe, expect, it } from 'vitest';
import type { CaseWal } from '../../src/store/caseWal.js';
import { takingOrder } from '../../src/store/stripeOrder.js';
import { STRIPE_BYTES } from '../../src/store/stripes.js';
import { inputError } from '../../src/util/errors.js';
import type { Lsn } from '../../src/util/lsn.js';

/** WAL whose stripe n has pages full of records of `lengths[n]` bytes; 0: of nothing, negative: it cannot be read. Or compressed to so many bytes. */
function walOf(lengths: readonly number[], compressed = false): CaseWal {
  return {
    archive: { hasCompressed: () => compressed, storedBytes: (start: Lsn) => lengths[start / STRIPE_BYTES]! },
    read(lsn: Lsn) {
      const length = lengths[Math.floor(lsn / STRIPE_BYTES)]!;
      if (compressed) throw new Error('looked into compressed WAL');
      if (length < 0) throw inputError('input.unreadable', 'gone');
      const page = new Uint8Array(8192);
      for (let at = 24; length > 0 && at + 4 <= page.length; at += length) new DataView(page.buffer).setUint32(at, length, true);
      return page;
    },
  } as unknown as CaseWal;
}

const starts = (count: number): Lsn[] => Array.from({ length: count }, (_, i) => (i * STRIPE_BYTES) as Lsn);
const numbers = (order: readonly Lsn[]): number[] => order.map((lsn) => lsn / STRIPE_BYTES);

describe('stripes', () => {
  it('are taken in the order of the WAL, but the last ones by how many records they hold', () => {
    expect(numbers(takingOrder(walOf([80, 80, 80, 4096, 80, 0xffff_fff0, 200, 0, 80, 96, 4096]), starts(11)))).toEqual([0, 1, 2, 4, 8, 9, 6, 3, 10, 5, 7]);
    expect(numbers(takingOrder(walOf([4096, 200, 80]), starts(3)))).toEqual([0, 2, 1]);
  });

  it('that cannot be read cost nothing', () => {
    expect(numbers(takingOrder(walOf([80, -1, 4096, 80]), starts(4)))).toEqual([0, 3, 2, 1]);
  });

  it('that are compressed are told by their length', () => {
    expect(numbers(takingOrder(walOf([80, 4096, 80, 9000, 4096], true), starts(5)))).toEqual([0, 3, 1, 4, 2]);
  });
});
