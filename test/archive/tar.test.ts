import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackupPackWriter, PackedBackup } from '../../src/archive/backupPack.js';
import { extractBackupWal, materialiseBackup } from '../../src/archive/materialise.js';
import { TarBackup } from '../../src/archive/tarBackup.js';
import { findTars } from '../../src/archive/tarFiles.js';
import { WalscopeError } from '../../src/util/errors.js';
import { tarEntry as entry, TAR_END as END } from '../support/tarWriter.js';

let root: string;
let count = 0;
beforeAll(() => { root = mkdtempSync(join(tmpdir(), 'walscope-test-')); });
afterAll(() => rmSync(root, { recursive: true }));

const pax = (records: Record<string, string>): Buffer => {
  const lines = Object.entries(records).map(([key, value]) => {
    let length = key.length + Buffer.byteLength(value) + 3;
    length += String(length + String(length).length).length;
    return `${length} ${key}=${value}\n`;
  });
  return entry({ name: 'PaxHeader', type: 'x', content: lines.join('') });
};
const LABEL = entry({ name: 'backup_label', content: 'label' });

function directory(name: string, bytes: Buffer): string {
  const path = join(root, `set${count++}`);
  mkdirSync(path);
  writeFileSync(join(path, name), bytes);
  return path;
}

/** What a tar holds, read in place and through a pack, which must agree; or the code of the refusal of both. */
async function read(...pieces: Buffer[]): Promise<Record<string, string> | string> {
  const bytes = Buffer.concat(pieces);
  const inPlace = await outcome(() => {
    const path = directory('base.tar', bytes);
    return listing(new TarBackup(path, findTars(path)!));
  });
  const packed = await outcome(async () => {
    const into = join(root, `into${count++}`);
    await materialiseBackup(directory('base.tar.gz', gzipSync(bytes)), into);
    const files = listing(new PackedBackup(join(into, 'backup.pack')));
    delete files['.walscope/tablespace_links'];
    return files;
  });
  expect(packed).toEqual(inPlace);
  return inPlace;
}
async function outcome<T>(work: () => T | Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof WalscopeError)) throw error;
    expect(error.message).not.toContain('\n');
    expect(error.options.hint).toBeTruthy();
    return error.code;
  }
}
function listing(backup: TarBackup | PackedBackup): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { path, bytes } of backup.list()) {
    const content = Buffer.alloc(bytes);
    backup.read(path, 0, bytes, content);
    files[path] = content.toString('latin1');
  }
  backup.close();
  return files;
}

describe('names and sizes', () => {
  it('takes plain, pax, GNU and prefixed names', async () => {
    const long = `base/5/${'9'.repeat(120)}`;
    expect(await read(
      LABEL, entry({ name: './global/1262', content: 'a' }), entry({ name: 'base/5/', type: '5' }),
      pax({ path: 'base/5/1', size: '3' }), entry({ name: 'x', content: 'abc', size: 0 }),
      entry({ name: '././@LongLink', type: 'L', content: `${long}\0`, gnu: true }), entry({ name: long, content: 'b', gnu: true }),
      entry({ name: '2', prefix: 'base/5', content: 'c' }), entry({ name: 'base/5/3', type: '\0', content: '' }), entry({ name: 'base/5/4', type: '7', content: 'd' }),
      entry({ name: 'log/server.log', content: 'not needed' }), entry({ name: 'postgresql.conf', content: 'not needed' }), entry({ name: 'pg_wal/000000010000000000000001', content: 'wal' }),
      entry({ name: 'pg_wal', type: '2', link: '/elsewhere' }), entry({ name: 'pg_tblspc/16400', type: '2', link: '/srv/spc' }), END,
    )).toEqual({ backup_label: 'label', 'global/1262': 'a', 'base/5/1': 'abc', [long]: 'b', 'base/5/2': 'c', 'base/5/3': '', 'base/5/4': 'd' });
  });

  it('keeps contents apart wherever they begin and end', async () => {
    const sizes = [0, 1, 511, 512, 513, 8192, 65535, 65536, 65537, 200_000];
    const files = Object.fromEntries(sizes.map((size, i) => [`base/5/${i + 1}`, String.fromCharCode(65 + i).repeat(size)]));
    expect(await read(LABEL, ...Object.entries(files).map(([name, content]) => entry({ name, content })), END)).toEqual({ backup_label: 'label', ...files });
  });

  it('finds the folder that somebody put before the data directory', async () => {
    expect(await read(entry({ name: 'backups/', type: '5' }), entry({ name: 'backups/data/base/5/PG_VERSION', content: '1' }), entry({ name: 'backups/data/PG_VERSION', content: '15' }), END))
      .toEqual({ 'base/5/PG_VERSION': '1', PG_VERSION: '15' });
  });
});

describe('refusals', () => {
  it.each<[string, string, Buffer]>([
    ['tar.unsafe_path', 'a name that climbs out', entry({ name: '../evil', content: 'x' })],
    ['tar.unsafe_path', 'one that climbs out from within', entry({ name: 'base/../../evil', content: 'x' })],
    ['tar.unsafe_path', 'an absolute name', entry({ name: '/etc/evil', content: 'x' })],
    ['tar.unsafe_path', 'by a pax header', Buffer.concat([pax({ path: '../evil' }), entry({ name: 'base/5/1', content: 'x' })])],
    ['tar.unsafe_path', 'by a GNU long name', Buffer.concat([entry({ name: 'L', type: 'L', content: '../evil\0', gnu: true }), entry({ name: 'base/5/1', content: 'x' })])],
    ['tar.unsafe_path', 'by a prefix', entry({ name: 'evil', prefix: '..', content: 'x' })],
    ['tar.link', 'a symbolic link', entry({ name: 'base/5/1', type: '2', link: '/etc/passwd' })],
    ['tar.link', 'a symbolic link at the top', entry({ name: 'evil', type: '2', link: '../..' })],
    ['tar.link', 'a symbolic link below a tablespace', entry({ name: 'pg_tblspc/16400/PG_15_202209061', type: '2', link: '/' })],
    ['tar.entry_type', 'a hard link', entry({ name: 'base/5/1', type: '1', link: 'backup_label' })],
    ['tar.entry_type', 'a device', entry({ name: 'base/5/1', type: '3' })],
    ['tar.entry_type', 'a pipe', entry({ name: 'base/5/1', type: '6' })],
    ['tar.entry_type', 'a sparse file', entry({ name: 'base/5/1', type: 'S', gnu: true })],
    ['tar.entry_type', 'a pax sparse file', Buffer.concat([pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' }), entry({ name: 'base/5/1', content: 'x' })])],
    ['tar.entry_type', 'an unknown type', entry({ name: 'base/5/1', type: 'Z' })],
    ['tar.header', 'a name of 2 MB', entry({ name: 'L', type: 'L', size: 2 << 20, content: 'x' })],
    ['tar.header', 'a pax header that is none', Buffer.concat([entry({ name: 'P', type: 'x', content: 'garbage' }), entry({ name: 'base/5/1' })])],
    ['tar.header', 'a pax size that is none', Buffer.concat([pax({ size: '-1' }), entry({ name: 'base/5/1' })])],
    ['tar.header', 'a header without checksum', Buffer.alloc(512, 'x')],
  ])('%s: %s', async (code, _, bytes) => {
    const before = readdirSync(tmpdir()).length;
    expect(await read(LABEL, bytes, END)).toBe(code);
    expect([existsSync(join(root, 'evil')), existsSync(join(root, '..', 'evil')), readdirSync(tmpdir()).length <= before + 1]).toEqual([false, false, true]);
  });

  it('an archive without its end', async () => {
    expect(await read(LABEL)).toBe('tar.truncated');
    expect(await read(LABEL, entry({ name: 'base/5/1', content: 'x'.repeat(1000) }).subarray(0, 700))).toBe('tar.truncated');
    expect(await read()).toBe('tar.truncated');
  });
});

describe('tars that inflate without end', () => {
  const materialise = (bytes: Buffer, manifest?: Buffer): Promise<unknown> => {
    const path = directory('base.tar.gz', gzipSync(bytes));
    if (manifest) writeFileSync(join(path, 'backup_manifest'), manifest);
    return outcome(() => materialiseBackup(path, join(root, `into${count++}`)));
  };

  it('are refused by what they claim', async () => {
    for (const name of ['base/5/1', 'log/huge', 'pg_wal/000000010000000000000001']) {
      expect([name, await materialise(Buffer.concat([LABEL, entry({ name, size: 2 ** 30 + 1, content: 'x' })]))]).toEqual([name, 'tar.entry_size']);
    }
    expect(await materialise(Buffer.concat([LABEL, entry({ name: 'base/5/1', size: 2 ** 50, content: 'x' })]))).toBe('tar.entry_size');
  });

  it('are refused by what comes after their end', async () => {
    expect(await materialise(Buffer.concat([LABEL, END, Buffer.alloc(64 << 20)]))).toBe('tar.trailer');
    expect(await materialise(Buffer.concat([LABEL, END, Buffer.alloc(10240)]))).toBeUndefined();
  });
});

describe('WAL in tars', () => {
  it('is written by the names of WAL files alone', async () => {
    const path = directory('base.tar', Buffer.concat([LABEL, END]));
    const name = '000000010000000000000001';
    writeFileSync(join(path, 'pg_wal.tar'), Buffer.concat([
      entry({ name, content: 'one' }), entry({ name: '00000002.history', content: 'two' }), entry({ name: 'archive_status', type: '5' }),
      entry({ name: `archive_status/${name}.done` }), entry({ name: 'evil.sh', content: 'x' }), END,
    ]));
    const into = join(root, `into${count++}`);
    expect(await extractBackupWal(path, into)).toBe(join(into, 'pg_wal'));
    expect(readdirSync(join(into, 'pg_wal'))).toEqual([name, '00000002.history']);
    expect(readFileSync(join(into, 'pg_wal', name), 'utf8')).toBe('one');
    writeFileSync(join(path, 'pg_wal.tar'), Buffer.concat([entry({ name, content: 'one' }), entry({ name: '../evil', content: 'x' })]));
    expect(await outcome(() => extractBackupWal(path, into))).toBe('tar.unsafe_path');
    expect(readdirSync(into)).toEqual([]);
  });
});

describe('a pack', () => {
  it('holds what was written, the last of equal names', () => {
    const path = join(root, 'some.pack');
    const writer = new BackupPackWriter(path);
    const big = Buffer.alloc(300_000);
    for (let i = 0; i < big.length; i++) big[i] = (Math.imul(i, 2654435761) >>> 13) & 0xff;
    for (const [name, content] of [['a', Buffer.from('old')], ['b', big], ['c', Buffer.alloc(0)], ['a', Buffer.from('new')]] as const) {
      writer.begin(name);
      for (let at = 0; at < content.length; at += 1000) writer.write(content.subarray(at, at + 1000));
    }
    expect(existsSync(path)).toBe(false);
    writer.finish();
    expect(readdirSync(root).filter((name) => name.startsWith('some.pack'))).toEqual(['some.pack']);
    const pack = new PackedBackup(path);
    expect([...pack.list()]).toEqual([{ path: 'a', bytes: 3 }, { path: 'b', bytes: 300_000 }, { path: 'c', bytes: 0 }]);
    const piece = Buffer.alloc(70_000);
    for (const at of [0, 1, 65535, 65536, 230_000]) {
      expect(pack.read('b', at, piece.length, piece)).toBe(piece.length);
      expect(piece.equals(big.subarray(at, at + piece.length))).toBe(true);
    }
    expect([pack.read('b', 299_990, 100, piece), pack.read('b', 300_001, 100, piece)]).toEqual([10, 0]);
    expect([pack.read('a', 0, 3, piece), piece.toString('latin1', 0, 3)]).toEqual([3, 'new']);
    pack.close();
  });

  it('of version 1 stays readable', () => {
    const path = fileURLToPath(new URL('golden.pack', import.meta.url));
    const bytes = readFileSync(path);
    expect([bytes.toString('latin1', 0, 8), bytes.readUInt32LE(8), bytes.readUInt32LE(12), bytes.subarray(16, 28).every((byte) => byte === 0)]).toEqual(['WSBKPACK', 1, 65536, true]);
    expect([bytes.toString('latin1', bytes.length - 8), bytes.subarray(-24, -12).every((byte) => byte === 0)]).toEqual(['WSBKFOOT', true]);
    expect(Number(bytes.readBigUInt64LE(bytes.length - 40))).toBe(166_863);
    const pack = new PackedBackup(path);
    expect([...pack.list()]).toEqual([
      { path: '.walscope/tablespace_links', bytes: 20 }, { path: 'PG_VERSION', bytes: 3 }, { path: 'base/5/16385', bytes: 163_840 }, { path: 'base/5/16386', bytes: 0 },
      { path: 'global/1262', bytes: 3000 },
    ]);
    const page = Buffer.alloc(8192);
    pack.read('base/5/16385', 17 * 8192, 8192, page);
    expect(page.equals(Buffer.alloc(8192, 'page 17 '))).toBe(true);
    expect(pack.summary()).toEqual({ files: 5, frames: 3, contentBytes: 166_863, storedBytes: expect.any(Number) });
    expect(pack.check()).toEqual([]);
    pack.close();

    const damaged = Buffer.from(bytes);
    damaged[40]! ^= 1;
    writeFileSync(join(root, 'damaged.pack'), damaged);
    const other = new PackedBackup(join(root, 'damaged.pack'));
    expect(other.check()).toMatchObject([{ code: 'pack.damaged', place: { offset: 32 } }]);
    other.close();
  });

  it('leaves nothing when given up', () => {
    const writer = new BackupPackWriter(join(root, 'other.pack'));
    writer.begin('a');
    writer.write(Buffer.alloc(100_000));
    writer.abort();
    expect(readdirSync(root).filter((name) => name.startsWith('other'))).toEqual([]);
  });
});
