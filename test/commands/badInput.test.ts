/**
 * Bad input through the built program: one clear line on stderr with what to do next, the exit code of the contract, no stack trace,
 * nothing lost, and the archive as it was.
 */
import { chmodSync, copyFileSync, cpSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { asof, BadCase, contents, digest, expectFailure, expectPartial, rewrite, segment } from '../support/badCase.js';
import { ROOT, walscope, type CliOptions } from '../support/cli.js';
import { tarEntry, TAR_END } from '../support/tarWriter.js';

const DEMO = join(ROOT, 'fixtures', 'demo');
const SEGMENT = 1024 * 1024;
const bad = new BadCase();

describe('WAL that is not whole', () => {
  it('line 10: a missing segment in the middle, what is before it is answered, what is behind it refused, and put back it heals', () => {
    const wal = bad.walCopy((name) => name !== segment(0x85));
    const caseDir = bad.fresh('case');
    expectPartial(bad.index(caseDir, { wal }), /^walscope: incomplete: WAL is missing: moments from 0\/8[45]\w+ on .* until segment \w+85 is put back/, /^walscope: incomplete: WAL from 0\/8600000 to 0\/9\w+ lies after a gap/);
    expect(asof(caseDir, 'shop', bad.archive.early)).toMatchObject({ code: 0, out: asof(bad.whole, 'shop', bad.archive.early).out });
    expectFailure(asof(caseDir, 'shop', '0/8700000'), 4, /0\/8700000 is behind a gap .*no WAL at 0\/8500000.*covered: 0\/7\w+ .* to 0\/8[45]/);
    expect(asof(caseDir, 'shop', 'latest')).toMatchObject({ code: 0, err: expect.stringMatching(/notice: the last moment that can be answered is not the archive's: .* to 0\/9\w+ behind a gap .*no WAL at 0\/8500000/) as string });
    expect(walscope(['status', '-C', caseDir]).out).toMatch(/gap +0\/8[45]\w+ to 0\/9/);
    expectFailure(asof(caseDir, 'shop', bad.archive.late), 4, /restore point "late"; covered: 0\/7/);

    linkSync(join(bad.archive.wal, segment(0x85)), join(wal, segment(0x85)));
    expect(bad.index(caseDir, { wal })).toMatchObject({ code: 0, err: '' });
    expect(asof(caseDir, 'shop', bad.archive.late)).toMatchObject({ code: 0, out: asof(bad.whole, 'shop', bad.archive.late).out });
    const once = bad.fresh('case');
    bad.index(once, { wal });
    expect(contents(caseDir)).toEqual(contents(once));
  });

  it('lines 37 and 39: a moment in a gap between two backups is said to be in a gap', () => {
    const wal = bad.walCopy((name) => name !== segment(0x85));
    const caseDir = bad.fresh('case');
    const run = bad.index(caseDir, { wal, backups: [bad.archive.backup, bad.archive.laterBackup] });
    expectPartial(run, /WAL is missing: moments from 0\/8[45]/);
    expectFailure(asof(caseDir, 'shop', '0/8700000'), 4, /0\/8700000 is in a gap.*; covered: 0\/7\w+ .* to 0\/8[45]\w+ .*; 0\/9\w+ .* to 0\/9\w+/);
    expect(asof(caseDir, 'shop', 'latest')).toMatchObject({ code: 0, out: asof(bad.whole, 'shop', 'latest').out });
    expect(asof(caseDir, 'shop', bad.archive.early)).toMatchObject({ code: 0, out: asof(bad.whole, 'shop', bad.archive.early).out });
    const status = walscope(['status', '-C', caseDir]);
    expect(status.out).toMatch(/gap +0\/8[45]\w+ to 0\/9/);

    linkSync(join(bad.archive.wal, segment(0x85)), join(wal, segment(0x85)));
    expect(bad.index(caseDir, { wal })).toMatchObject({ code: 0, err: '' });
    expect(asof(caseDir, 'many', '0/8700000').code).toBe(0);
    const once = bad.fresh('case');
    bad.index(once, { wal, backups: [bad.archive.backup, bad.archive.laterBackup] });
    expect(contents(caseDir)).toEqual(contents(once));
  });

  it('a segment that is cut off', () => {
    const wal = bad.walCopy();
    rewrite(join(wal, segment(0x84)), (bytes) => bytes.subarray(0, SEGMENT / 2));
    const caseDir = bad.fresh('case');
    expectPartial(bad.index(caseDir, { wal }), /0084: the segment is cut off; 524288 of 1048576 bytes/, /WAL is missing: moments from 0\/84/, /WAL from 0\/8500000 to/);
    expect(asof(caseDir, 'shop', bad.archive.early).code).toBe(0);
    expectFailure(asof(caseDir, 'shop', '0/84F0000'), 4, /covered: /);
  });

  it('a flipped bit in a record', () => {
    const wal = bad.walCopy();
    rewrite(join(wal, segment(0x83)), (bytes) => void (bytes[0x81234]! ^= 4));
    const caseDir = bad.fresh('case');
    expectPartial(bad.index(caseDir, { wal }), /WAL is damaged \(.*0\/838\w+.*0083\): moments from 0\/838\w+ on/);
    expect(asof(caseDir, 'shop', bad.archive.early).code).toBe(0);
    expectFailure(asof(caseDir, 'shop', '0/8390000'), 4, /covered: /);
  });

  it('a bit that flips after the index was built is noticed by whoever needs the record', () => {
    const wal = bad.walCopy();
    const caseDir = bad.fresh('case');
    expect(bad.index(caseDir, { wal }).code).toBe(0);
    rewrite(join(wal, segment(0x83)), (bytes) => void (bytes[0x81234]! ^= 4));
    const run = asof(caseDir, 'many', 'latest');
    expect([3, 5]).toContain(run.code);
    expect(run.err).toMatch(/checksum|damaged/);
    expect(run.err).not.toMatch(/\n {4}at |bug in walscope/);
    expect(asof(caseDir, 'shop', bad.archive.late)).toMatchObject({ code: 0, out: asof(bad.whole, 'shop', bad.archive.late).out });
  });

  it('a segment that goes away after the index was built', () => {
    const wal = bad.walCopy();
    const caseDir = bad.fresh('case');
    expect(bad.index(caseDir, { wal }).code).toBe(0);
    rmSync(join(wal, segment(0x83)));
    const run = asof(caseDir, 'many', 'latest');
    expect([3, 5]).toContain(run.code);
    expect(run.err).toMatch(/0083: cannot be read: no such file or directory; put it back/);
    expect(asof(caseDir, 'shop', bad.archive.late).code).toBe(0);
  });

  it('a segment that inflates without end', () => {
    const wal = bad.walCopy((name) => name !== segment(0x83));
    writeFileSync(join(wal, `${segment(0x83)}.gz`), gzipSync(Buffer.concat([readFileSync(join(bad.archive.wal, segment(0x83))), Buffer.alloc(300 << 20)])));
    const caseDir = bad.fresh('case');
    expectPartial(bad.index(caseDir, { wal }), /83\.gz: it inflates to more than the 1048576 bytes/);
    // what comes first is the segment all the same
    expect(asof(caseDir, 'shop', 'latest')).toMatchObject({ code: 0, out: asof(bad.whole, 'shop', 'latest').out });
  });

  it.each([1, 2])('a compressed segment that is cut off or damaged is named, whichever of %i threads reads it', (jobs) => {
    const wal = bad.walCopy((name) => name !== segment(0x84) && name !== segment(0x82));
    const packed = (number: number): Buffer => gzipSync(readFileSync(join(bad.archive.wal, segment(number))));
    writeFileSync(join(wal, `${segment(0x82)}.gz`), packed(0x82));
    const cut = packed(0x84);
    writeFileSync(join(wal, `${segment(0x84)}.gz`), cut.subarray(0, cut.length / 2));
    const caseDir = bad.fresh('case');
    expectPartial(bad.index(caseDir, { wal, jobs }), /WAL is missing: moments from 0\/84/, /84\.gz: the compressed file is cut off .*; \d+ of 1048576 bytes can be read/);
  });

  it('WAL that begins after the backup did', () => {
    const wal = bad.walCopy((name) => name > segment(0x7f));
    const caseDir = bad.fresh('case');
    expectPartial(bad.index(caseDir, { wal }), /WAL is missing: moments from 0\/7/, /base backup .* cannot be used: the WAL from 0\/7\w+ to its end is not in the archive/, /WAL from 0\/8000000 to/);
    expectFailure(asof(caseDir, 'shop', 'latest'), 4, /no moment can be answered.*; add the WAL/);
    expectFailure(walscope(['tables', '-C', caseDir]), 4, /no moment can be answered/);
    expect(walscope(['status', '-C', caseDir])).toMatchObject({ code: 0 });
  });
});

describe('what is not an archive, or not this one', () => {
  it.each<[string, () => string[], RegExp]>([
    ['a WAL directory that is not there', () => ['--backup', bad.archive.backup, '--wal', '/nonexistent/wal'], /\/nonexistent\/wal: no such file or directory; give/],
    ['a directory without WAL', () => ['--backup', bad.archive.backup, '--wal', join(bad.archive.backup, 'base')], /no WAL segments here; give/],
    ['a file that is no segment', () => ['--backup', bad.archive.backup, '--wal', join(bad.archive.backup, 'PG_VERSION')], /is not named as a WAL segment is; give/],
    ['an empty archive', () => ['--backup', bad.archive.backup, '--wal', emptyFolder()], /no WAL segments here; give/],
    ['a backup that is not there', () => ['--backup', '/nonexistent/backup', '--wal', bad.archive.wal], /\/nonexistent\/backup: no such file or directory; give/],
    ['a backup directory that is none', () => ['--backup', bad.archive.wal, '--wal', bad.archive.wal], /no base backup here.*; give/],
    ['a file instead of a backup', () => ['--backup', join(bad.archive.backup, 'PG_VERSION'), '--wal', bad.archive.wal], /no base backup here.*; give/],
    ['a backup of another cluster', () => ['--backup', join(DEMO, 'backup'), '--wal', bad.archive.wal], /another cluster.*system identifier.*; give/],
    ['two backups of two clusters', () => ['--backup', bad.archive.backup, join(DEMO, 'backup'), '--wal', bad.archive.wal], /another cluster.*; give/],
    ['WAL of another cluster', () => ['--backup', bad.archive.backup, '--wal', join(DEMO, 'wal')], /another cluster.*; give/],
    ['WAL of another major', () => ['--backup', bad.archive.backup, '--wal', otherMajor()], /PostgreSQL 17.*16.*; give/],
  ])('%s', (_, args, line) => {
    const caseDir = bad.fresh('case');
    expectFailure(walscope(['index', ...args(), '-C', caseDir]), 3, line);
    expectFailure(asof(caseDir, 'shop', 'latest'), 3, /is not a case directory; build one/);
  });

  it('more of another cluster changes nothing of a case', () => {
    const caseDir = bad.fresh('case');
    cpSync(bad.whole, caseDir, { recursive: true });
    const before = contents(caseDir);
    expectFailure(walscope(['index', '--backup', join(DEMO, 'backup'), '-C', caseDir]), 3, /another cluster/);
    expect(contents(caseDir)).toEqual(before);
  });

  it('nothing given at all', () => {
    expectFailure(walscope(['index', '-C', bad.fresh('case')]), 2, /no base backup given; name one/);
    expectFailure(walscope(['index', '--backup', bad.archive.backup, '-C', bad.fresh('case')]), 2, /no WAL archive given; name/);
    expectFailure(walscope(['asof', 'shop'], { cwd: '/' }), 2, /no case here; name one/);
  });

  function emptyFolder(): string {
    const folder = bad.fresh('empty');
    mkdirSync(folder);
    return folder;
  }

  /** The same WAL with the page magic of 16. */
  function otherMajor(): string {
    const wal = bad.walCopy();
    for (const name of readdirSync(wal).filter((each) => each.length === 24)) {
      rewrite(join(wal, name), (bytes) => {
        for (let at = 0; at < bytes.length; at += 8192) bytes.writeUInt16LE(0xd113, at);
      });
    }
    return wal;
  }
});

describe('questions that have no answer', () => {
  it.each([
    ['a moment before the first', '0/1000000', 4, /before the first moment.*; covered: 0\/7\w+ \(.*\) to 0\/9\w+ \(.*\)$/],
    ['a moment after the last', '0/F000000', 4, /after the last moment.*; covered: 0\/7/],
    ['a time before the first', '2001-01-01 00:00:00', 4, /2001-01-01 00:00:00\+00 is before the first moment.*; covered: /],
    ['a time after the last', '2199-01-01 00:00:00', 4, /2199-01-01 00:00:00\+00 is after the last moment.*; covered: /],
    ['text that is no moment', 'whenever', 2, /"whenever" is not a moment; write a time/],
  ])('%s', (_, at, code, line) => {
    expectFailure(asof(bad.whole, 'shop', at), code, line);
  });

  it('a table that does not exist then: says when it did', () => {
    const run = asof(bad.whole, 'gone', 'latest');
    expect(run).toMatchObject({ code: 2, out: '' });
    expect(run.err.split('\n')[1]).toMatch(/^walscope: relation "gone" does not exist at this moment in database "postgres"; it existed from 20.* until 20/);
    const never = asof(bad.whole, 'never', 'latest');
    expect(never.code).toBe(2);
    expect(never.err).toMatch(/relation "never" does not exist.*; list what there is/);
    expect(asof(bad.whole, 'gone', bad.archive.early)).toMatchObject({ code: 0, out: 'one\n1\n' });
  });

  it('an output file that cannot be written', () => {
    const run = walscope(['asof', 'shop', '-C', bad.whole, '-o', '/nonexistent/x.csv']);
    expect(run.code).toBe(3);
    expect(run.err).toMatch(/\/nonexistent\/x\.csv.*; \S/);
    const full = walscope(['asof', 'shop', '-C', bad.whole, '-o', '/dev/full']);
    expect(full.code).toBe(3);
    expect(full.err).toMatch(/no space left to write \/dev\/full; free some space/);
  });
});

describe('a backup that lacks files', () => {
  const without = (...paths: string[]): string => {
    const backup = bad.fresh('backup');
    cpSync(bad.archive.backup, backup, { recursive: true, verbatimSymlinks: true });
    for (const each of paths) rmSync(join(backup, each), { recursive: true });
    const caseDir = bad.fresh('case');
    expect(bad.index(caseDir, { backups: [backup] }).code).toBe(0);
    return caseDir;
  };
  const refused = (line: RegExp, ...args: string[]): void => {
    const run = walscope(args);
    expectFailure({ ...run, err: run.err.replace(/^as of .*\n/, '') }, 3, line);
  };
  const fileOf = (table: string): string => walscope(['asof', 'pg_class', '--where', `relname = '${table}'`, '--columns', 'relfilenode', '--csv', '--at', 'earliest', '-C', bad.whole]).out.split('\n')[1]!;
  const database = (): string => walscope(['asof', 'pg_database', '--where', "datname = 'postgres'", '--columns', 'oid', '--csv', '--at', 'earliest', '-C', bad.whole]).out.split('\n')[1]!;

  it("a table's file: refused, not answered as empty", () => {
    const caseDir = without(`base/${database()}/${fileOf('shop')}`);
    const line = /base\/\d+\/\d+ is neither in the base backup nor made by the WAL up to this moment; check/;
    for (const args of [['asof', 'shop'], ['page', 'shop', '0'], ['restore', 'shop']]) refused(line, ...args, '--at', 'earliest', '-C', caseDir);
    // the other tables can be counted
    const counted = walscope(['tables', '--count', '--at', 'earliest', '-C', caseDir]);
    expectPartial({ ...counted, err: counted.err.replace(/^as of .*\n/, '') }, /rows of shop cannot be counted: base\/\d+\/\d+ is neither in the base backup nor made by the WAL/);
    expect(counted.out).toMatch(/ many .*\n.* shop .*\n\(2 rows\)/);
  });

  it('the status of transactions: refused, not answered as if they were open', () => {
    refused(/whether transaction \d+ committed is unknown: the base backup lacks pg_xact\/0000, or its page 0; check/, 'asof', 'shop', '--at', 'earliest', '-C', without('pg_xact'));
  });

  it('every database: status tells what it can, doctor what is missing', () => {
    const caseDir = without('base');
    const status = walscope(['status', '-C', caseDir]);
    expectPartial(status, /^walscope: incomplete: the base backup holds no database to read pg_database from/);
    expect(status.out).toMatch(/^databases +unknown$/m);
    expect(status.out).toMatch(/^covered /m);
    expect(walscope(['doctor', '-C', caseDir])).toMatchObject({ code: 3, out: expect.stringMatching(/backup\.file_missing: .*: base\/ has no file/) });
    expect(walscope(['doctor', '-C', without()])).toMatchObject({ code: 0, out: expect.stringMatching(/HEALTHY/) });
  });

  it('the case is no folder of the archive', () => {
    expectFailure(bad.index(bad.archive.wal), 2, /is part of the archive, which is never written to; name another/);
  });
});

describe('rights', () => {
  /** Root without the right to pass over file modes. */
  const bounded: CliOptions = process.getuid?.() === 0 ? { wrapper: ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] } : {};

  it('an unreadable segment', () => {
    const wal = bad.walCopy((name) => name !== segment(0x85));
    copyFileSync(join(bad.archive.wal, segment(0x85)), join(wal, segment(0x85)));
    chmodSync(join(wal, segment(0x85)), 0o000);
    const run = bad.index(bad.fresh('case'), { ...bounded, wal });
    expect([3, 5]).toContain(run.code);
    expect(run.err).toMatch(/0085: cannot be read: permission denied/);
    expect(run.err).not.toMatch(/bug in walscope/);
  });

  it('an unreadable backup, WAL directory or case', () => {
    const closed = bad.fresh('closed');
    mkdirSync(closed, { mode: 0o000 });
    expectFailure(bad.index(bad.fresh('case'), { ...bounded, wal: closed }), 3, /cannot be read: permission denied; make it readable/);
    expectFailure(bad.index(bad.fresh('case'), { ...bounded, backups: [closed] }), 3, /permission denied; make it readable/);
    expectFailure(bad.index(join(closed, 'case'), bounded), 3, /permission denied; /);
    expectFailure(walscope(['status', '-C', closed], bounded), 3, /permission denied; /);
    chmodSync(closed, 0o700);
  });

  it('a read-only archive is enough', () => {
    const wal = bad.walCopy();
    chmodSync(wal, 0o555);
    const before = digest(wal);
    const caseDir = bad.fresh('case');
    expect(bad.index(caseDir, { ...bounded, wal })).toMatchObject({ code: 0, err: '' });
    expect(walscope(['asof', 'shop', '--at', bad.archive.late, '--csv', '-C', caseDir], bounded)).toMatchObject({ code: 0, out: asof(bad.whole, 'shop', bad.archive.late).out });
    expect(digest(wal)).toBe(before);
    chmodSync(wal, 0o755);
  });
});

describe('hostile tars', () => {
  const label = (): Buffer => tarEntry({ name: 'backup_label', content: readFileSync(join(bad.archive.backup, 'backup_label')) });

  it.each<[string, () => Buffer, RegExp]>([
    ['an entry that climbs out', () => tarEntry({ name: '../../climbed', content: 'x' }), /climbed".*; /],
    ['an absolute entry', () => tarEntry({ name: '/tmp/walscope-climbed', content: 'x' }), /climbed".*; /],
    ['a symbolic link', () => tarEntry({ name: 'base/1/1259', type: '2', link: '/etc/passwd' }), /is a link to "\/etc\/passwd".*; /],
    ['a hard link', () => tarEntry({ name: 'base/1/1259', type: '1', link: 'global/pg_control' }), /link.*; /],
    ['an entry that claims more than there can be', () => tarEntry({ name: 'base/1/1259', size: 2 ** 50 }), /claims|cut off.*; /],
    ['zeros without end', () => Buffer.alloc(200 << 20), /.*; /],
    ['an end that is missing', () => tarEntry({ name: 'base/1/1259', content: 'x', size: 9999 }), /.*; /],
  ])('%s', (_, middle, line) => {
    for (const compress of [false, true]) {
      const backup = bad.fresh('tar');
      mkdirSync(backup);
      const bytes = Buffer.concat([label(), middle(), TAR_END]);
      writeFileSync(join(backup, compress ? 'base.tar.gz' : 'base.tar'), compress ? gzipSync(bytes, { level: 1 }) : bytes);
      const caseDir = bad.fresh('case');
      expectFailure(bad.index(caseDir, { backups: [backup] }), 3, line);
      expect(existsSync(join(bad.root, 'climbed')) || existsSync('/tmp/walscope-climbed')).toBe(false);
      if (existsSync(caseDir)) expect(readdirSync(caseDir, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(caseDir, name)).isFile())).toEqual([]);
    }
  });
});
