import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresServer } from '../../fixtures/postgres/server.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { RMGRS, RmgrId, rmgrName } from '../../src/redo/rmgrlist.js';
import { formatLsn, parseLsn, type Lsn } from '../../src/util/lsn.js';
import { runAgreementWorkload } from '../support/agreementArchive.js';
import { WalDirectory } from '../support/walDirectory.js';
import { imageBytes, waldumpDetails, waldumpLine } from '../support/waldumpText.js';

/** Debian's, which is of 15; it needs no server. */
const PG_WALDUMP = '/usr/lib/postgresql/15/bin/pg_waldump';

function forEachRecord(walDir: string, visit: (record: XLogRecord) => void): void {
  const wal = new WalDirectory(walDir);
  const reader = new XLogReader(wal, { major: wal.major, systemIdentifier: wal.systemIdentifier });
  const record = new XLogRecord();
  if (reader.seek(wal.firstLsn, record) === undefined) throw reader.end!.error;
  while (reader.next(record)) visit(record);
  expect(reader.end!.kind).toBe('missing');
  wal.close();
}

/** Line by line, with the first difference as the failure. */
function expectSameLines(ours: string[], theirs: string[]): void {
  const n = ours.findIndex((line, i) => line !== theirs[i]);
  if (n !== -1) expect(ours[n]).toBe(theirs[n]);
  expect(ours.length).toBe(theirs.length);
}

/** Opcodes that the workload must have brought forth, so that agreement cannot become agreement about nothing. */
const MUST_OCCUR = [
  'XLOG/CHECKPOINT_SHUTDOWN', 'XLOG/CHECKPOINT_ONLINE', 'XLOG/NEXTOID', 'XLOG/SWITCH', 'XLOG/PARAMETER_CHANGE', 'XLOG/RESTORE_POINT', 'XLOG/FPI',
  'XLOG/FPI_FOR_HINT', 'Transaction/COMMIT', 'Transaction/ABORT', 'Transaction/PREPARE', 'Transaction/COMMIT_PREPARED', 'Transaction/ABORT_PREPARED',
  'Transaction/ASSIGNMENT', 'Transaction/INVALIDATION', 'Storage/CREATE', 'Storage/TRUNCATE', 'CLOG/ZEROPAGE', 'Database/CREATE_FILE_COPY',
  'Database/CREATE_WAL_LOG', 'Database/DROP', 'Tablespace/CREATE', 'Tablespace/DROP', 'MultiXact/ZERO_OFF_PAGE', 'MultiXact/ZERO_MEM_PAGE',
  'MultiXact/CREATE_ID', 'RelMap/UPDATE', 'Standby/LOCK', 'Standby/RUNNING_XACTS', 'Standby/INVALIDATIONS', 'CommitTs/ZEROPAGE', 'ReplicationOrigin/SET',
  'ReplicationOrigin/DROP', 'LogicalMessage/MESSAGE', 'Heap/INSERT', 'Heap/HOT_UPDATE', 'Heap2/MULTI_INSERT', 'Btree/SPLIT_R', 'Hash/INSERT', 'Gin/INSERT',
  'Gist/PAGE_UPDATE', 'Sequence/LOG', 'SPGist/ADD_LEAF', 'BRIN/INSERT', 'Generic/Generic',
];

describe('lines 1, 2 and 5: pg_waldump 15 over a whole archive', () => {
  let server: PostgresServer;
  let segments: string[];
  beforeAll(async () => {
    ({ server } = await runAgreementWorkload(15));
    await server.archiveAll();
    await server.stop();
    const wal = new WalDirectory(server.walDir);
    segments = [wal.segmentNumbers[0]!, wal.segmentNumbers.at(-1)!].map((n) => wal.fileAt((n * wal.segmentSize) as Lsn));
  });
  afterAll(() => server.destroy());

  function waldump(...options: string[]): string[] {
    const { stdout, stderr, error } = spawnSync(PG_WALDUMP, [...options, '-p', server.walDir, ...segments], { env: { TZ: 'UTC' }, encoding: 'utf8', maxBuffer: 1 << 30 });
    if (error) throw error;
    if (stdout === '') throw new Error(stderr);
    return stdout.trimEnd().split('\n');
  }

  it('prints each record as we do: LSN, prev, manager, lengths, xid, block references, images and descriptions', () => {
    const ours: string[] = [];
    forEachRecord(server.walDir, (record) => ours.push(waldumpLine(record)));
    expectSameLines(ours.map((line) => line.trimEnd()), waldump().map((line) => line.trimEnd()));
    expect(ours.length).toBeGreaterThan(30_000);
  });

  it('gives the same details of block references and images', () => {
    const ours: string[] = [];
    forEachRecord(server.walDir, (record) => ours.push(...waldumpDetails(record)));
    expectSameLines(ours.map((line) => line.trimEnd()), waldump('--bkp-details').map((line) => line.trimEnd()));
    expect(ours.some((line) => line.endsWith('method: pglz'))).toBe(true);
    expect(ours.some((line) => line.includes('(FPW for WAL verification)'))).toBe(true);
  });

  it('counts the same per opcode: records, record bytes, image bytes', () => {
    const ours = new Map<string, [number, number, number]>();
    forEachRecord(server.walDir, (record) => {
      const opcode = record.rmid === RmgrId.xact ? record.info & 0x70 : record.info & 0xf0;
      const name = `${rmgrName(record.rmid)}/${RMGRS[record.rmid]!.identify(opcode, 15)}`;
      const row = ours.get(name) ?? [0, 0, 0];
      const images = imageBytes(record);
      ours.set(name, [row[0] + 1, row[1] + record.totLen - images, row[2] + images]);
    });
    const theirs = new Map<string, [number, number, number]>();
    for (const line of waldump('--stats=record')) {
      const match = /^(\S+\/\S+) +(\d+) \([^)]*\) +(\d+) \([^)]*\) +(\d+) \(/.exec(line);
      if (match && match[2] !== '0') theirs.set(match[1]!, [Number(match[2]), Number(match[3]), Number(match[4])]);
    }
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
    expect(MUST_OCCUR.filter((name) => !ours.has(name))).toEqual([]);
  });
});

interface WalinspectRow {
  start_lsn: string;
  end_lsn: string;
  prev_lsn: string;
  xid: string;
  resource_manager: string;
  record_type: string | null;
  record_length: number;
  main_data_length: number;
  fpi_length: number;
  description: string | null;
  block_ref: string | null;
}

/** The server's timestamptz_to_str() in UTC where pg_waldump's has another form. */
function asServerPrintsTimes(text: string): string {
  return text.replace(/(\d\d:\d\d:\d\d)\.(\d{6}) UTC/g, (_, time: string, micros: string) => {
    const fraction = micros.replace(/0+$/, '');
    return `${time}${fraction === '' ? '' : `.${fraction}`}+00`;
  });
}

describe.each([16, 17, 18] as const)('pg_walinspect of PostgreSQL %i', (major) => {
  it('says the same of every record', async () => {
    const { server, start } = await runAgreementWorkload(major);
    try {
      await server.sql('CREATE EXTENSION pg_walinspect');
      const rows = await server.sql<WalinspectRow>(
        `SELECT start_lsn::text, end_lsn::text, prev_lsn::text, xid::text, resource_manager, record_type, record_length, main_data_length, fpi_length, description, block_ref
           FROM pg_get_wal_records_info('${start}', pg_current_wal_flush_lsn())`);
      await server.archiveAll();
      await server.stop();
      const theirs = rows.map((row) => [
        row.start_lsn, row.end_lsn, row.prev_lsn, row.xid, row.resource_manager, row.record_type, row.record_length, row.main_data_length, row.fpi_length,
        row.description ?? '', row.block_ref?.trim() ?? '', // a space comes before every reference but number 0
      ].join(' | '));
      const ours: string[] = [];
      forEachRecord(server.walDir, (record) => {
        if (record.lsn < parseLsn(start)! || ours.length === theirs.length) return;
        const rmgr = RMGRS[record.rmid]!;
        const [, ...references] = waldumpDetails(record);
        ours.push([
          formatLsn(record.lsn), formatLsn(record.endLsn), formatLsn(record.prevLsn), record.xid, rmgr.name, rmgr.identify(record.info, major) ?? '',
          record.totLen, record.mainLength, imageBytes(record), asServerPrintsTimes(rmgr.desc(record)), references.map((line) => line.trim()).join(' '),
        ].join(' | '));
      });
      expectSameLines(ours, theirs);
      expect(ours.length).toBeGreaterThan(30_000);
    } finally {
      await server.destroy();
    }
  });
});
