import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compress as zstdCompress } from '@cloudpss/zstd';
import { compressFrameSync } from 'lz4-napi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { openWalArchive, reopenWalArchive, type SavedWalArchive, type WalArchive, type WalArchiveOptions } from '../../src/archive/walArchive.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { formatLsn, parseLsn, type Lsn } from '../../src/util/lsn.js';
import { failure } from '../support/errorCode.js';

const MB = 1024 * 1024;
const MAJOR = 17;

/** One cluster's archive: timeline 1 to its end, and timeline 2, which left it in mid-segment; made once. */
let root: string;
let master: string;
let switchLsn: Lsn;
let switchSegment: string;
let liveWal: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'walscope-test-'));
  master = join(root, 'master');
  mkdirSync(master);
  const server = await PostgresServer.create({ major: MAJOR, walSegmentMb: 1 });
  try {
    await server.sql('CREATE TABLE t (i int, s text)');
    const backup = await takePlainBackup(server, join(root, 'backup'));
    await server.sql("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i");
    await server.archiveAll();
    await server.sql("INSERT INTO t SELECT i, 'some' FROM generate_series(1, 1000) i; SELECT pg_create_restore_point('here')");
    await server.sql("INSERT INTO t SELECT i, 'more' FROM generate_series(1, 30000) i");
    await server.archiveAll();
    cpSync(server.walDir, master, { recursive: true });
    const recovered = await recoverTo({
      major: MAJOR, backup, wal: server.walDir, target: { name: 'here' },
      settings: { wal_keep_size: '64MB', archive_mode: true, archive_command: `cp "%p" "${server.walDir}/%f"` },
    });
    try {
      await recovered.sql("INSERT INTO t SELECT i, 'other' FROM generate_series(1, 30000) i");
      await recovered.archiveAll();
      await recovered.stop();
      cpSync(server.walDir, master, { recursive: true });
      liveWal = join(root, 'pg_wal');
      cpSync(join(recovered.dataDir, 'pg_wal'), liveWal, { recursive: true });
    } finally {
      await recovered.destroy();
    }
  } finally {
    await server.destroy();
  }
  const history = readFileSync(join(master, '00000002.history'), 'utf8');
  switchLsn = parseLsn(/^1\t(\S+)/m.exec(history)![1]!)!;
  switchSegment = Math.floor(switchLsn / MB).toString(16).toUpperCase().padStart(8, '0');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A segment that is full of records, in the middle of timeline 1. */
const full = (): string => readdirSync(master).filter((name) => /^00000001[0-9A-F]{16}$/.test(name)).sort()[3]!;
const onTimeline = (timeline: number, segment = switchSegment): string => `0000000${timeline}00000000${segment}`;

let copies = 0;
/** A copy of the archive, changed. */
function copy(change?: (directory: string) => void): string {
  const directory = join(root, `copy${copies++}`);
  cpSync(master, directory, { recursive: true });
  change?.(directory);
  return directory;
}
function opened<T>(path: string | string[], work: (archive: WalArchive) => T, options?: WalArchiveOptions): T {
  const archive = openWalArchive(Array.isArray(path) ? path : [path], options);
  try {
    return work(archive);
  } finally {
    archive.close();
  }
}
const findingCodes = (path: string | string[]): string[] => opened(path, (archive) => archive.findings.map((finding) => finding.code));
/** Every record along a timeline: how many, whether the last one's end, and the timelines of the pages they stand on. */
function walk(archive: WalArchive, timeline: number): { records: number; end: Lsn; timelines: number[]; why?: string } {
  const wal = archive.timelineWal(timeline);
  const reader = new XLogReader(wal, { major: archive.major, systemIdentifier: archive.systemIdentifier });
  const record = new XLogRecord();
  const timelines = new Set<number>();
  let records = 0;
  let end = 0 as Lsn;
  reader.seek(wal.coverage()[0]!.start, record);
  while (reader.next(record)) {
    records++;
    end = record.endLsn;
    timelines.add(reader.pageTimeline);
  }
  return { records, end, timelines: [...timelines], why: reader.end?.kind };
}

describe('line 4: an archive with a timeline switch in mid-segment', () => {
  it('is what the files say', () => {
    opened(master, (archive) => {
      expect(archive.segmentSize).toBe(MB);
      expect(archive.major).toBe(MAJOR);
      expect(archive.timelines).toEqual([1, 2]);
      expect(archive.findings).toEqual([]);
      expect(archive.segments.length).toBe(readdirSync(master).filter((name) => /^[0-9A-F]{24}(\.partial)?$/.test(name)).length);
      expect(archive.segments.every((segment) => segment.startLsn === segment.segno * MB)).toBe(true);
      expect(archive.histories.get(2)).toMatchObject([{ timeline: 1, switchLsn }]);
      expect(switchLsn % MB).toBeGreaterThan(0);
    });
  });

  it('reads record by record across the switch, and on along the parent', () => {
    opened(master, (archive) => {
      const child = walk(archive, 2);
      const parent = walk(archive, 1);
      expect(child.timelines).toEqual([1, 2]);
      expect(parent.timelines).toEqual([1]);
      expect(child.records).toBeGreaterThan(30000);
      expect(parent.records).toBeGreaterThan(50000);
      const wal = archive.timelineWal(2);
      expect([switchLsn - 1, switchLsn].map((lsn) => basename(wal.fileAt(lsn as Lsn)!).slice(0, 8))).toEqual(['00000001', '00000002']);
      expect(wal.coverage().length).toBe(1);
    });
  });

  it('serves below the switch from the child\'s copy where the parent\'s segment is gone, from .partial where both are', () => {
    const whole = opened(master, (archive) => walk(archive, 2));
    const noParent = copy((d) => {
      rmSync(join(d, onTimeline(1)));
      rmSync(join(d, `${onTimeline(1)}.partial`), { force: true });
    });
    expect(opened(noParent, (archive) => walk(archive, 2))).toEqual(whole);
    const partialOnly = copy((d) => {
      renameSync(join(d, onTimeline(1)), join(d, `${onTimeline(1)}.partial`));
      rmSync(join(d, onTimeline(2)));
    });
    opened(partialOnly, (archive) => {
      const wal = archive.timelineWal(2);
      expect(basename(wal.fileAt((switchLsn - 1) as Lsn)!)).toBe(`${onTimeline(1)}.partial`);
      expect(wal.fileAt(switchLsn)).toBeUndefined();
      expect(wal.read(switchLsn, 100).length).toBe(0);
      expect(wal.read((switchLsn - 10) as Lsn, 100).length).toBe(10);
      expect(wal.coverage().map(({ end }) => formatLsn(end))[0]).toBe(formatLsn(switchLsn));
      expect(wal.coverage().length).toBe(2);
      const read = walk(archive, 2);
      expect([read.end, read.why]).toEqual([switchLsn, 'missing']);
    });
  });

  it('knows a timeline without its history file only by itself', () => {
    const path = copy((d) => rmSync(join(d, '00000002.history')));
    expect(findingCodes(path)).toEqual(['wal.history_missing']);
    opened(path, (archive) => expect(archive.spans(2)).toHaveLength(1));
  });
});

/** Frames of 64 kB: lz4-napi would put a megabyte into one block, of which a cut leaves nothing. */
function lz4Frames(bytes: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 65536) frames.push(compressFrameSync(bytes.subarray(at, at + 65536)));
  return Buffer.concat(frames);
}

const PACK: Record<string, (bytes: Buffer) => Uint8Array> = { gz: (b) => gzipSync(b), zst: (b) => zstdCompress(b, 1), lz4: lz4Frames };

/** Held whole, and too large to be. */
const MEMORY = [undefined, 1000];

describe.each(Object.keys(PACK).flatMap((suffix) => MEMORY.map((memoryBytes) => ({ suffix, memoryBytes }))))('segments in $suffix, memory $memoryBytes', ({ suffix, memoryBytes }) => {
  const packed = (change: (name: string, bytes: Buffer) => Uint8Array, keepNames = false): string =>
    copy((d) => {
      for (const name of readdirSync(d)) {
        if (!/^[0-9A-F]{24}(\.partial)?$/.test(name) && !name.endsWith('.history')) continue;
        writeFileSync(join(d, keepNames ? name : name.endsWith('.partial') ? name.replace('.partial', `.${suffix}.partial`) : `${name}.${suffix}`), change(name, readFileSync(join(d, name))));
        if (!keepNames) rmSync(join(d, name));
      }
    });

  it('read as plain ones do, whatever they are called', () => {
    const plain = opened(master, (archive) => walk(archive, 2));
    for (const keepNames of [false, true]) {
      opened(packed((_, bytes) => PACK[suffix]!(bytes), keepNames), (archive) => {
        expect(archive.findings).toEqual([]);
        expect(walk(archive, 2)).toEqual(plain);
        expect(archive.segments.some((segment) => segment.partial)).toBe(readdirSync(master).some((name) => name.endsWith('.partial')));
        expect(new Set(archive.segments.map((segment) => segment.compression)).size).toBe(1);
      }, { memoryBytes });
    }
  });

  it('are read as far as they go where they are cut off, and reported once', () => {
    const target = full();
    const path = packed((name, bytes) => {
      const all = PACK[suffix]!(bytes);
      return name === target ? all.subarray(0, Math.floor(all.length * 0.7)) : all;
    });
    opened(path, (archive) => {
      expect(archive.findings).toEqual([]);
      const read = walk(archive, 1);
      const segment = archive.segments.find((each) => each.path.includes(target))!;
      expect(read.end).toBeGreaterThan(segment.startLsn);
      expect(read.end).toBeLessThan(segment.startLsn + MB);
      expect(read.why).not.toBe('end');
      expect(archive.findings.map((finding) => finding.code)).toEqual(['wal.segment_damaged']);
      expect(archive.findings[0]!.message).toMatch(/ \d+ of 1048576 bytes can be read$/);
    }, { memoryBytes });
  });

  it('can be read backwards', () => {
    opened(packed((_, bytes) => PACK[suffix]!(bytes)), (archive) => {
      const whole = readFileSync(join(master, full()));
      const segment = archive.openSegment(archive.segments.find((each) => each.path.includes(full()))!);
      const piece = new Uint8Array(10_000);
      for (let at = MB - 10_000; at > 0; at -= 99_000) {
        expect(segment.read(at, 10_000, piece)).toBe(10_000);
        expect(whole.subarray(at, at + 10_000).equals(piece)).toBe(true);
      }
    }, { memoryBytes });
  });

  it('are damaged where they inflate beyond a segment', () => {
    const target = full();
    opened(packed((name, bytes) => PACK[suffix]!(name === target ? Buffer.concat([bytes, Buffer.alloc(64 * MB)]) : bytes)), (archive) => {
      const segment = archive.segments.find((each) => each.path.includes(target))!;
      expect(archive.openSegment(segment).read(MB - 8, 100, new Uint8Array(100))).toBe(8);
      expect(archive.findings).toMatchObject([{ code: 'wal.segment_damaged', place: { file: segment.path } }]);
    }, { memoryBytes });
  });
});

describe('several places', () => {
  it('finds nested files, follows links, and is not led round in circles', () => {
    const path = copy((d) => {
      mkdirSync(join(d, 'deep', 'er'), { recursive: true });
      for (const name of readdirSync(d)) if (name.startsWith('00000001')) renameSync(join(d, name), join(d, 'deep', 'er', name));
      symlinkSync(d, join(d, 'deep', 'loop'));
      symlinkSync('nowhere', join(d, 'dangling'));
      symlinkSync('self', join(d, 'self'));
      writeFileSync(join(d, 'README'), 'x');
    });
    opened(path, (archive) => {
      expect(walk(archive, 2).timelines).toEqual([1, 2]);
      expect(archive.ignored.map((each) => basename(each))).toEqual(['README', 'dangling', 'self']);
    });
  });

  it('takes a pg_wal directory, with its recycled segments, beside the archive', () => {
    const alone = opened(liveWal, (archive) => archive.segments.length);
    expect(alone).toBeGreaterThan(0);
    opened([liveWal, master], (archive) => {
      expect(archive.findings).toEqual([]);
      expect(archive.duplicates.length).toBeGreaterThan(0);
      expect(archive.duplicates.every(({ used, other }) => other.live && !used.live)).toBe(true);
      expect(archive.compareDuplicates()).toEqual([]);
      // the shutdown checkpoint is in pg_wal alone
      expect(walk(archive, 2).end).toBeGreaterThan(opened(master, (only) => walk(only, 2)).end);
    });
  });

  it('takes equal copies for one and tells different ones', () => {
    const other = copy((d) => {
      for (const name of readdirSync(d)) {
        if (name === full()) continue;
        rmSync(join(d, name));
      }
    });
    opened([master, other], (archive) => {
      expect(archive.duplicates.length).toBe(1);
      expect(archive.compareDuplicates()).toEqual([]);
    });
    const bytes = readFileSync(join(other, full()));
    bytes[777_777]! ^= 1;
    writeFileSync(join(other, full()), bytes);
    opened([master, other], (archive) => {
      expect(archive.compareDuplicates()).toMatchObject([{ code: 'wal.duplicate_differs', place: { file: join(other, full()), offset: 777_777 } }]);
    });
  });

  it('prefers a whole compressed copy to a plain one that is cut off', () => {
    const path = copy((d) => {
      writeFileSync(join(d, `${full()}.gz`), gzipSync(readFileSync(join(d, full()))));
      truncateSync(join(d, full()), 300_000);
    });
    const whole = opened(master, (archive) => walk(archive, 2));
    opened(path, (archive) => {
      expect(archive.findings).toEqual([]);
      expect(walk(archive, 2)).toEqual(whole);
    });
  });

  it('opens again from what was saved, without looking for files', () => {
    const path = copy();
    // plain and compressed ones in turn
    const names = readdirSync(path).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort();
    for (const name of names.slice(4, 8)) {
      writeFileSync(join(path, `${name}.gz`), gzipSync(readFileSync(join(path, name))));
      rmSync(join(path, name));
    }
    const { saved, segments, whole } = opened(path, (archive) => ({ saved: JSON.stringify(archive.save()), segments: archive.segments, whole: walk(archive, 2) }));
    const again = reopenWalArchive(JSON.parse(saved) as SavedWalArchive);
    expect(again.segments).toEqual(segments.map((segment) => (segment.compression === 'none' ? segment : { ...segment, bytes: 0 })));
    expect((JSON.parse(saved) as SavedWalArchive).segments.length).toBeLessThan(segments.length / 2);
    expect(walk(again, 2)).toEqual(whole);
    again.close();
    rmSync(path, { recursive: true });
    const gone = reopenWalArchive(JSON.parse(saved) as SavedWalArchive);
    expect(failure(() => gone.openSegment(gone.segments[0]!))).toBe('input.unreadable');
  });

  it('finds the pg_wal of a data directory, and single files', () => {
    const data = join(root, 'datadir');
    mkdirSync(data);
    writeFileSync(join(data, 'PG_VERSION'), '17\n');
    cpSync(liveWal, join(data, 'pg_wal'), { recursive: true });
    expect(opened(data, (archive) => archive.segments.length)).toBe(opened(liveWal, (archive) => archive.segments.length));
    expect(opened(join(master, full()), (archive) => archive.segments.length)).toBe(1);
  });
});

describe('what does not belong or is damaged', () => {
  const only = (name: string, bytes: Uint8Array): string => {
    const directory = join(root, `only${copies++}`);
    mkdirSync(directory);
    writeFileSync(join(directory, name), bytes);
    return directory;
  };
  const good = (): Buffer => readFileSync(join(master, full()));
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = good();
    change(bytes);
    return bytes;
  };

  it.each<[string, string, () => Uint8Array]>([
    ['wal.segment_empty', 'an empty file', () => new Uint8Array(0)],
    ['wal.segment_short', 'a header cut off', () => good().subarray(0, 39)],
    ['wal.segment_zero', 'zeros', () => new Uint8Array(MB)],
    ['wal.page_magic', 'garbage', () => Buffer.alloc(MB, 'garbage!')],
    ['wal.version', 'PostgreSQL 12', () => changed((b) => { b.writeUInt16LE(0xd101, 0); })],
    ['wal.page_long_header', 'no first page', () => good().subarray(8192)],
    ['wal.page_segment_size', 'a segment size of 3 MB', () => changed((b) => { b.writeUInt32LE(3 * MB, 32); })],
    ['wal.page_block_size', 'WAL pages of 4 kB', () => changed((b) => { b.writeUInt32LE(4096, 36); })],
    ['wal.segment_name', 'another segment\'s bytes', () => changed((b) => { b.writeUInt32LE(b.readUInt32LE(8) + MB, 8); })],
    ['wal.segment_name', 'a later timeline\'s bytes', () => changed((b) => { b.writeUInt32LE(9, 4); })],
    ['compression.unsupported', 'bzip2', () => Buffer.from('BZh91AY&SY')],
    ['compression.unsupported', 'xz', () => Buffer.from('fd377a585a000004', 'hex')],
    ['compression.encrypted', 'an encrypted one', () => Buffer.from('Salted__abcdefgh')],
    ['wal.page_magic', 'gzip of something else', () => gzipSync(Buffer.alloc(1000, 'text'))],
    ['wal.segment_empty', 'a gzip header alone', () => gzipSync(good()).subarray(0, 12)],
  ])('%s: %s', (code, _, bytes) => {
    expect(failure(() => openWalArchive([only(full(), bytes())]))).toBe(code);
    // beside good segments it is a finding
    expect(findingCodes(copy((d) => writeFileSync(join(d, full()), bytes())))).toEqual([code]);
  });

  it('has nothing', () => {
    expect(failure(() => openWalArchive([only('README', Buffer.from('x'))]))).toBe('wal.none');
    expect(failure(() => openWalArchive([join(root, 'nowhere')]))).toBe('wal.path');
    expect(failure(() => openWalArchive([join(only('README', Buffer.from('x')), 'README')]))).toBe('wal.path');
  });

  it('has a segment that is cut off or too long', () => {
    const cut = copy((d) => truncateSync(join(d, full()), 300_000));
    expect(findingCodes(cut)).toEqual(['wal.segment_short']);
    opened(cut, (archive) => expect(archive.timelineWal(1).coverage().length).toBe(2));
    expect(findingCodes(copy((d) => truncateSync(join(d, full()), MB + 5)))).toEqual(['wal.segment_long']);
  });

  it('has segments of another cluster', () => {
    const systemIdentifier = opened(master, (archive) => archive.systemIdentifier);
    const foreign = changed((b) => { b.writeBigUInt64LE(7n, 24); });
    const path = copy((d) => writeFileSync(join(d, full()), foreign));
    expect(findingCodes(path)).toEqual(['wal.foreign_segments']);
    opened(path, (archive) => expect(archive.systemIdentifier).toBe(systemIdentifier));
    opened(path, (archive) => expect([archive.systemIdentifier, archive.segments.length]).toEqual([7n, 1]), { systemIdentifier: 7n });
    expect(failure(() => openWalArchive([master], { systemIdentifier: 8n }))).toBe('wal.other_cluster');
  });

  it('has history files that are damaged', () => {
    expect(findingCodes(copy((d) => writeFileSync(join(d, '00000002.history'), 'garbage')))).toEqual(['wal.history', 'wal.history_missing']);
    expect(findingCodes(copy((d) => writeFileSync(join(d, '00000002.history'), gzipSync('1\t0/1\tx\n').subarray(0, 15))))).toEqual(['wal.text_file', 'wal.history_missing']);
    const backup = readdirSync(master).find((name) => name.endsWith('.backup'))!;
    // nothing of it is needed: no answer depends on what it says
    expect(findingCodes(copy((d) => writeFileSync(join(d, backup), 'garbage')))).toEqual([]);
    const other = copy((d) => copyFileSync(join(d, '00000002.history'), join(d, '00000003.history')));
    expect(findingCodes(other)).toEqual([]);
    writeFileSync(join(other, '00000002.history'), '1\t0/1000000\tx\n');
    expect(findingCodes([master, other])).toEqual(['wal.duplicate_differs']);
  });
});
