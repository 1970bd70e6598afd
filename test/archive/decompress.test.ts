import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compress as zstdCompress } from '@cloudpss/zstd';
import { compressFrameSync } from 'lz4-napi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decompressBytes, decompressFile, decompressPrefix, hasCompressionSuffix, newStreamDecoder, sniffCompression, unsupportedCompression, withoutCompressionSuffix,
  type Compression,
} from '../../src/archive/decompress.js';
import { xxHash32 } from '../../src/util/xxHash32.js';

/** RFC 1952's CRC-32, bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** Text-like bytes with repeats at long distances, so that linked LZ4 blocks refer to each other. */
function sample(length: number): Buffer {
  const out = Buffer.alloc(length);
  const seed = Buffer.alloc(1500);
  let x = 1;
  for (let i = 0; i < seed.length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    seed[i] = x >>> 24;
  }
  for (let at = 0, n = 0; at < out.length; n++) {
    const piece = seed.subarray((n * 37) % 700, 1000 + ((n * 53) % 500));
    piece.copy(out, at);
    at += piece.length;
  }
  return out;
}

const PLAIN = sample(300_000);
type Packed = Exclude<Compression, 'none'>;
const PACKED: Record<Packed, Buffer> = {
  gzip: gzipSync(PLAIN),
  zstd: Buffer.from(zstdCompress(PLAIN, 3)),
  lz4: compressFrameSync(PLAIN, { contentChecksum: true, blockChecksums: true }),
};
const KINDS = Object.keys(PACKED) as Packed[];

describe('gzip files of segments', () => {
  const file = join(tmpdir(), `walscope-members-${process.pid}.gz`);
  afterAll(() => rmSync(file, { force: true }));
  const half = PLAIN.length / 2;

  it.each<[string, () => Buffer]>([
    ['one member', () => PACKED.gzip],
    ['two members of one length', () => Buffer.concat([gzipSync(PLAIN.subarray(0, half)), gzipSync(PLAIN.subarray(half))])],
    ['a name, a comment, an extra field and a header CRC', () => {
      const header = Buffer.from([0x1f, 0x8b, 8, 30, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9, ...Buffer.from('name\0comment\0')]);
      return Buffer.concat([header, Buffer.from([crc32(header) & 255, (crc32(header) >>> 8) & 255]), PACKED.gzip.subarray(10)]);
    }],
  ])('%s', (_, bytes) => {
    writeFileSync(file, bytes());
    const result = decompressFile(file, 'gzip', PLAIN.length);
    expect(result.damage).toBeUndefined();
    expect(Buffer.from(result.bytes).equals(PLAIN)).toBe(true);
  });

  it('says where a file ends early, in its header too', () => {
    for (const length of [3, 12, 40, PACKED.gzip.length - 9, PACKED.gzip.length - 4]) {
      writeFileSync(file, PACKED.gzip.subarray(0, length));
      expect(decompressFile(file, 'gzip', PLAIN.length).damage).toMatch(/./);
    }
  });
});

describe.each(KINDS)('%s', (kind) => {
  const bytes = PACKED[kind];

  it('decompresses whole, told by its magic', () => {
    expect(sniffCompression(bytes)).toBe(kind);
    const result = decompressBytes(bytes, kind, PLAIN.length);
    expect(result.damage).toBeUndefined();
    expect(PLAIN.equals(result.bytes)).toBe(true);
  });

  it('joins frames that follow one another', () => {
    const result = decompressBytes(Buffer.concat([bytes, bytes]), kind, 2 * PLAIN.length);
    expect(result.damage).toBeUndefined();
    expect(Buffer.concat([PLAIN, PLAIN]).equals(result.bytes)).toBe(true);
  });

  it('is the same however the input is cut', () => {
    for (const size of [1, 7, 1000]) {
      const decoder = newStreamDecoder(kind);
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) decoder.push(Buffer.from(bytes.subarray(at, at + size)), (piece) => pieces.push(Buffer.from(piece)));
      expect(PLAIN.equals(Buffer.concat(pieces))).toBe(true);
    }
  });

  it('gives what is readable of a cut file, and says that it is cut', () => {
    for (const length of [0, 3, 20, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const result = decompressBytes(bytes.subarray(0, length), kind, PLAIN.length);
      expect(PLAIN.subarray(0, result.bytes.length).equals(result.bytes)).toBe(true);
      if (length === 0) expect(result.bytes.length).toBe(0);
      else expect(result.damage).toBeTruthy();
    }
    expect(decompressBytes(bytes.subarray(0, bytes.length - 1), kind, PLAIN.length).bytes.length).toBeGreaterThanOrEqual(128 * 1024);
  });

  it('notices damage', () => {
    const damaged = Buffer.from(bytes);
    damaged[Math.floor(bytes.length / 2)]! ^= 0xff;
    expect(decompressBytes(damaged, kind, PLAIN.length + 65536).damage).toBeTruthy();
    expect(decompressBytes(Buffer.concat([bytes, Buffer.from('and now for something else')]), kind === 'gzip' ? 'zstd' : kind, PLAIN.length).damage).toBeTruthy();
  });

  it('holds no more than the limit of what inflates beyond it', () => {
    const { bytes: held, damage } = decompressBytes(bytes, kind, PLAIN.length - 1);
    expect(damage).toMatch(/inflates to more than/);
    expect(PLAIN.subarray(0, PLAIN.length - 1).equals(held)).toBe(true);
  });
});

describe('bombs', () => {
  it.each([
    ['gzip', () => gzipSync(Buffer.alloc(200 << 20))],
    ['zstd', () => Buffer.from(zstdCompress(new Uint8Array(200 << 20), 1))],
    ['lz4', () => compressFrameSync(Buffer.alloc(200 << 20))],
  ] as const)('%s: is not held', (kind, make) => {
    const bomb = make();
    const before = process.memoryUsage().rss;
    const { bytes, damage } = decompressBytes(bomb, kind, 1 << 20);
    expect([bytes.length, damage]).toEqual([1 << 20, expect.stringMatching(/inflates to more than/)]);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 << 20);
  });
});

describe('files', () => {
  let directory: string;
  beforeAll(() => { directory = mkdtempSync(join(tmpdir(), 'walscope-test-')); });
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each(KINDS)('%s: prefix and whole', (kind) => {
    const path = join(directory, kind);
    writeFileSync(path, PACKED[kind]);
    const fd = openSync(path, 'r');
    expect(PLAIN.subarray(0, 40).equals(decompressPrefix(fd, path, kind, 40))).toBe(true);
    closeSync(fd);
    expect(PLAIN.equals(decompressFile(path, kind, PLAIN.length).bytes)).toBe(true);
    writeFileSync(path, Buffer.alloc(600_000));
    expect(decompressFile(path, kind, PLAIN.length)).toMatchObject({ bytes: new Uint8Array(0), damage: expect.stringMatching(/longer than/) });
  });

  it('reads LZ4 blocks that refer to the ones before, as pg_receivewal and `lz4 -BD` write them', () => {
    const result = decompressBytes(readFileSync(new URL('linked-blocks.lz4', import.meta.url)), 'lz4', PLAIN.length);
    expect(result.damage).toBeUndefined();
    expect(PLAIN.equals(result.bytes)).toBe(true);
  });
});

describe('names and magics', () => {
  it('knows what it cannot read', () => {
    expect(sniffCompression(Buffer.from('BZh91AY'))).toBe('bzip2');
    expect(sniffCompression(Buffer.from('fd377a585a0000', 'hex'))).toBe('xz');
    expect(sniffCompression(Buffer.from('ff060000734e61507059', 'hex'))).toBe('snappy');
    expect(sniffCompression(Buffer.from('Salted__xxxxxxxx'))).toBe('openssl');
    expect(sniffCompression(Buffer.from('16d10500', 'hex'))).toBe('none');
    expect(unsupportedCompression('f', 'bzip2').code).toBe('compression.unsupported');
    expect(unsupportedCompression('f', 'openpgp').code).toBe('compression.encrypted');
  });

  it('cuts suffixes off', () => {
    expect(withoutCompressionSuffix('base.tar.gz.gpg')).toBe('base.tar');
    expect(withoutCompressionSuffix('base.tar')).toBe('base.tar');
    expect([hasCompressionSuffix('a.zst'), hasCompressionSuffix('a.tar')]).toEqual([true, false]);
  });

  it('hashes as xxHash does', () => {
    // the vectors of xxHash's own sanity check for seed 0
    expect(xxHash32(new Uint8Array(0))).toBe(0x02cc5d05);
    expect(xxHash32(Buffer.from('abc'))).toBe(0x32d153ff);
    expect(xxHash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
  });
});
