/** The same history in every form that backups and WAL archives come in: the rows must be the same as COPY showed. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compress as zstdCompress } from '@cloudpss/zstd';
import { compressFrameSync } from 'lz4-napi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { formatLsn } from '../../src/util/lsn.js';
import { asofCsv, compareMoment, indexArchive, type IndexedArchive } from '../support/truthCase.js';

const MAJOR = 16;
const COMPRESSIONS = {
  gz: (bytes: Buffer): Uint8Array => gzipSync(bytes, { level: 1 }),
  zst: (bytes: Buffer): Uint8Array => zstdCompress(bytes, 1),
  lz4: (bytes: Buffer): Uint8Array => compressFrameSync(bytes),
};
type Compression = keyof typeof COMPRESSIONS;

let root: string;
let archive: Archive;
let count = 0;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'walscope-forms-'));
  archive = await cachedArchive({ major: MAJOR, workload: 'everything' });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function fresh(name: string): string {
  const folder = join(root, `${name}${count++}`);
  mkdirSync(folder);
  return folder;
}

/** Indexes a form of the archive and compares a few moments: the first, two in the middle, the last. */
async function expectEqual(input: Parameters<typeof indexArchive>[0], findings: string[] = []): Promise<void> {
  const indexed = await indexArchive(input);
  try {
    expect(indexed.findings).toEqual(findings);
    await expectMoments(indexed);
  } finally {
    indexed.remove();
  }
}

async function expectMoments(indexed: IndexedArchive, of: Archive = archive): Promise<void> {
  const { moments } = of.truth;
  const differences: string[] = [];
  let equal = 0;
  for (const i of [0, Math.floor(moments.length / 3), Math.floor((moments.length * 2) / 3), moments.length - 1]) {
    const result = await compareMoment(indexed.session, of, moments[i]!, moments[i]!.lsn);
    differences.push(...result.differences);
    equal += result.equal;
  }
  expect(differences).toEqual([]);
  expect(equal).toBeGreaterThan(60);
}

/** The plain backup as pg_basebackup -Ft writes it: base.tar, a tar a tablespace, perhaps compressed. */
function asTars(compression?: Compression): string {
  const { path } = archive.backup;
  const folder = fresh('tars');
  const tablespaces = readdirSync(join(path, 'pg_tblspc'));
  expect(tablespaces.length).toBeGreaterThan(0);
  const pack = (name: string, directory: string, ...options: string[]): void => {
    const file = join(folder, `${name}.tar`);
    execFileSync('tar', ['-C', directory, ...options, '-cf', file, '.']);
    if (!compression) return;
    writeFileSync(`${file}.${compression}`, COMPRESSIONS[compression](readFileSync(file)));
    rmSync(file);
  };
  pack('base', path, '--exclude', './pg_tblspc/*');
  for (const oid of tablespaces) pack(oid, join(path, 'pg_tblspc', oid, '.'));
  return folder;
}

describe('base backups', () => {
  it.each([undefined, 'gz', 'zst', 'lz4'] as const)('lines 20 and 35: tars with a tablespace, compressed by %s', async (compression) => {
    await expectEqual({ backup: { format: 'tar', path: asTars(compression) }, wal: archive.wal });
  });

  it('a plain copy whose tablespace lies where its link leads', async () => {
    await expectEqual(archive);
  });

  it('line 37: several in one archive, each moment from the nearest before it, and a backup more changes no answer', async () => {
    const two = await cachedArchive({ major: MAJOR, workload: 'everything', options: { secondBackup: true } });
    const indexed = await indexArchive(two);
    try {
      expect(indexed.findings).toEqual([]);
      const [first, second] = indexed.session.store.manifest.backups;
      expect(second!.consistentLsn).toBeGreaterThan(first!.consistentLsn!);
      expect(indexed.session.store.backupFor(indexed.session.moment('latest').lsn).redoLsn).toBe(second!.startLsn);
      expect(indexed.session.store.backupFor(indexed.session.moment('earliest').lsn).redoLsn).toBe(first!.startLsn);
      await expectMoments(indexed, two);
    } finally {
      indexed.remove();
    }
  });
});

describe('WAL archives', () => {
  it('segments plain and compressed by gzip, zstd and LZ4 side by side, in nested folders, the last one partial', async () => {
    const folder = fresh('wal');
    const names = readdirSync(archive.wal).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort();
    const kinds = Object.entries(COMPRESSIONS);
    names.forEach((name, i) => {
      const source = join(archive.wal, name);
      const nested = join(folder, String(i % 3));
      mkdirSync(nested, { recursive: true });
      const [suffix, compress] = kinds[i % 4] ?? [];
      if (name === names.at(-1)) symlinkSync(source, join(nested, `${name}.partial`));
      else if (compress) writeFileSync(join(nested, `${name}.${suffix}`), compress(readFileSync(source)));
      else symlinkSync(source, join(nested, name));
    });
    await expectEqual({ backup: archive.backup, wal: folder });
  });

  it('line 4: two timelines, the newest is followed, and what stood before the switch is the same', async () => {
    const [fork] = archive.truth.moments.slice(-3);
    const wal = fresh('wal');
    for (const name of readdirSync(archive.wal)) symlinkSync(join(archive.wal, name), join(wal, name));
    const promoted = fresh('promoted');
    execFileSync('chmod', ['777', root, promoted]);
    const server = await recoverTo({
      major: MAJOR, backup: archive.backup, wal: archive.wal, target: { lsn: fork!.lsn },
      settings: { archive_mode: true, archive_command: `cp "%p" "${promoted}/%f.tmp" && mv "${promoted}/%f.tmp" "${promoted}/%f"`, wal_level: 'replica' },
    });
    let after: string;
    let end: string;
    try {
      await server.sql("CREATE TABLE after_promotion AS SELECT i, 'on the new timeline ' || i AS note FROM generate_series(1, 500) i");
      after = (await server.sql<{ text: string }>("SELECT string_agg(i || ',' || note, E'\\n' ORDER BY ctid) AS text FROM after_promotion"))[0]!.text;
      end = await server.insertLsn();
      const segment = await server.switchWal();
      for (let i = 0; i < 600 && !existsSync(join(promoted, segment)); i++) await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await server.destroy();
    }
    for (const name of readdirSync(promoted)) writeFileSync(join(wal, name), readFileSync(join(promoted, name)), { flag: 'wx' });
    expect(readdirSync(wal)).toContain('00000002.history');

    const indexed = await indexArchive({ backup: archive.backup, wal });
    try {
      expect(indexed.findings).toEqual([]);
      const { session } = indexed;
      const moment = session.moment(end);
      expect(moment.timeline).toBe(2);
      expect((await asofCsv(session.database(moment, 'postgres'), 'after_promotion')).csv.toString()).toBe(`i,note\n${after}\n`);
      const before = await compareMoment(session, archive, fork!, fork!.lsn);
      expect(before.differences).toEqual([]);
      expect(session.moment(formatLsn(session.moment('earliest').lsn)).timeline).toBe(1);
    } finally {
      indexed.remove();
    }
  });
});
