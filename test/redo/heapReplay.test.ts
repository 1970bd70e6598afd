/** The compiled replay of plain heap records: it does what redo.ts does, byte for byte, on real WAL, or leaves the record alone. */
import { expect, it } from 'vitest';
import { cachedArchive } from '../../fixtures/workloads/build.js';
import { openWalArchive } from '../../src/archive/walArchive.js';
import { walSegmentStart } from '../../src/pg/walFileName.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { kernelAgreement } from '../support/kernelAgreement.js';

it.each([14, 18] as const)('plain records are replayed as redo.ts replays them (%i)', async (major) => {
  const { wal: path } = await cachedArchive({ major, workload: 'everything' });
  const archive = openWalArchive([path]);
  const wal = archive.timelineWal(archive.timelines.at(-1)!);
  const reader = new XLogReader(wal, { major });
  reader.seek(walSegmentStart(archive.segments[0]!.segno, wal.segmentSize), new XLogRecord());
  const { plain, different } = kernelAgreement(reader, wal.segmentSize);
  archive.close();
  expect(different).toEqual([]);
  expect(Object.keys(plain)).toEqual(expect.arrayContaining(['INSERT', 'DELETE', 'UPDATE', 'HOT_UPDATE', 'LOCK', major < 17 ? 'PRUNE' : 'PRUNE_ON_ACCESS']));
});
