import { constants, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { InflateKernel, InflateStatus } from '../../src/archive/inflateKernel.js';

const LIMIT = 200_000;
const ROUNDS = 150;
const kernel = new InflateKernel(LIMIT);

/** mulberry32: the same streams in every run. */
function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Runs of literals from an alphabet of any size, repetitions near and far, zeros. */
function sample(next: (below: number) => number): Buffer {
  const bytes = Buffer.alloc(next(next(4) === 0 ? LIMIT : 3000));
  const alphabet = 1 + next(256);
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(1 + next(next(3) === 0 ? 600 : 12), bytes.length - at);
    const kind = next(4);
    const distance = 1 + next(Math.min(at, next(2) === 0 ? 20 : 40_000));
    for (let i = at; i < at + length; i++) bytes[i] = kind === 0 ? 0 : kind < 3 && distance <= i ? bytes[i - distance]! : next(alphabet);
    at += length;
  }
  return bytes;
}

function settings(next: (below: number) => number): ZlibOptions {
  const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED } = constants;
  return { level: next(10), strategy: [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED][next(5)]!, memLevel: 1 + next(9), windowBits: 9 + next(7) };
}

interface Inflated {
  status: number;
  bytes: Buffer;
  leftOver: number;
}

/** In steps of any length, so that it stops anywhere. */
function inflate(stream: Uint8Array, next: (below: number) => number): Inflated {
  kernel.place(stream.length + 3).set(stream, 3);
  kernel.begin(3);
  let status: number = InflateStatus.more;
  while (status === InflateStatus.more) status = kernel.run(Math.min(kernel.produced + 1 + next(next(2) === 0 ? 10 : 50_000), LIMIT + 1));
  return { status, bytes: Buffer.from(kernel.output(0, kernel.produced)), leftOver: kernel.leftOver };
}

function byZlib(stream: Uint8Array, finishFlush?: number): Buffer | undefined {
  try {
    return inflateRawSync(stream, { finishFlush });
  } catch {
    return undefined;
  }
}

describe('inflating', () => {
  it('gives what zlib gives, for every level and strategy', () => {
    const next = random(1);
    for (let i = 0; i < ROUNDS; i++) {
      const plain = sample(next);
      const { status, bytes, leftOver } = inflate(deflateRawSync(plain, settings(next)), next);
      expect([i, status, leftOver, bytes.equals(plain)]).toEqual([i, InflateStatus.done, 0, true]);
    }
  });

  it('leaves what follows the stream', () => {
    const { status, leftOver } = inflate(Buffer.concat([deflateRawSync(Buffer.alloc(1000)), Buffer.alloc(9, 255)]), random(2));
    expect([status, leftOver]).toEqual([InflateStatus.done, 9]);
  });

  it('gives the beginning of a stream that is cut off, and not a byte more than there is', () => {
    const next = random(3);
    for (let i = 0; i < ROUNDS; i++) {
      const plain = sample(next);
      const stream = deflateRawSync(plain, settings(next));
      const cut = stream.subarray(0, next(stream.length));
      const { status, bytes } = inflate(cut, next);
      expect([i, status]).toEqual([i, InflateStatus.cut]);
      expect(bytes.equals(byZlib(cut, constants.Z_SYNC_FLUSH)!)).toBe(true);
    }
  });

  it('refuses what zlib refuses and takes what it takes, whatever was done to the stream', () => {
    const next = random(4);
    const seen = new Set<number>();
    for (let i = 0; i < 4 * ROUNDS; i++) {
      const stream = Buffer.from(deflateRawSync(sample(next).subarray(0, 3000), settings(next)));
      for (let n = 1 + next(3); n > 0; n--) {
        // the beginning holds the codes
        const at = next(next(2) === 0 ? Math.min(stream.length, 60) : stream.length);
        stream[at] = next(2) === 0 ? next(256) : stream[at]! ^ (1 << next(8));
      }
      const { status, bytes } = inflate(stream, next);
      seen.add(status);
      const wanted = byZlib(stream);
      if (wanted && wanted.length <= LIMIT) expect([i, status, bytes.equals(wanted)]).toEqual([i, InflateStatus.done, true]);
      else expect([i, status]).not.toEqual([i, InflateStatus.done]);
    }
    expect(seen).toEqual(new Set([InflateStatus.done, InflateStatus.corrupt, InflateStatus.cut]));
  });

  it('stops where a stream goes beyond its limit', () => {
    const { status, bytes } = inflate(deflateRawSync(Buffer.alloc(LIMIT + 1, 'ab')), random(5));
    expect([status, bytes.length]).toEqual([InflateStatus.tooLong, LIMIT]);
    expect(inflate(deflateRawSync(Buffer.alloc(LIMIT)), random(6)).status).toBe(InflateStatus.done);
  });
});
