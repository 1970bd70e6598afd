/** What each index access method's replay is held against, one workload a method: its tests call these. */
import { expect } from 'vitest';
import type { Rmgr } from '../../src/redo/rmgr.js';
import { compareDescriptions, replayWithFlippedBits } from './indexRedo.js';
import { NaiveRecovery } from './naiveRecovery.js';
import { comparePages, recoverArchive, type RedoArchive } from './redoArchive.js';

/** More than `images` images of wal_consistency_checking, and every page of a real recovery of these indexes, equal what replay makes. */
export async function expectReplayAsRecovered(archive: RedoArchive, rmgr: Rmgr, indexes: readonly string[], images: number): Promise<void> {
  const recovery = new NaiveRecovery({ walDir: archive.walDir, backupDir: archive.backup.path });
  const report = recovery.run();
  expect(report.differences).toEqual([]);
  expect(report.rmgrs[rmgr.name]).toMatchObject({ different: 0, unhandled: 0, failed: 0 });
  expect(report.rmgrs[rmgr.name]!.compared).toBeGreaterThan(images);
  const recovered = await recoverArchive(archive);
  try {
    for (const name of indexes) {
      const { pages, differences } = comparePages(recovery.pages, recovered, name, archive.relations.get(name)!);
      expect(pages).toBeGreaterThan(3);
      expect(differences).toEqual([]);
    }
  } finally {
    await recovered.destroy();
  }
}

/** A bit that replay gets wrong is a difference at each of these records, the only ones of the workload that come without an image to restore. */
export function expectFlippedBitsNoticed(archive: RedoArchive, rmgr: Rmgr, opcodes: readonly string[]): void {
  const { spoilt, report } = replayWithFlippedBits(archive, rmgr);
  expect([...spoilt].sort()).toEqual(opcodes);
  expect(new Set(report.differences.map((d) => d.opcode))).toEqual(spoilt);
}

/** More than `records` records are described as the server's pg_walinspect describes them. */
export function expectServersDescriptions(archive: RedoArchive, rmgr: Rmgr, records: number): void {
  const { compared, differences } = compareDescriptions(archive, rmgr);
  expect(compared).toBeGreaterThan(records);
  expect(differences).toEqual([]);
}
