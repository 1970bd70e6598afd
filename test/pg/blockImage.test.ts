import { createRequire } from 'node:module';
import fc from 'fast-check';
import * as lz4 from 'lz4-napi';
import { describe, expect, it } from 'vitest';
import { restoreBlockImage } from '../../src/pg/blockImage.js';
import { lz4BlockDecompress } from '../../src/pg/lz4Block.js';
import { pglzDecompress } from '../../src/pg/pglz.js';
import { XLogRecord, type BlockRef, type ImageCompression } from '../../src/pg/xlogRecord.js';
import type { Lsn } from '../../src/util/lsn.js';

const zstd = createRequire(import.meta.url)('@cloudpss/zstd/napi') as { compress(bytes: Uint8Array): Uint8Array };

/** pglz as simple as it gets: literals, and matches wherever the bytes three back repeat. */
function pglzCompress(source: Uint8Array): Uint8Array {
  const out: number[] = [];
  let at = 0;
  while (at < source.length) {
    const controlAt = out.push(0) - 1;
    for (let bit = 0; bit < 8 && at < source.length; bit++) {
      let length = 0;
      while (at >= 3 && at + length < source.length && length < 273 && source[at + length] === source[at + length - 3]) length++;
      if (length >= 3) {
        out[controlAt]! |= 1 << bit;
        if (length >= 18) out.push(0x0f, 3, length - 18);
        else out.push(length - 3, 3);
        at += length;
      } else {
        out.push(source[at++]!);
      }
    }
  }
  return Uint8Array.from(out);
}

function recordWith(image: Uint8Array, ref: Partial<BlockRef>): { record: XLogRecord; ref: BlockRef } {
  const record = new XLogRecord();
  record.lsn = 0x1234 as Lsn;
  record.bytes = new Uint8Array([1, 2, 3, ...image]);
  return {
    record,
    ref: {
      id: 0, spcOid: 1663, dbOid: 5, relNumber: 7, fork: 0, block: 42, willInit: false, hasData: false, dataAt: 0, dataLength: 0, hasImage: true, applyImage: true,
      imageAt: 3, imageLength: image.length, compression: 'none', holeOffset: 0, holeLength: 0, ...ref,
    },
  };
}

const page = Uint8Array.from({ length: 8192 }, (_, i) => (i < 200 || i >= 7000 ? (i * 7) % (i % 50 === 0 ? 251 : 3) : 0));
const hole = { holeOffset: 200, holeLength: 6800 };
const holed = new Uint8Array([...page.subarray(0, 200), ...page.subarray(7000)]);

describe('lines 6 and 7: restoreBlockImage()', () => {
  const compressed: [ImageCompression, (bytes: Uint8Array) => Uint8Array][] = [
    ['none', (bytes) => bytes],
    ['pglz', pglzCompress],
    ['lz4', (bytes) => lz4.compressSync(Buffer.from(bytes)).subarray(4)], // a length goes before the block
    ['zstd', (bytes) => zstd.compress(bytes)],
  ];
  it.each(compressed)('%s, with and without a hole', (compression, compress) => {
    const into = new Uint8Array(8192).fill(0xcc);
    const whole = recordWith(compress(page), { compression });
    restoreBlockImage(whole.record, whole.ref, into);
    expect(into).toEqual(page);
    const cut = recordWith(compress(holed), { compression, ...hole });
    restoreBlockImage(cut.record, cut.ref, into.fill(0xcc));
    expect(into).toEqual(page);
  });

  it.each(compressed.slice(1))('%s that is damaged is a located error', (compression, compress) => {
    const damaged = compress(page).slice();
    const { record, ref } = recordWith(damaged.subarray(0, damaged.length - 5), { compression });
    expect(() => restoreBlockImage(record, ref, new Uint8Array(8192))).toThrow(
      expect.objectContaining({ code: 'wal.image_decompress', message: expect.stringContaining('at 0/1234, block 0 (1663/5/7 block 42)') }));
  });

  it('refuses a reference without image, a length or a hole that do not fit', () => {
    const into = new Uint8Array(8192);
    const without = recordWith(page, { hasImage: false });
    expect(() => restoreBlockImage(without.record, without.ref, into)).toThrow(expect.objectContaining({ code: 'wal.image_missing' }));
    const short = recordWith(page.subarray(0, 100), {});
    expect(() => restoreBlockImage(short.record, short.ref, into)).toThrow(expect.objectContaining({ code: 'wal.image_length' }));
    const outside = recordWith(holed, { ...hole, holeOffset: 2000 });
    expect(() => restoreBlockImage(outside.record, outside.ref, into)).toThrow(expect.objectContaining({ code: 'wal.image_hole' }));
  });
});

describe('decompressors', () => {
  it('lz4 blocks of any content come back', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3000 }), (values) => {
      const plain = Uint8Array.from(values);
      const block = lz4.compressSync(Buffer.from(plain)).subarray(4);
      const into = new Uint8Array(plain.length);
      return lz4BlockDecompress(block, 0, block.length, into, into.length) === plain.length && Buffer.compare(into, plain) === 0;
    }));
  });

  it('a prefix can be had of both', () => {
    const into = new Uint8Array(100);
    const block = lz4.compressSync(Buffer.from(page)).subarray(4);
    expect(lz4BlockDecompress(block, 0, block.length, into, 100, true)).toBe(100);
    expect(into).toEqual(page.slice(0, 100));
    const pglz = pglzCompress(page);
    expect(pglzDecompress(pglz, 0, pglz.length, into.fill(0), 100, false)).toBe(100);
    expect(into).toEqual(page.slice(0, 100));
  });

  it('neither reads nor writes outside, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
      const guarded = new Uint8Array(600).fill(7);
      const into = guarded.subarray(0, 500);
      for (const n of [lz4BlockDecompress(garbage, 0, garbage.length, into, 500), pglzDecompress(garbage, 0, garbage.length, into, 500)]) {
        if (n !== -1 && (n < 0 || n > 500)) return false;
      }
      return guarded.subarray(500).every((byte) => byte === 7);
    }), { numRuns: 2000 });
  });
});
