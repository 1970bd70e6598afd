import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseBackupLabel } from '../../src/pg/backupLabel.js';
import { parseBackupManifest } from '../../src/pg/backupManifest.js';
import { parseHistoryFile, spanOfLsn, timelineSpans } from '../../src/pg/historyFile.js';
import { parseRelFilePath, relFilePath } from '../../src/pg/relFilePath.js';
import { parseTablespaceMap } from '../../src/pg/tablespaceMap.js';
import { parseLsn, type Lsn } from '../../src/util/lsn.js';
import { failure } from '../support/errorCode.js';

const lsn = (text: string): Lsn => parseLsn(text)!;

const LABEL = `START WAL LOCATION: 1A/2000028 (file 000000030000001A00000002)
CHECKPOINT LOCATION: 1A/2000060
BACKUP METHOD: streamed
BACKUP FROM: standby
START TIME: 2026-04-06 10:00:00 CEST
LABEL: nightly: "a" b
START TIMELINE: 3
`;

describe('line 35: backup_label', () => {
  it('gives every line', () => {
    expect(parseBackupLabel(LABEL)).toEqual({
      startLsn: lsn('1A/2000028'), startWalFile: '000000030000001A00000002', checkpointLsn: lsn('1A/2000060'), backupMethod: 'streamed',
      backupFrom: 'standby', startTime: '2026-04-06 10:00:00 CEST', label: 'nightly: "a" b', startTimeline: 3,
      incrementalFromLsn: undefined, incrementalFromTimeline: undefined,
    });
  });

  it('tells an incremental backup', () => {
    const label = parseBackupLabel(`${LABEL}INCREMENTAL FROM LSN: 19/28\nINCREMENTAL FROM TLI: 2\n`);
    expect([label.incrementalFromLsn, label.incrementalFromTimeline]).toEqual([lsn('19/28'), 2]);
  });

  it('takes the timeline from the WAL file where no line says it', () => {
    expect(parseBackupLabel(LABEL.replace('START TIMELINE: 3\n', '')).startTimeline).toBe(3);
  });

  it.each([
    ['', 'empty'],
    [LABEL.slice(10), 'beginning cut off'],
    [LABEL.replace('CHECKPOINT', 'CHECK'), 'no checkpoint'],
    [LABEL.replace('1A/2000060', 'one'), 'no LSN'],
    [LABEL.replace('START TIMELINE: 3', 'START TIMELINE: 4'), 'another timeline'],
  ])('refuses %#: %s', (text) => {
    expect(failure(() => parseBackupLabel(text))).toBe('backup.label');
  });
});

describe('line 4: history file', () => {
  const TEXT = '1\t0/3000060\tno recovery target specified\n\n# a comment\n2\t0/5000000\tbefore 2026-04-06 10:00:00+02\n';

  it('gives ancestors and spans', () => {
    const entries = parseHistoryFile(TEXT, 3, '00000003.history');
    expect(entries).toEqual([
      { timeline: 1, switchLsn: lsn('0/3000060'), reason: 'no recovery target specified' },
      { timeline: 2, switchLsn: lsn('0/5000000'), reason: 'before 2026-04-06 10:00:00+02' },
    ]);
    const spans = timelineSpans(entries, 3);
    expect([lsn('0/1'), lsn('0/300005F'), lsn('0/3000060'), lsn('0/5000000'), lsn('9/0')].map((at) => spanOfLsn(spans, at).timeline)).toEqual([1, 1, 2, 3, 3]);
  });

  it.each([
    ['x\t0/1\ty', 'no number'],
    ['1\t01', 'no LSN'],
    ['2\t0/1\n1\t0/2', 'decreasing timelines'],
    ['1\t0/2\n2\t0/1', 'switch points that go back'],
    ['3\t0/1', 'not less than the child'],
  ])('refuses %j: %s', (text) => {
    expect(failure(() => parseHistoryFile(text, 3, 'f'))).toBe('wal.history');
  });
});

describe('lines 20 and 35: tablespace_map', () => {
  it('resolves escapes', () => {
    expect(parseTablespaceMap('16400 /srv/a b\n16401 /x\\\ny\\\\z\r\n', 18)).toEqual([{ oid: 16400, path: '/srv/a b' }, { oid: 16401, path: '/x\ny\\z' }]);
  });

  it('knows that 13 did not escape backslashes', () => {
    expect(parseTablespaceMap('16401 /x\\\ny\\z\\\\w\n', 13)).toEqual([{ oid: 16401, path: '/x\ny\\z\\\\w' }]);
  });

  it.each(['16400', '16400 /x', 'x /y\n', '16400 \n', '16400 /x\\\n', '0 /x\n'])('refuses %j', (text) => {
    expect(failure(() => parseTablespaceMap(text, 15))).toBe('backup.tablespace_map');
  });
});

describe('line 35: backup_manifest', () => {
  function manifest(version: number, system = ''): string {
    const body = `{ "PostgreSQL-Backup-Manifest-Version": ${version},\n${system}"Files": [\n`
      + '{ "Path": "backup_label", "Size": 227, "Last-Modified": "2026-04-06 08:00:00 GMT", "Checksum-Algorithm": "CRC32C", "Checksum": "08e3df0a" },\n'
      + '{ "Encoded-Path": "ff2f61", "Size": 0, "Last-Modified": "2026-04-06 08:00:00 GMT" }\n],\n'
      + '"WAL-Ranges": [\n{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000100" }\n],\n';
    return `${body}"Manifest-Checksum": "${createHash('sha256').update(body).digest('hex')}"}\n`;
  }
  const parse = (text: string) => parseBackupManifest(Buffer.from(text));

  it('reads version 1', () => {
    expect(parse(manifest(1))).toEqual({
      version: 1, systemIdentifier: undefined,
      files: [{ path: 'backup_label', bytes: 227, checksumAlgorithm: 'CRC32C', checksum: '08e3df0a' }, { path: '\xff/a', bytes: 0, checksumAlgorithm: undefined, checksum: undefined }],
      walRanges: [{ timeline: 1, startLsn: lsn('0/2000028'), endLsn: lsn('0/2000100') }],
    });
  });

  it('reads version 2 with its 64-bit system identifier', () => {
    expect(parse(manifest(2, '"System-Identifier": 7350123456789012347,\n')).systemIdentifier).toBe(7350123456789012347n);
  });

  it.each([
    ['', 'empty'],
    [manifest(1).slice(0, 300), 'cut off'],
    [manifest(1).replace('227', '228'), 'a changed size'],
    [manifest(3), 'an unknown version'],
    [manifest(2), 'no system identifier'],
    ['garbage\nmore\n', 'no JSON'],
    ['[]\n[]\n', 'no JSON'],
    [manifest(1).replace('Manifest-Checksum', 'Checksum'), 'no checksum'],
  ])('refuses %#: %s', (text) => {
    expect(failure(() => parse(text))).toBe('backup.manifest');
  });
});

describe('relation file paths', () => {
  it.each([
    ['base/5/16385', 1663, 5, 16385, 0, 0],
    ['base/5/16385_vm.2', 1663, 5, 16385, 2, 2],
    ['base/5/16385.131', 1663, 5, 16385, 0, 131],
    ['base/5/16385_init', 1663, 5, 16385, 3, 0],
    ['global/1262_fsm', 1664, 0, 1262, 1, 0],
    ['pg_tblspc/16400/PG_18_202506291/5/4294967295', 16400, 5, 4294967295, 0, 0],
  ])('%s', (path, spcOid, dbOid, relNumber, fork, segment) => {
    expect(parseRelFilePath(path)).toEqual({ rel: { spcOid, dbOid, relNumber, fork }, segment });
    expect(relFilePath({ spcOid, dbOid, relNumber, fork }, segment, 18)).toBe(path);
  });

  it.each([
    'base/5/t3_16385', 'base/5/PG_VERSION', 'base/5/pg_filenode.map', 'global/pg_control', 'base/5/16385_vm.', 'base/5/016385', 'base/5/16385.0',
    'base/pgsql_tmp/1', 'pg_xact/0000', 'base/5/99999999999', 'base/5/16385_xyz', 'pg_tblspc/16400/5/6', '../base/5/16385', 'base/5/4294967296',
  ])('is nobody\'s: %s', (path) => {
    expect(parseRelFilePath(path)).toBeUndefined();
  });
});
