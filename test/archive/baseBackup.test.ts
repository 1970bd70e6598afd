import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup, takeTarBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { backupForm, openBaseBackup, openPackedBackup, type BaseBackup } from '../../src/archive/baseBackup.js';
import { extractBackupWal, materialiseBackup, PACK_NAME } from '../../src/archive/materialise.js';
import { openWalArchive } from '../../src/archive/walArchive.js';
import { crc32c } from '../../src/pg/crc32c.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { contents, failureOf } from '../support/backupContents.js';

/** Debian's client, whose pg_basebackup compresses with gzip, lz4 and zstd. */
const PG_BASEBACKUP = '/usr/lib/postgresql/15/bin/pg_basebackup';

let root: string;
let spcOid: number;
let dbOid: number;
let table: { relNumber: number; blocks: number };
let location: string;

const place = (name: string): string => join(root, name);
let copies = 0;
const scratch = (): string => place(`scratch${copies++}`);

/** Copies a backup and changes the copy. */
function copy(name: string, change: (path: string) => void): string {
  const path = scratch();
  cpSync(place(name), path, { recursive: true, verbatimSymlinks: true });
  change(path);
  return path;
}

/** What describes a directory backup, without its relations, changed. */
function skeleton(name: string, change: (path: string) => void): string {
  const path = scratch();
  mkdirSync(join(path, 'base', String(dbOid)), { recursive: true });
  for (const each of ['PG_VERSION', 'backup_label', 'backup_manifest', 'global/pg_control', 'pg_tblspc']) {
    if (existsSync(join(place(name), each))) cpSync(join(place(name), each), join(path, each), { recursive: true, verbatimSymlinks: true });
  }
  change(path);
  return path;
}

/** Opens a backup of any form, a compressed one through a pack. */
async function opened<T>(path: string, work: (backup: BaseBackup) => T): Promise<T> {
  let backup: BaseBackup;
  if (backupForm(path) === 'compressed') {
    const into = scratch();
    await materialiseBackup(path, into);
    backup = openPackedBackup(into);
  } else {
    backup = openBaseBackup(path);
  }
  try {
    return work(backup);
  } finally {
    backup.close();
  }
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'walscope-test-'));
  const server = await PostgresServer.create({ major: 15, walSegmentMb: 1, settings: { autovacuum: false, wal_keep_size: '64MB' } });
  try {
    location = server.makeDirectory('a tablespace');
    await server.sql(`CREATE TABLESPACE spc LOCATION '${location}'`);
    await server.sql('CREATE DATABASE shop');
    await server.sql("CREATE TABLE t (i int PRIMARY KEY, s text) TABLESPACE spc; INSERT INTO t SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 5000) i; CREATE UNLOGGED TABLE u (i int)", 'shop');
    await server.sql('VACUUM FREEZE', 'shop');
    const [row] = await server.sql<{ spc: string; db: string; rel: string; blocks: string }>(`SELECT (SELECT oid FROM pg_tablespace WHERE spcname = 'spc')::text spc,
      (SELECT oid FROM pg_database WHERE datname = 'shop')::text db, pg_relation_filenode('t')::text rel, (pg_relation_size('t') / 8192)::text blocks`, 'shop');
    spcOid = Number(row!.spc);
    dbOid = Number(row!.db);
    table = { relNumber: Number(row!.rel), blocks: Number(row!.blocks) };
    await server.sql('CHECKPOINT');
    const take = (name: string, ...args: string[]): void => {
      execFileSync(PG_BASEBACKUP, ['-h', server.root, '-p', '5432', '-U', 'postgres', '-D', place(name), '-c', 'fast', '-N', '-l', `label ${name}`, ...args], { stdio: 'pipe' });
    };
    take('plain', '-Fp', '-X', 'none', '-T', `${location}=${place('plain-spc')}`);
    take('tar', '-Ft', '-X', 'stream');
    take('fetch', '-Ft', '-X', 'fetch');
    take('gzip', '-Ft', '-X', 'stream', '-z');
    take('zstd', '-Ft', '-X', 'none', '--compress=client-zstd');
    take('lz4', '-Ft', '-X', 'fetch', '--compress=client-lz4', '--manifest-force-encode');
    take('server-gzip', '-Ft', '-X', 'none', '--compress=server-gzip', '--no-manifest');
    await server.stop();
    cpSync(server.dataDir, place('stopped'), { recursive: true, verbatimSymlinks: true });
    rmSync(join(place('stopped'), 'pg_tblspc', String(spcOid)));
    cpSync(location, place('stopped-spc'), { recursive: true });
    symlinkSync(place('stopped-spc'), join(place('stopped'), 'pg_tblspc', String(spcOid)));
  } finally {
    await server.destroy();
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('line 35: backups that pg_basebackup 15 made', () => {
  it('are all the same inside', async () => {
    const plain = await opened(place('plain'), contents);
    expect(plain.size).toBeGreaterThan(900);
    expect([...plain.keys()].some((path) => path.startsWith(`pg_tblspc/${spcOid}/PG_15_`))).toBe(true);
    expect(backupForm(place('gzip'))).toBe('compressed');
    expect(backupForm(place('tar'))).toBe('tar');
    for (const form of ['tar', 'fetch', 'gzip', 'zstd', 'lz4', 'server-gzip']) expect([form, [...await opened(place(form), contents)].sort()]).toEqual([form, [...plain].sort()]);
  });

  it.each(['plain', 'tar', 'fetch', 'gzip', 'zstd', 'lz4', 'server-gzip', 'stopped'])('%s: says what it is', async (form) => {
    await opened(place(form), (backup) => {
      expect(backup.major).toBe(15);
      expect(backup.form).toBe(form === 'plain' || form === 'stopped' ? 'directory' : form === 'tar' || form === 'fetch' ? 'tar' : 'pack');
      expect(backup.findings).toEqual([]);
      expect(backup.tablespaces.map((each) => each.oid)).toEqual([spcOid]);
      expect(backup.tablespaces[0]!.location).toBe(form === 'plain' ? place('plain-spc') : form === 'stopped' ? place('stopped-spc') : location);
      expect(backup.timeline).toBe(1);
      if (form === 'stopped') {
        expect(backup.label).toBeUndefined();
        expect([backup.startLsn, backup.consistentLsn]).toEqual([backup.control.checkPoint.redo, backup.control.checkPointLsn]);
      } else {
        expect(backup.label).toMatchObject({ label: `label ${form}`, backupMethod: 'streamed', backupFrom: 'primary', startLsn: backup.startLsn });
        expect(backup.manifest === undefined).toBe(form === 'server-gzip');
        if (backup.manifest) expect(backup.consistentLsn).toBeGreaterThan(backup.startLsn);
        else expect(backup.consistentLsn).toBeUndefined();
      }
      const rel = { spcOid, dbOid, relNumber: table.relNumber, fork: 0 };
      expect(backup.forkBlocks(rel)).toBe(table.blocks);
      expect(backup.forkBlocks({ ...rel, fork: 2 })).toBe(1);
      expect(backup.forkBlocks({ ...rel, fork: 3 })).toBeUndefined();
      expect(backup.forkBlocks({ ...rel, relNumber: 1 })).toBeUndefined();
      expect(backup.readBlock({ ...rel, relNumber: 1 }, 0, new Uint8Array(8192))).toBe('absent');
      expect(backup.listDatabases()).toContainEqual({ dbOid, spcOid });
      expect(backup.listDatabases().filter((each) => each.spcOid === 1663).map((each) => each.dbOid)).toEqual([1, 4, 5, dbOid]);
      expect(backup.readFile(`base/${dbOid}/pg_filenode.map`)!.length).toBe(512);
      expect(backup.readFile('global/nothing')).toBeUndefined();
    });
  });

  it('bring their WAL along', async () => {
    for (const form of ['tar', 'fetch']) {
      const wal = await extractBackupWal(place(form), scratch());
      const archive = openWalArchive([wal!]);
      expect(archive.findings).toEqual([]);
      await opened(place(form), (backup) => {
        expect(archive.systemIdentifier).toBe(backup.systemIdentifier);
        expect(archive.timelineWal(1).coverage()).toEqual([{ start: expect.any(Number), end: expect.any(Number) }]);
        expect(archive.timelineWal(1).coverage()[0]!.start).toBeLessThanOrEqual(backup.startLsn);
        expect(archive.timelineWal(1).coverage()[0]!.end).toBeGreaterThanOrEqual(backup.consistentLsn!);
      });
      archive.close();
    }
    for (const form of ['gzip', 'lz4']) {
      const into = scratch();
      await materialiseBackup(place(form), into);
      expect(openWalArchive([join(into, 'pg_wal')]).segments.length).toBeGreaterThan(0);
    }
    expect(await extractBackupWal(place('zstd'), scratch())).toBeUndefined();
    expect(await extractBackupWal(place('plain'), scratch())).toBeUndefined();
  });

  it('report progress up to the end', async () => {
    const seen: number[] = [];
    let all = 0;
    await materialiseBackup(place('gzip'), scratch(), (done, total) => {
      seen.push(done);
      all = total;
    });
    expect(seen.every((done, i) => i === 0 || done >= seen[i - 1]!)).toBe(true);
    expect(seen.at(-1)).toBe(all);
  });
});

describe.each(PG_MAJORS.filter((major) => major !== 15))('backups of %i', (major) => {
  it('open in place, plain and streamed', async () => {
    const server = await PostgresServer.create({ major, walSegmentMb: 1, settings: { autovacuum: false } });
    try {
      const spc = server.makeDirectory('spc');
      await server.sql(`CREATE TABLESPACE spc LOCATION '${spc}'`);
      await server.sql('CREATE TABLE t TABLESPACE spc AS SELECT i FROM generate_series(1, 10000) i');
      await server.sql('VACUUM FREEZE');
      await server.sql('CHECKPOINT');
      await takePlainBackup(server, place(`plain${major}`));
      await takeTarBackup(server, place(`tar${major}`), { includeWal: true, label: 'streamed' });
    } finally {
      await server.destroy();
    }
    const plain = await opened(place(`plain${major}`), (backup) => {
      expect([backup.major, backup.label!.label, backup.consistentLsn, backup.findings]).toEqual([major, 'walscope', undefined, []]);
      return contents(backup);
    });
    await opened(place(`tar${major}`), (backup) => {
      expect([backup.major, backup.label!.label, backup.findings]).toEqual([major, 'streamed', []]);
      expect(backup.manifest!.version).toBe(major >= 17 ? 2 : 1);
      if (major >= 17) expect(backup.manifest!.systemIdentifier).toBe(backup.systemIdentifier);
      expect([...contents(backup)].sort()).toEqual([...plain].sort());
    });
  });
});

describe('line 35: sizes', () => {
  it('add up over segment files as mdnblocks() does, gaps and all', async () => {
    const perSegment = 131072;
    const files = (path: string) => join(path, 'base', String(dbOid));
    const path = skeleton('stopped', (each) => {
      for (const [name, blocks] of [['90000', perSegment], ['90000.1', perSegment], ['90000.2', 3], ['90001', perSegment], ['90001.2', 5], ['90002', 7], ['90002.1', 9], ['90003', 0]] as const) {
        writeFileSync(join(files(each), name), '');
        truncateSync(join(files(each), name), blocks * 8192);
      }
      writeFileSync(join(files(each), '90004'), Buffer.alloc(8192 + 100));
      const marked = Buffer.alloc(8192, 'x');
      writeFileSync(join(files(each), '90000.2'), Buffer.concat([Buffer.alloc(16384), marked]));
    });
    await opened(path, (backup) => {
      const rel = (relNumber: number) => ({ spcOid: 1663, dbOid, relNumber, fork: 0 });
      expect([90000, 90001, 90002, 90003, 90004].map((each) => backup.forkBlocks(rel(each)))).toEqual([2 * perSegment + 3, perSegment, 7, 0, 1]);
      const page = new Uint8Array(8192);
      expect(backup.readBlock(rel(90000), 2 * perSegment + 2, page)).toBe('ok');
      expect(page.every((byte) => byte === 0x78)).toBe(true);
      expect(backup.readBlock(rel(90000), 2 * perSegment + 1, page)).toBe('ok');
      expect(page.every((byte) => byte === 0)).toBe(true);
      expect([backup.readBlock(rel(90001), 2 * perSegment, page), backup.readBlock(rel(90002), perSegment, page), backup.readBlock(rel(90004), 1, page)]).toEqual(['absent', 'absent', 'absent']);
    });
  });
});

describe('tablespaces of a plain backup', () => {
  it('may be mapped, may be missing, may lie in place', async () => {
    const link = (path: string) => join(path, 'pg_tblspc', String(spcOid));
    const rel = { spcOid, dbOid, relNumber: table.relNumber, fork: 0 };
    const missing = skeleton('stopped', (path) => {
      rmSync(link(path));
      symlinkSync('/nowhere/at/all', link(path));
    });
    await opened(missing, (backup) => {
      expect(backup.findings.map((finding) => finding.code)).toEqual(['backup.tablespace_missing']);
      expect(backup.tablespaces).toEqual([{ oid: spcOid, location: '/nowhere/at/all' }]);
    });
    expect(await failureOf(() => opened(missing, (backup) => backup.forkBlocks(rel)))).toBe('backup.tablespace_missing');
    expect(await failureOf(() => opened(missing, (backup) => backup.readBlock(rel, 0, new Uint8Array(8192))))).toBe('backup.tablespace_missing');
    const mapped = openBaseBackup(missing, { tablespaces: new Map([[spcOid, place('stopped-spc')]]) });
    expect([mapped.forkBlocks(rel), mapped.findings]).toEqual([table.blocks, []]);
    mapped.close();
    expect(await failureOf(() => openBaseBackup(missing, { tablespaces: new Map([[spcOid, '/nowhere']]) }))).toBe('backup.tablespace_missing');

    const inPlace = skeleton('stopped', (path) => {
      rmSync(link(path));
      cpSync(place('stopped-spc'), link(path), { recursive: true });
    });
    await opened(inPlace, (backup) => expect([backup.forkBlocks(rel), backup.findings]).toEqual([table.blocks, []]));

    const outside = mkdtempSync(join(tmpdir(), 'walscope-test-'));
    try {
      cpSync(place('stopped-spc'), outside, { recursive: true });
      const leading = skeleton('stopped', (path) => {
        rmSync(link(path));
        symlinkSync(outside, link(path));
      });
      await opened(leading, (backup) => expect([backup.forkBlocks(rel), backup.findings.map((finding) => finding.code)]).toEqual([table.blocks, ['backup.tablespace_outside']]));
    } finally {
      rmSync(outside, { recursive: true });
    }
  });
});

describe('what is no backup, or a damaged one', () => {
  const edit = (name: string, change: (text: string) => string) => (path: string): void => {
    writeFileSync(join(path, name), change(readFileSync(join(path, name), 'latin1')), 'latin1');
  };
  const control = (change: (bytes: Buffer) => void) => (path: string): void => {
    const bytes = readFileSync(join(path, 'global', 'pg_control'));
    change(bytes);
    bytes.writeUInt32LE(crc32c(bytes, 0, 288), 288);
    writeFileSync(join(path, 'global', 'pg_control'), bytes);
  };

  it.each<[string, string, (path: string) => void]>([
    ['backup.no_control', 'no pg_control', (path) => rmSync(join(path, 'global', 'pg_control'))],
    ['control.length', 'pg_control cut off', (path) => truncateSync(join(path, 'global', 'pg_control'), 200)],
    ['control.crc', 'pg_control damaged', edit('global/pg_control', (text) => `${text.slice(0, 50)}!${text.slice(51)}`)],
    ['control.block_size', 'blocks of 16 kB', control((bytes) => { bytes.writeUInt32LE(16384, 216); })],
    ['backup.version', 'another PG_VERSION', (path) => writeFileSync(join(path, 'PG_VERSION'), '14\n')],
    ['backup.label', 'a damaged label', (path) => writeFileSync(join(path, 'backup_label'), 'garbage')],
    ['backup.tablespace_map', 'a damaged tablespace_map', (path) => writeFileSync(join(path, 'tablespace_map'), 'garbage')],
    ['backup.no_label', 'a copy of a running server without label', (path) => rmSync(join(path, 'backup_label'))],
  ])('%s: %s', async (code, _, change) => {
    const path = skeleton('plain', change);
    expect(await failureOf(() => openBaseBackup(path))).toBe(code);
  });

  it('tells where to look', async () => {
    const empty = scratch();
    mkdirSync(empty);
    expect(await failureOf(() => openBaseBackup(empty))).toBe('backup.not_one');
    expect(await failureOf(() => openBaseBackup(join(empty, 'nothing')))).toBe('backup.path');
    expect(() => openBaseBackup(root)).toThrow(/looks like one/);
    expect(await failureOf(() => openBaseBackup(place('gzip')))).toBe('backup.compressed');
    expect(await failureOf(() => materialiseBackup(empty, scratch()))).toBe('backup.not_one');
  });

  it('goes on without a manifest that is damaged', async () => {
    await opened(skeleton('plain', edit('backup_manifest', (text) => text.replace('"Size": 3', '"Size": 4'))), (backup) => {
      expect([backup.manifest, backup.findings.map((finding) => finding.code)]).toEqual([undefined, ['backup.manifest']]);
    });
  });
});

describe('damaged tars', () => {
  const tarOf = (path: string): string => join(path, readdirSync(path).find((name) => name.startsWith('base.tar'))!);
  const cut = (share: number) => (path: string): void => truncateSync(tarOf(path), Math.floor(lstatSync(tarOf(path)).size * share));
  /** `bytes` bytes from `share` of the tar on are others; gives the share. */
  const garble = (form: string, share: number, bytes: number): string => copy(form, (path) => {
    const tar = readFileSync(tarOf(path));
    const from = Math.floor(tar.length * share);
    for (let at = from; at < Math.min(tar.length, from + bytes); at++) tar[at] = (tar[at]! ^ 0x5a) & 0xff;
    writeFileSync(tarOf(path), tar);
  });
  const open = async (path: string): Promise<string> => failureOf(() => opened(path, (backup) => contents(backup)));

  it.each(['tar', 'gzip', 'zstd', 'lz4'])('%s: cut off anywhere', async (form) => {
    for (const share of [0.00001, 0.3, 0.6, 0.999]) expect([share, await open(copy(form, cut(share)))]).toEqual([share, 'tar.truncated']);
    expect(await open(copy(form, (path) => truncateSync(tarOf(path), 0)))).toBe('tar.truncated');
  });

  it.each(['gzip', 'zstd', 'lz4'])('%s: other bytes somewhere', async (form) => {
    const whole = await opened(place(form), contents);
    // What is noticed first depends on where the damage lies: the stream's own checks, a header of garbage, no end where zeroes end a tar, a file's
    // checksum; or nothing, where it lies in a file that replay has no use for (server logs), and then all others are whole.
    let refused = 0;
    for (const share of [0.002, 0.1, 0.25, 0.5, 0.75, 0.9]) {
      for (const bytes of [1, 2000]) {
        let sums: Map<string, number> | undefined;
        const code = await failureOf(async () => { sums = await opened(garble(form, share, bytes), contents); });
        if (sums) expect(sums).toEqual(whole);
        else expect(code).toMatch(/^(compression\.damaged|tar\.(header|entry_size|truncated|trailer)|backup\.checksum)$/);
        if (!sums) refused++;
      }
    }
    expect(refused).toBeGreaterThan(8);
  });

  it('garbage instead of a tar', async () => {
    expect(await open(copy('tar', (path) => writeFileSync(tarOf(path), Buffer.alloc(100_000, 'garbage!'))))).toBe('tar.header');
    expect(await open(copy('tar', (path) => writeFileSync(tarOf(path), Buffer.from('BZh91AY&SY'))))).toBe('compression.unsupported');
  });

  it('leave no pack behind', async () => {
    const into = scratch();
    expect(await failureOf(() => materialiseBackup(copy('gzip', cut(0.5)), into))).toBe('tar.truncated');
    expect(readdirSync(into)).toEqual(['pg_wal']);
  });
});

describe('a pack', () => {
  it('is refused where it is damaged', async () => {
    const into = scratch();
    await materialiseBackup(place('zstd'), into);
    const good = readFileSync(join(into, PACK_NAME));
    const open = (change: (bytes: Buffer) => Buffer | void): Promise<string> => {
      const bytes = Buffer.from(good);
      const path = scratch();
      mkdirSync(path);
      writeFileSync(join(path, PACK_NAME), change(bytes) ?? bytes);
      return failureOf(() => {
        const backup = openPackedBackup(path);
        try {
          contents(backup);
        } finally {
          backup.close();
        }
      });
    };
    expect(await open((bytes) => bytes)).toBe('nothing thrown');
    expect(await open((bytes) => bytes.subarray(0, 50))).toBe('pack.damaged');
    expect(await open((bytes) => bytes.subarray(0, bytes.length - 1))).toBe('pack.damaged');
    expect(await open((bytes) => bytes.fill(0))).toBe('pack.damaged');
    expect(await open((bytes) => { bytes[bytes.length - 30]! ^= 1; })).toBe('pack.damaged');
    expect(await open((bytes) => { bytes[bytes.length - 100]! ^= 1; })).toBe('pack.damaged');
    expect(await open((bytes) => { bytes[Math.floor(bytes.length / 2)]! ^= 1; })).toBe('pack.damaged');
    expect(await open((bytes) => {
      bytes.writeUInt32LE(9, 8);
      bytes.writeUInt32LE(crc32c(bytes, 0, 28), 28);
    })).toBe('pack.version');
  });
});

describe('a tar that somebody made of a data directory', () => {
  it('is read whatever folder stands before it', async () => {
    const expected = await opened(place('stopped'), contents);
    for (const [name, args] of [['made.tar', ['-C', root, 'stopped']], ['made.tar.gz', ['-z', '-C', place('stopped'), '.']]] as const) {
      const directory = scratch();
      mkdirSync(directory);
      execFileSync('tar', ['-cf', join(directory, name), ...args]);
      await opened(join(directory, name), (backup) => {
        expect(backup.control.state).toBe('shut down');
        expect(backup.tablespaces).toEqual([{ oid: spcOid, location: place('stopped-spc') }]);
        expect([...contents(backup)].sort()).toEqual([...expected].filter(([path]) => !path.startsWith('pg_tblspc')).sort());
      });
    }
  });
});
