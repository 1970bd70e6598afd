import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BLCKSZ } from '../../src/pg/page.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { clogPageOf } from '../../src/pg/clogPage.js';
import { clogPagesOf, readClogStatus, setClogStatus, setClogTreeStatus, XidStatus } from '../../src/redo/clog/redo.js';
import { CLOG_ZEROPAGE, readClogZeropage } from '../../src/redo/clog/xlog.js';
import { commitTimestamp, commitTsPagesOf, readCommitTs, setCommitTs } from '../../src/redo/committs/redo.js';
import { COMMIT_TS_ZEROPAGE, readCommitTsZeropage } from '../../src/redo/committs/xlog.js';
import {
  applyToMemberPage, applyToOffsetPage, multixactMemberPageOf, MULTIXACT_MEMBERS_PER_PAGE, multixactPagesOf, nextMultixact, readMultixactMember, readMultixactOffset,
} from '../../src/redo/multixact/redo.js';
import {
  readMultixactZeroPage, readXlMultixactCreate, XLOG_MULTIXACT_CREATE_ID, XLOG_MULTIXACT_ZERO_MEM_PAGE, XLOG_MULTIXACT_ZERO_OFF_PAGE,
} from '../../src/redo/multixact/xlog.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import {
  endedXid, parseAbortRecord, parseCommitRecord, xactOpcode, XLOG_XACT_ABORT, XLOG_XACT_ABORT_PREPARED, XLOG_XACT_COMMIT, XLOG_XACT_COMMIT_PREPARED,
} from '../../src/redo/xact/xlog.js';
import { parseLsn } from '../../src/util/lsn.js';
import { runAgreementWorkload } from '../support/agreementArchive.js';
import { WalDirectory } from '../support/walDirectory.js';

const DIRECTORIES = ['pg_xact', 'pg_commit_ts', 'pg_multixact/offsets', 'pg_multixact/members'];
const PAGES_PER_SEGMENT = 32;

function readPage(base: string, directory: string, pageno: number): Uint8Array {
  const file = join(base, directory, Math.floor(pageno / PAGES_PER_SEGMENT).toString(16).toUpperCase().padStart(4, '0'));
  const page = new Uint8Array(BLCKSZ);
  const at = (pageno % PAGES_PER_SEGMENT) * BLCKSZ;
  if (existsSync(file)) page.set(readFileSync(file).subarray(at, at + BLCKSZ));
  return page;
}

/** SLRU pages over those of a data directory, with the WAL's records applied. */
class Slrus {
  readonly pages = new Map<string, { directory: string; pageno: number; bytes: Uint8Array }>();
  lastMulti = 0;

  constructor(private readonly base: string) {}

  page(directory: string, pageno: number): Uint8Array {
    const key = `${directory}/${pageno}`;
    let page = this.pages.get(key);
    if (!page) this.pages.set(key, page = { directory, pageno, bytes: readPage(this.base, directory, pageno) });
    return page.bytes;
  }

  view(directory: string, pageno: number): DataView {
    const { buffer, byteOffset } = this.page(directory, pageno);
    return new DataView(buffer, byteOffset, BLCKSZ);
  }

  apply(record: XLogRecord): void {
    const { rmid, rmgrInfo } = record;
    if (rmid === RmgrId.xact) this.applyXact(record);
    else if (rmid === RmgrId.clog && rmgrInfo === CLOG_ZEROPAGE) this.page('pg_xact', readClogZeropage(record).pageno).fill(0);
    else if (rmid === RmgrId.commitTs && rmgrInfo === COMMIT_TS_ZEROPAGE) this.page('pg_commit_ts', readCommitTsZeropage(record).pageno).fill(0);
    else if (rmid === RmgrId.multixact) this.applyMultixact(record);
  }

  private applyXact(record: XLogRecord): void {
    const opcode = xactOpcode(record);
    const commits = opcode === XLOG_XACT_COMMIT || opcode === XLOG_XACT_COMMIT_PREPARED;
    if (!commits && opcode !== XLOG_XACT_ABORT && opcode !== XLOG_XACT_ABORT_PREPARED) return;
    const parsed = commits ? parseCommitRecord(record) : parseAbortRecord(record);
    const xid = endedXid(record, parsed);
    if (xid === 0) return; // of a transaction without an xid: it dropped files or sent messages only
    for (const pageno of clogPagesOf(xid, parsed.subxacts)) {
      setClogTreeStatus(this.page('pg_xact', pageno), pageno, xid, parsed.subxacts, commits ? XidStatus.committed : XidStatus.aborted);
    }
    if (!commits) return;
    for (const pageno of commitTsPagesOf(xid, parsed.subxacts)) {
      setCommitTs(this.view('pg_commit_ts', pageno), pageno, xid, parsed.subxacts, commitTimestamp(parsed), record.origin);
    }
  }

  private applyMultixact(record: XLogRecord): void {
    if (record.rmgrInfo === XLOG_MULTIXACT_ZERO_OFF_PAGE) this.page('pg_multixact/offsets', readMultixactZeroPage(record).pageno).fill(0);
    else if (record.rmgrInfo === XLOG_MULTIXACT_ZERO_MEM_PAGE) this.page('pg_multixact/members', readMultixactZeroPage(record).pageno).fill(0);
    else if (record.rmgrInfo === XLOG_MULTIXACT_CREATE_ID) {
      const create = readXlMultixactCreate(record);
      const { offsetPages, memberPages } = multixactPagesOf(create);
      for (const pageno of offsetPages) applyToOffsetPage(this.view('pg_multixact/offsets', pageno), pageno, create);
      for (const pageno of memberPages) applyToMemberPage(this.view('pg_multixact/members', pageno), pageno, create);
      this.lastMulti = create.mid;
    }
  }
}

describe.each([13, 18] as const)('lines 24, 27 and 28: SLRU pages from the WAL of PostgreSQL %i', (major) => {
  it('are those that the server wrote, byte for byte', async () => {
    const base = mkdtempSync(join(tmpdir(), 'walscope-slru-'));
    const { server, start } = await runAgreementWorkload(major, async (fresh) => {
      await fresh.sql('CHECKPOINT');
      for (const directory of DIRECTORIES) cpSync(join(fresh.dataDir, directory), join(base, directory), { recursive: true });
    });
    try {
      await server.archiveAll();
      await server.stop();
      const wal = new WalDirectory(server.walDir);
      const reader = new XLogReader(wal, { major });
      const record = new XLogRecord();
      const slrus = new Slrus(base);
      reader.seek(parseLsn(start)!, record);
      while (reader.next(record)) slrus.apply(record);
      // 13's last minor release does not set the next multixact's offset: its entry after the last one is still zero
      if (major === 13) {
        const next = nextMultixact(slrus.lastMulti);
        slrus.view('pg_multixact/offsets', Math.floor(next / 2048)).setUint32((next % 2048) * 4, 0, true);
      }
      for (const { directory, pageno, bytes } of slrus.pages.values()) {
        expect(Buffer.compare(bytes, readPage(server.dataDir, directory, pageno)), `${directory} page ${pageno}`).toBe(0);
      }
      expect(new Set([...slrus.pages.values()].map((page) => page.directory))).toEqual(new Set(DIRECTORIES));
      expect(slrus.pages.size).toBeGreaterThan(40);
    } finally {
      await server.destroy();
      rmSync(base, { recursive: true });
    }
  });
});

describe('SLRU arithmetic', () => {
  const view = (): DataView => new DataView(new ArrayBuffer(BLCKSZ));

  it('keeps four transactions a byte apart', () => {
    const page = new Uint8Array(BLCKSZ);
    for (let xid = 100; xid < 108; xid++) setClogStatus(page, xid, (xid % 4) as XidStatus);
    for (let xid = 100; xid < 108; xid++) expect(readClogStatus(page, xid)).toBe(xid % 4);
    expect(page.subarray(25, 27)).toEqual(Uint8Array.from([0b11100100, 0b11100100]));
    setClogStatus(page, 103, XidStatus.inProgress);
    expect(page[25]).toBe(0b00100100);
  });

  it('line 24: finds a transaction tree on all its CLOG pages, the last one too', () => {
    expect(clogPagesOf(32_767, [32_768, 32_769, 70_000])).toEqual([0, 1, 2]);
    expect(clogPageOf(0xffff_ffff)).toBe(131_071);
  });

  it('keeps time and origin of a commit', () => {
    const page = view();
    setCommitTs(page, 1, 819, [820, 5], 123_456_789n, 7);
    expect(readCommitTs(page, 820)).toEqual({ time: 123_456_789n, nodeId: 7 });
    expect(readCommitTs(page, 821)).toEqual({ time: 0n, nodeId: 0 });
    expect(readCommitTs(page, 5)).toEqual({ time: 0n, nodeId: 0 });
  });

  it('line 28: sets the next multixact\'s offset, on the next page and around the counter\'s end', () => {
    const create = { mid: 2047, moff: 10, members: [{ xid: 7, status: 1 }, { xid: 8, status: 5 }] };
    expect(multixactPagesOf(create).offsetPages).toEqual([0, 1]);
    const first = view(), second = view();
    applyToOffsetPage(first, 0, create);
    applyToOffsetPage(second, 1, create);
    expect(readMultixactOffset(first, 2047)).toBe(10);
    expect(readMultixactOffset(second, 2048)).toBe(12);
    expect(multixactPagesOf({ ...create, mid: 0xffff_ffff }).offsetPages).toEqual([0x1f_ffff, 0]);
    expect(nextMultixact(0xffff_ffff)).toBe(1);
  });

  it('line 28: wraps members within one record, and gives out no offset 0', () => {
    const members = [{ xid: 7, status: 1 }, { xid: 8, status: 5 }];
    const create = { mid: 5, moff: 0xffff_ffff, members };
    const last = multixactMemberPageOf(0xffff_ffff);
    expect(multixactPagesOf(create).memberPages).toEqual([last, 0]);
    const tail = view(), head = view();
    applyToMemberPage(tail, last, create);
    applyToMemberPage(head, 0, create);
    expect(readMultixactMember(tail, 0xffff_ffff)).toEqual(members[0]);
    expect(readMultixactMember(head, 0)).toEqual(members[1]);
    const offsets = view();
    applyToOffsetPage(offsets, 0, { mid: 5, moff: 0xffff_fffe, members });
    expect(readMultixactOffset(offsets, 6)).toBe(1);
    expect(MULTIXACT_MEMBERS_PER_PAGE).toBe(1636);
  });
});
