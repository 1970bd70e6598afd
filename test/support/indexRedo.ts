/** What the tests of each index manager's redo ask of an archive; one function a question. */
import { vi } from 'vitest';
import type { PgMajor } from '../../src/pg/version.js';
import { Page, SIZE_OF_PAGE_HEADER } from '../../src/pg/page.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import type { MaskFunction, RedoContext, RedoFunction, Rmgr } from '../../src/redo/rmgr.js';
import { formatLsn } from '../../src/util/lsn.js';
import { NaiveRecovery, type NaiveReport } from './naiveRecovery.js';
import type { RedoArchive } from './redoArchive.js';
import { WalDirectory } from './walDirectory.js';

/** The manager's records in the archive, one call each. */
export function forEachRecord(walDir: string, rmid: number, visit: (record: XLogRecord) => void): void {
  const wal = new WalDirectory(walDir);
  const reader = new XLogReader(wal, { major: wal.major, systemIdentifier: wal.systemIdentifier });
  const record = new XLogRecord();
  if (reader.seek(wal.firstLsn, record) === undefined) throw reader.end!.error;
  while (reader.next(record)) if (record.rmid === rmid) visit(record);
  wal.close();
}

/** How often each opcode of the manager stands in the archive, by name. */
export function countOpcodes(archive: RedoArchive, rmgr: Rmgr): Map<string, number> {
  const counts = new Map<string, number>();
  forEachRecord(archive.walDir, rmgr.id, (record) => {
    const name = rmgr.identify(record.info, record.major) ?? `unknown 0x${record.info.toString(16)}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  return counts;
}

/** Records whose description differs from pg_walinspect's, and how many were compared. */
export function compareDescriptions(archive: RedoArchive, rmgr: Rmgr): { compared: number; differences: string[] } {
  let compared = 0;
  const differences: string[] = [];
  forEachRecord(archive.walDir, rmgr.id, (record) => {
    const theirs = archive.descriptions.get(formatLsn(record.lsn));
    if (theirs === undefined) return;
    compared++;
    const ours = `${rmgr.identify(record.info, record.major)} ${rmgr.desc(record)}`;
    if (ours !== theirs) differences.push(`${formatLsn(record.lsn)}: ${ours} | ${theirs}`);
  });
  return { compared, differences };
}

function targetPage(ctx: RedoContext): { page: Page; block: number } | undefined {
  for (const ref of ctx.record.blocks) {
    const page = ctx.pageForRedo(ref.id);
    if (page) return { page, block: ref.block };
  }
  return undefined;
}

/** Flips the last bit of line pointers, posting lists or metadata, on an empty page one of the special space; not where the mask hides it. */
function flipVisibleBit(page: Page, block: number, mask: MaskFunction, major: PgMajor): boolean {
  const at = page.pdLower > SIZE_OF_PAGE_HEADER ? page.pdLower - 1 : page.pdSpecial;
  const spoilt = new Page(page.bytes.slice());
  spoilt.bytes[at]! ^= 1;
  const masked = [page, spoilt].map(({ bytes }) => {
    const copy = new Page(bytes.slice());
    mask(copy, block, major);
    return Buffer.from(copy.bytes);
  });
  if (masked[0]!.equals(masked[1]!)) return false;
  page.bytes.set(spoilt.bytes);
  return true;
}

/**
 * Replays the archive with a redo that goes wrong in one bit at the first record of each opcode whose blocks all carry consistency
 * images. Gives the opcodes that were spoilt and the report, which must name them all.
 */
export function replayWithFlippedBits(archive: RedoArchive, rmgr: Rmgr): { spoilt: Set<string>; report: NaiveReport } {
  const spoilt = new Set<string>();
  const original = rmgr.redo!;
  const spy = vi.spyOn(rmgr as { redo: RedoFunction }, 'redo').mockImplementation((ctx) => {
    original(ctx);
    const { record } = ctx;
    const opcode = rmgr.identify(record.info, record.major)!;
    if (spoilt.has(opcode) || !record.blocks.every((ref) => ref.hasImage && !ref.applyImage)) return;
    const target = targetPage(ctx);
    if (target && flipVisibleBit(target.page, target.block, rmgr.mask!, record.major)) spoilt.add(opcode);
  });
  try {
    const recovery = new NaiveRecovery({ walDir: archive.walDir, backupDir: archive.backup.path, maxDifferences: 1000 });
    return { spoilt, report: recovery.run() };
  } finally {
    spy.mockRestore();
  }
}
