/** Packed WAL gives back the very bytes that went in, whatever they were, one frame at a time; docs/wal-pack.md is exact; damage is told. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layerFaults, LayerKind } from '../../src/layerfile/blockFile.js';
import { WAL_FRAME_BYTES } from '../../src/layerfile/walFrame.js';
import { WalPack, walPackName, WalPackWriter } from '../../src/layerfile/walPack.js';
import { XLOG_BLCKSZ } from '../../src/pg/xlogPage.js';
import { WalscopeError } from '../../src/util/errors.js';
import type { Lsn } from '../../src/util/lsn.js';
import { ROOT } from '../support/cli.js';
import { GOLDEN_WAL, goldenWal } from '../support/goldenPack.js';
import { WalBuilder } from '../support/walBuilder.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'walscope-pack-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A generator of numbers below `n`, the same in every run. */
function random(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % n;
  };
}

/** WAL of every kind of page: full ones, records across pages, zeros in the middle and at ends, another timeline, foreign bytes, a recycled page. */
function mixedWal(seed: number): WalBuilder {
  const next = random(seed);
  const wal = new WalBuilder({ major: 16, firstSegment: 3 });
  while (wal.lsn < wal.startLsn + 2.3 * wal.segmentSize) {
    wal.add({ rmid: 10, info: 0, xid: next(1000), main: Uint8Array.from({ length: 1 + next(3000) }, () => (next(3) === 0 ? next(256) : 7)) });
    if (wal.lsn - wal.startLsn > wal.segmentSize) wal.timeline = 2;
    if (next(40) === 0 && wal.lsn < wal.startLsn + wal.segmentSize) wal.switchSegment();
  }
  const pages = wal.bytes.length / XLOG_BLCKSZ;
  for (let i = 0; i < 12; i++) {
    const at = next(pages) * XLOG_BLCKSZ;
    if (i % 4 === 0) wal.bytes.fill(0, at, at + XLOG_BLCKSZ);
    else if (i % 4 === 1) wal.bytes.fill(0, at + next(XLOG_BLCKSZ), at + XLOG_BLCKSZ);
    else if (i % 4 === 2) wal.bytes[at + next(40)]! ^= 0x40;
    else wal.bytes.set(wal.bytes.slice(0, XLOG_BLCKSZ), at);
  }
  return wal;
}

/** Packs [start, end) of the WAL in pieces of any length. */
function pack(wal: WalBuilder, start: number, end: number, next: (n: number) => number): WalPack {
  const writer = new WalPackWriter(folder, start as Lsn, wal);
  const inSegment = start % wal.segmentSize;
  if (inSegment > 0) writer.addSegmentHeader(wal.read((start - inSegment) as Lsn, 40));
  for (let at = start - wal.startLsn; at < end - wal.startLsn;) {
    const piece = wal.bytes.subarray(at, Math.min(end - wal.startLsn, at + 1 + next(300_000)));
    writer.add(piece);
    at += piece.length;
  }
  const { name, endLsn } = writer.finish();
  expect(name).toBe(walPackName(start as Lsn, end as Lsn));
  return new WalPack(join(folder, name), start as Lsn, endLsn);
}

describe('packed WAL', () => {
  it.each([1, 2, 3])('gives back every byte, from any position: %i', (seed) => {
    const next = random(seed + 100);
    const wal = mixedWal(seed);
    const start = wal.startLsn + next(100) * XLOG_BLCKSZ;
    const end = wal.startLsn + wal.bytes.length - next(100_000);
    const packed = pack(wal, start, end, next);
    for (let lsn = start; lsn < end;) {
      const view = packed.view(lsn as Lsn, 1 + next(40_000));
      expect(view.length).toBeGreaterThan(0);
      expect(Buffer.compare(view, wal.bytes.subarray(lsn - wal.startLsn, lsn - wal.startLsn + view.length))).toBe(0);
      lsn += view.length;
    }
    expect(packed.check()).toEqual([]);
    // every frame but the first begins at a multiple of its size: a position says which it is in
    const frames = [...packed.describe()];
    expect(frames.slice(1).filter(({ lsn }) => lsn % WAL_FRAME_BYTES !== 0)).toEqual([]);
    expect(frames.reduce((sum, { walBytes }) => sum + walBytes, 0)).toBe(end - start);
    packed.close();
  });

  it("knows the long header of every segment, without a frame, and of the one that it begins in", () => {
    const wal = new WalBuilder({ major: 16, firstSegment: 3 });
    while (wal.lsn < wal.startLsn + 2.5 * wal.segmentSize) wal.add({ rmid: 10, info: 0, main: new Uint8Array(5000).fill(3) });
    const packed = pack(wal, wal.startLsn + 5 * XLOG_BLCKSZ, wal.lsn, random(5));
    for (const segno of [3, 4, 5]) {
      const lsn = (segno * wal.segmentSize) as Lsn;
      expect(Buffer.compare(packed.view(lsn, 40), wal.read(lsn, 40))).toBe(0);
    }
    expect(packed.view(wal.startLsn, 41)).toHaveLength(0);
    packed.close();
  });

  it('is far smaller than its headers and zeros', () => {
    const wal = new WalBuilder({ major: 16 });
    wal.add({ rmid: 10, info: 0, main: new Uint8Array(100).fill(1) });
    wal.switchSegment();
    const packed = pack(wal, wal.startLsn, wal.startLsn + wal.segmentSize, random(1));
    expect(packed.bytes).toBeLessThan(1000);
    packed.close();
  });

  it('leaves nothing behind where it is given up', () => {
    const writer = new WalPackWriter(folder, GOLDEN_WAL.startLsn, goldenWal());
    writer.add(goldenWal().bytes);
    writer.abandon();
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('the documented pack', () => {
  const golden = join(ROOT, 'test', 'layerfile', 'golden.wal');
  const { startLsn, endLsn } = GOLDEN_WAL;

  function written(): string {
    const writer = new WalPackWriter(folder, startLsn, goldenWal());
    writer.add(goldenWal().bytes.subarray(0, endLsn - startLsn));
    return join(folder, writer.finish().name);
  }

  it('is what is written, and what the page prints, byte for byte', () => {
    const bytes = readFileSync(written());
    expect(bytes.equals(readFileSync(golden))).toBe(true);
    const doc = readFileSync(join(ROOT, 'docs', 'wal-pack.md'), 'utf8');
    const printed = [...doc.matchAll(/^[0-9a-f]{8} {2}((?:[0-9a-f]{2} {1,2}){1,16})/gm)].flatMap((match) => match[1]!.trim().split(/ +/));
    expect(printed.join('')).toBe(bytes.toString('hex'));
  });

  it('reads back', () => {
    const packed = new WalPack(golden, startLsn, endLsn);
    const wal = goldenWal();
    expect(packed.identity).toEqual({ major: wal.major, segmentSize: wal.segmentSize, systemIdentifier: wal.systemIdentifier });
    expect(Buffer.compare(packed.view(startLsn, endLsn - startLsn), wal.bytes.subarray(0, endLsn - startLsn))).toBe(0);
    packed.close();
  });

  it('is refused, or told, wherever a byte differs or it is cut off', () => {
    const bytes = readFileSync(golden);
    const damaged = join(folder, 'damaged.wal');
    const told = (): string => {
      const [fault] = layerFaults(damaged, LayerKind.wal, bytes.length, false);
      if (fault) return fault.code;
      try {
        const packed = new WalPack(damaged, startLsn, endLsn);
        const [first] = packed.check();
        packed.close();
        return first?.code ?? 'nothing';
      } catch (error) {
        if (!(error instanceof WalscopeError)) throw error;
        return error.code;
      }
    };
    for (let at = 0; at < bytes.length; at++) {
      const copy = Buffer.from(bytes);
      copy[at]! ^= 0x10;
      writeFileSync(damaged, copy);
      expect(`${at}: ${told()}`).toMatch(/: (layer|pack)\.\w+$/);
      writeFileSync(damaged, bytes.subarray(0, at));
      expect(`${at}: ${told()}`).toMatch(/: layer\.\w+$/);
    }
  });

  it('a frame whose CRC holds and that is none: told with its place', () => {
    const wal = goldenWal();
    const packed = new WalPack(golden, startLsn, (endLsn + 1) as Lsn);
    expect(packed.check().map((error) => [error.code, error.message])).toEqual([['pack.damaged', expect.stringMatching(/has a frame of \d+ bytes at .*, where \d+ belong/)]]);
    expect(() => packed.view(wal.startLsn, 100)).toThrow(/golden\.wal has a frame of/);
    packed.close();
  });
});
