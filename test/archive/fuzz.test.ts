import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compress as zstdCompress } from '@cloudpss/zstd';
import { compressFrameSync } from 'lz4-napi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PackedBackup } from '../../src/archive/backupPack.js';
import { decompressBytes } from '../../src/archive/decompress.js';
import { TarHeaders } from '../../src/archive/tarHeader.js';
import { openWalArchive } from '../../src/archive/walArchive.js';
import { parseBackupLabel } from '../../src/pg/backupLabel.js';
import { parseBackupManifest } from '../../src/pg/backupManifest.js';
import { parseControlFile } from '../../src/pg/controlFile.js';
import { parseHistoryFile } from '../../src/pg/historyFile.js';
import { parseTablespaceMap } from '../../src/pg/tablespaceMap.js';
import { WalscopeError } from '../../src/util/errors.js';

const ROUNDS = 300;

/** mulberry32: the same mutations in every run. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Flips, overwrites, cuts, doubles or removes pieces. */
function mutate(bytes: Buffer, next: () => number): Buffer {
  let result = Buffer.from(bytes);
  for (let n = 1 + Math.floor(next() * 4); n > 0; n--) {
    const at = Math.floor(next() * result.length);
    const length = Math.floor(next() * Math.min(32, result.length - at));
    const kind = Math.floor(next() * 5);
    if (kind === 0 && result.length > 0) result[at] = result[at]! ^ (1 << Math.floor(next() * 8));
    else if (kind === 1) result.fill([0, 0xff, 0x41][Math.floor(next() * 3)]!, at, at + length);
    else if (kind === 2) result = result.subarray(0, at);
    else if (kind === 3) result = Buffer.concat([result.subarray(0, at + length), result.subarray(at)]);
    else result = Buffer.concat([result.subarray(0, at), result.subarray(at + length)]);
  }
  return result;
}

/** Runs `work` over mutations; only input errors may come out, and some must. */
function survives(seed: number, good: Buffer, work: (bytes: Buffer) => void): void {
  const next = random(seed);
  let refused = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = mutate(good, next);
    try {
      work(bytes);
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw new Error(`round ${i}: ${String(error)}\n${bytes.toString('hex').slice(0, 400)}`, { cause: error });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(0);
}

let root: string;
beforeAll(() => { root = mkdtempSync(join(tmpdir(), 'walscope-test-')); });
afterAll(() => rmSync(root, { recursive: true }));

const PLAIN = Buffer.from(Array.from({ length: 3000 }, (_, i) => `line ${i * 7919 % 1000} of some text\n`).join(''));

describe('mutated input is refused or read, never more', () => {
  it.each([['gzip', gzipSync(PLAIN)], ['zstd', Buffer.from(zstdCompress(PLAIN, 3))], ['lz4', compressFrameSync(PLAIN)]] as const)('%s', (kind, good) => {
    survives(1, good, (bytes) => {
      const result = decompressBytes(bytes, kind, PLAIN.length);
      if (result.bytes.length > PLAIN.length) throw new Error('too much');
      // damage that the format does not carry a checksum for may pass, but here it counts as a refusal
      if (result.damage !== undefined) throw new WalscopeError('damage', result.damage);
    });
  });

  it('tar headers', () => {
    const header = Buffer.alloc(512);
    header.write('base/5/16385');
    header.write('00000000100\0', 124);
    header.write('0ustar\x0000', 156);
    survives(2, header, (bytes) => {
      const block = Buffer.alloc(512);
      bytes.copy(block);
      block.fill(' ', 148, 156);
      block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
      const headers = new TarHeaders('f');
      const step = headers.header(block);
      if (step.kind === 'meta') headers.meta(bytes.subarray(0, step.bytes));
      if (step.kind === 'entry' && (step.entry.path.split('/').includes('..') || step.entry.path.startsWith('/') || step.entry.bytes < 0)) throw new Error('an unsafe entry');
    });
  });

  it('text files', () => {
    survives(3, Buffer.from('START WAL LOCATION: 1A/2000028 (file 000000030000001A00000002)\nCHECKPOINT LOCATION: 1A/2000060\nBACKUP METHOD: streamed\nBACKUP FROM: standby\nSTART TIMELINE: 3\n'), (bytes) => parseBackupLabel(bytes.toString('latin1')));
    survives(4, Buffer.from('1\t0/3000060\tno recovery target specified\n2\t0/5000000\tx\n'), (bytes) => parseHistoryFile(bytes.toString('latin1'), 3, 'f'));
    survives(5, Buffer.from('16400 /srv/a b\n16401 /x\\\ny\\\\z\n'), (bytes) => parseTablespaceMap(bytes.toString('latin1'), 18));
    survives(6, Buffer.from('{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [\n{ "Path": "a", "Size": 1 }\n],\n"WAL-Ranges": [\n{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000100" }\n],\n"Manifest-Checksum": "00"}\n'), (bytes) => parseBackupManifest(bytes));
    survives(7, Buffer.alloc(8192), (bytes) => parseControlFile(bytes));
  });

  it('packs', () => {
    survives(8, readFileSync(new URL('golden.pack', import.meta.url)), (bytes) => {
      const path = join(root, 'fuzzed.pack');
      writeFileSync(path, bytes);
      const pack = new PackedBackup(path);
      try {
        for (const file of pack.list()) pack.read(file.path, 0, file.bytes, new Uint8Array(file.bytes));
      } finally {
        pack.close();
      }
    });
  });

  it('segments\' first pages', () => {
    const segment = Buffer.alloc(8192);
    segment.writeUInt16LE(0xd118, 0);
    segment.writeUInt16LE(2, 2);
    segment.writeUInt32LE(1, 4);
    segment.writeUInt32LE(1 << 20, 8);
    segment.writeBigUInt64LE(1234567n, 24);
    segment.writeUInt32LE(1 << 20, 32);
    segment.writeUInt32LE(8192, 36);
    const path = join(root, '000000010000000000000001');
    survives(9, segment.subarray(0, 60), (bytes) => {
      writeFileSync(path, bytes);
      const archive = openWalArchive([path]);
      archive.timelineWal(1).read(archive.segments[0]!.startLsn, 8192);
      archive.close();
    });
  });
});
