/** One-call Zstandard: what was cut off or damaged must not reach into the next call, and threads must not share a context. */
import { Worker } from 'node:worker_threads';
import { compress } from '@cloudpss/zstd';
import { describe, expect, it } from 'vitest';
import { zstdCompress, zstdDecompress } from '../../src/util/zstd.js';

const text = (seed: number, length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (Math.imul(i ^ seed, 2654435761) >>> (i % 7 === 0 ? 24 : 29)) & 255));

describe('zstd', () => {
  const plain = text(1, 150_000);
  const packed = zstdCompress(plain, 1);

  it('gives back what went in, whoever compressed it', () => {
    expect(Buffer.from(zstdDecompress(packed)).equals(plain)).toBe(true);
    expect(Buffer.from(zstdDecompress(compress(plain, 3))).equals(plain)).toBe(true);
    expect(zstdDecompress(zstdCompress(new Uint8Array(0), 1))).toHaveLength(0);
    expect(zstdCompress(plain, 1)).toEqual(packed);
  });

  it('a frame that is cut off anywhere throws, and the next call is none the worse', () => {
    for (let length = 0; length < packed.length; length += 997) {
      expect(() => zstdDecompress(packed.subarray(0, length))).toThrow();
      expect(Buffer.from(zstdDecompress(packed)).equals(plain)).toBe(true);
    }
    const damaged = Uint8Array.from(packed, (byte, i) => (i > 100 && i < 200 ? byte ^ 0x55 : byte));
    try {
      expect(Buffer.from(zstdDecompress(damaged)).equals(plain)).toBe(false);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
    expect(Buffer.from(zstdDecompress(packed)).equals(plain)).toBe(true);
  });
});

describe('zstd in two threads at once', () => {
  it('each thread has its own context', async () => {
    const work = `
      import { parentPort } from 'node:worker_threads';
      import { createRequire } from 'node:module';
      const { _NapiBindings: streams } = createRequire(${JSON.stringify(import.meta.url)})('@cloudpss/zstd/napi');
      const compressor = new streams.Compressor(1);
      const decompressor = new streams.Decompressor();
      let wrong = 0;
      for (let round = 0; round < 300; round++) {
        const plain = Buffer.alloc(100000, 'row ' + round);
        const packed = [];
        compressor.data(plain, (piece) => packed.push(piece));
        compressor.end((piece) => packed.push(piece));
        const back = [];
        decompressor.data(Buffer.concat(packed), (piece) => back.push(piece));
        if (!Buffer.concat(back).equals(plain)) wrong++;
      }
      parentPort.postMessage(wrong);`;
    const run = (): Promise<number> => new Promise((resolve, reject) => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(work)}`));
      worker.on('message', resolve);
      worker.on('error', reject);
    });
    expect(await Promise.all([run(), run()])).toEqual([0, 0]);
  });
});
