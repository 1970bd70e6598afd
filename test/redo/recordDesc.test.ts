import { describe, expect, it } from 'vitest';
import type { PgMajor } from '../../src/pg/version.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import { parseCommitRecord, parsePrepareRecord } from '../../src/redo/xact/xlog.js';
import { WalscopeError } from '../../src/util/errors.js';
import type { Lsn } from '../../src/util/lsn.js';
import { encodeRecord } from '../support/walBuilder.js';

/** Little-endian parts: `u8`, `u16`, `u32`, `u64` by key, `pad` zero bytes, text with its zero. */
type Part = { u8: number } | { u16: number } | { u32: number } | { u64: bigint } | { pad: number } | { text: string };

function build(parts: Part[]): Uint8Array {
  const out: number[] = [];
  const push = (value: bigint, size: number): void => {
    for (let i = 0; i < size; i++) out.push(Number((value >> BigInt(8 * i)) & 0xffn));
  };
  for (const part of parts) {
    if ('u8' in part) push(BigInt(part.u8), 1);
    else if ('u16' in part) push(BigInt(part.u16), 2);
    else if ('u32' in part) push(BigInt(part.u32), 4);
    else if ('u64' in part) push(part.u64, 8);
    else if ('pad' in part) push(0n, part.pad);
    else out.push(...new TextEncoder().encode(part.text), 0);
  }
  return Uint8Array.from(out);
}

function decode(major: PgMajor, rmid: number, info: number, parts: Part[], origin?: number): XLogRecord {
  const bytes = encodeRecord({ rmid, info, xid: 900, main: build(parts), origin }, 0 as Lsn, major);
  return new XLogRecord().decode(new DataView(bytes.buffer), bytes, 0, 0x5678 as Lsn, 0x6000 as Lsn, major);
}

function text(major: PgMajor, rmid: number, info: number, parts: Part[], origin?: number): string {
  const record = decode(major, rmid, info, parts, origin);
  const rmgr = RMGRS[rmid]!;
  return `${rmgr.identify(record.info, major)} ${rmgr.desc(record)}`;
}

/** 2020-02-03 04:05:06.000007 UTC */
const TIME: Part = { u64: 634_017_906_000_007n };
const TIME_TEXT = '2020-02-03 04:05:06.000007 UTC';

describe('records that a short workload does not write', () => {
  it('line 27: page numbers take 4 bytes before 17 and 8 from then on', () => {
    const narrow: Part[] = [{ u32: 32 }], wide: Part[] = [{ u64: 32n }];
    for (const [major, page] of [[16, narrow], [17, wide]] as const) {
      expect(text(major, 3, 0x10, [...page, { u32: 1_048_576 }, { u32: 5 }])).toBe('TRUNCATE page 32; oldestXact 1048576');
      expect(text(major, 18, 0x10, [...page, { u32: 77 }])).toBe('TRUNCATE pageno 32, oldestXid 77');
      expect(text(major, 6, 0x10, page)).toBe('ZERO_MEM_PAGE 32');
      expect(text(major, 3, 0x00, page)).toBe('ZEROPAGE page 32');
    }
  });

  it('multixact truncation, and every member status', () => {
    expect(text(15, 6, 0x30, [1, 2, 3, 4, 5].map((u32) => ({ u32 })))).toBe('TRUNCATE_ID offsets [2, 3), members [4, 5)');
    const members = [0, 1, 2, 3, 4, 5, 9].flatMap((status): Part[] => [{ u32: 700 + status }, { u32: status }]);
    expect(text(15, 6, 0x20, [{ u32: 8 }, { u32: 1 }, { u32: 7 }, ...members])).toBe(
      'CREATE_ID 8 offset 1 nmembers 7: 700 (keysh) 701 (sh) 702 (fornokeyupd) 703 (forupd) 704 (nokeyupd) 705 (upd) 709 (unk) ');
  });

  it('13 sets commit timestamps in records of their own', () => {
    const parts: Part[] = [TIME, { u16: 3 }, { pad: 2 }, { u32: 800 }, { u32: 801 }, { u32: 802 }];
    expect(text(13, 18, 0x20, parts)).toBe(`SETTS set ${TIME_TEXT}/3 for: 800, 801, 802`);
    expect(RMGRS[18]!.identify(0x20, 14)).toBeUndefined();
  });

  it('the end of recovery names wal_level from 17 on', () => {
    const parts: Part[] = [TIME, { u32: 2 }, { u32: 1 }, { u32: 2 }];
    expect(text(16, 0, 0x90, parts)).toBe(`END_OF_RECOVERY tli 2; prev tli 1; time ${TIME_TEXT}`);
    expect(text(17, 0, 0x90, parts)).toBe(`END_OF_RECOVERY tli 2; prev tli 1; time ${TIME_TEXT}; wal_level logical`);
    expect(text(17, 0, 0xe0, [{ u32: 1 }])).toBe('CHECKPOINT_REDO wal_level replica');
    expect(RMGRS[0]!.identify(0xe0, 16)).toBeUndefined();
  });

  it('an overwritten record, full_page_writes', () => {
    expect(text(14, 0, 0xd0, [{ u64: 0x1_2345_0028n }, TIME])).toBe(`OVERWRITE_CONTRECORD lsn 1/23450028; time ${TIME_TEXT}`);
    expect(text(14, 0, 0x80, [{ u8: 1 }])).toBe('FPW_CHANGE true');
  });

  it('running transactions say where subtransactions overflowed', () => {
    const parts: Part[] = [{ u32: 1 }, { u32: 2 }, { u8: 1 }, { pad: 3 }, { u32: 90 }, { u32: 80 }, { u32: 89 }, { u32: 81 }, { u32: 82 }, { u32: 83 }];
    const head = 'RUNNING_XACTS nextXid 90 latestCompletedXid 89 oldestRunningXid 80; 1 xacts: 81';
    expect(text(15, 8, 0x10, parts)).toBe(`${head}; subxid ovf`);
    expect(text(16, 8, 0x10, parts)).toBe(`${head}; subxid overflowed; 2 subxacts: 82 83`);
  });

  it('every kind of invalidation', () => {
    const message = (id: number): Part[] => [{ u8: id & 0xff }, { pad: 3 }, { u32: 5 }, { u32: 1259 }, { pad: 4 }];
    const parts: Part[] = [{ u32: 5 }, { u32: 1663 }, { u8: 1 }, { pad: 3 }, { u32: 8 }, ...[7, -1, -2, -3, -4, -5, -6, -7].flatMap(message)];
    const head = 'INVALIDATIONS ; relcache init file inval dbid 5 tsid 1663; inval msgs: catcache 7 catalog 1259 relcache 1259 smgr relmap db 5 snapshot 1259';
    expect(text(17, 8, 0x20, parts)).toBe(`${head} unrecognized id -6 unrecognized id -7`);
    expect(text(18, 8, 0x20, parts)).toBe(`${head} relsync 1259 unrecognized id -7`);
  });

  it('lines 18 and 24: a commit with everything, its parts in order', () => {
    // every bit, with apply feedback, relation cache file and forced sync
    const common: Part[] = [TIME, { u32: 0xe00001ff }, { u32: 5 }, { u32: 1663 }, { u32: 2 }, { u32: 901 }, { u32: 902 }, { u32: 1 }, { u32: 1700 }, { u32: 5 }, { u32: 16384 }];
    const stats15: Part[] = [{ u32: 1 }, { u32: 2 }, { u32: 5 }, { u32: 16384 }];
    const stats18: Part[] = [...stats15, { u32: 1 }];
    const rest: Part[] = [{ u32: 1 }, { u8: 7 }, { pad: 15 }, { u32: 899 }, { text: 'the gid' }, { u64: 0x99n }, TIME];
    const tail = `; relcache init file inval dbid 5 tsid 1663; inval msgs: catcache 7; apply_feedback; sync; origin: node 3, lsn 0/99, at ${TIME_TEXT}`;
    expect(text(15, 1, 0xb0, [...common, ...stats15, ...rest], 3)).toBe(
      `COMMIT_PREPARED 899: ${TIME_TEXT}; rels: pg_tblspc/1700/PG_15_202209061/5/16384; subxacts: 901 902; dropped stats: 2/5/16384${tail}`);
    expect(text(18, 1, 0xb0, [...common, ...stats18, ...rest], 3)).toBe(
      `COMMIT_PREPARED 899: ${TIME_TEXT}; rels: pg_tblspc/1700/PG_18_202506291/5/16384; subxacts: 901 902; dropped stats: 2/5/4294983680${tail}`);
    const parsed = parseCommitRecord(decode(18, 1, 0xb0, [...common, ...stats18, ...rest], 3));
    expect(parsed).toMatchObject({ twophaseGid: 'the gid', originLsn: 0x99, subxacts: [901, 902], xlocators: [{ spcOid: 1700, dbOid: 5, relNumber: 16384 }] });
  });

  it('13 tells only the size of a message', () => {
    const parts: Part[] = [{ u32: 5 }, { u8: 0 }, { pad: 3 }, { u64: 4n }, { u64: 2n }, { text: 'pfx' }, { u8: 1 }, { u8: 0xab }];
    expect(text(13, 21, 0, parts)).toBe('MESSAGE nontransactional message size 2 bytes');
    expect(text(14, 21, 0, parts)).toBe('MESSAGE non-transactional, prefix "pfx"; payload (2 bytes): 01 AB');
  });

  it('line 19: the opcode that meant dropping a database before 15 means creating one since', () => {
    const parts: Part[] = [{ u32: 16384 }, { u32: 1663 }];
    expect(text(14, 4, 0x10, [{ u32: 16384 }, { u32: 2 }, { u32: 1663 }, { u32: 1700 }])).toBe('DROP dir 1663/16384 1700/16384');
    expect(text(15, 4, 0x10, parts)).toBe('CREATE_WAL_LOG create dir 1663/16384');
    expect(RMGRS[4]!.identify(0x20, 14)).toBeUndefined();
  });
});

describe('records whose counts promise more than they hold', () => {
  it.each([
    ['subtransactions', [TIME, { u32: 0x02 }, { u32: 1_000_000 }]],
    ['a negative count', [TIME, { u32: 0x04 }, { u32: 0xffff_ffff }]],
    ['nothing at all', []],
  ] as [string, Part[]][])('%s', (_, parts) => {
    expect(() => parseCommitRecord(decode(15, 1, 0x80, parts))).toThrow(WalscopeError);
    expect(() => parsePrepareRecord(decode(15, 1, 0x10, parts))).toThrow(expect.objectContaining({ code: 'wal.record_data', options: expect.objectContaining({ place: { lsn: '0/5678' } }) }));
  });
});
