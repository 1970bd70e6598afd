/** The compiled replay of heap records beside the one that it stands for: each record of an archive on a copy of the page that it changes. */
import { Page } from '../../src/pg/page.js';
import { ForkNumber, formatRelFork } from '../../src/pg/relFileLocator.js';
import { XLOG_BLCKSZ } from '../../src/pg/xlogPage.js';
import type { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { HeapReplayKernel } from '../../src/redo/heap/replayKernel.js';
import { replayRecord } from '../../src/redo/replay.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import { formatLsn } from '../../src/util/lsn.js';

export interface KernelAgreement {
  /** Records that the kernel replayed, by opcode. */
  plain: Record<string, number>;
  /** Heap records of known pages that it left. */
  left: Record<string, number>;
  different: string[];
}

/** Walks the WAL from where the reader stands. A page counts from its first image or initialisation on. */
export function kernelAgreement(reader: XLogReader, segmentSize: number): KernelAgreement {
  const kernel = new HeapReplayKernel(), record = new XLogRecord(), pages = new Map<string, Page>();
  const found: KernelAgreement = { plain: {}, left: {}, different: [] };
  const target = kernel.pages[0]!;
  while (reader.next(record)) {
    const heap = record.rmid === 9 || record.rmid === 10;
    for (const ref of record.blocks) {
      if (ref.fork !== ForkNumber.main) continue;
      const name = `${formatRelFork(ref)} ${ref.block}`, isNew = (ref.hasImage && ref.applyImage) || ref.willInit;
      let page = pages.get(name);
      if (!page && (!heap || !isNew)) continue;
      if (!page) pages.set(name, (page = new Page()));
      target.bytes.set(page.bytes);
      kernel.blocks[0] = ref.block;
      kernel.begin(ref, record.major, segmentSize);
      const length = Math.min(record.totLen, XLOG_BLCKSZ - (record.lsn % XLOG_BLCKSZ));
      kernel.window.set(record.bytes.subarray(record.start, record.start + length));
      kernel.lsns[0] = record.lsn;
      kernel.places[0] = 0;
      const isPlain = kernel.replay(0, 1, record.lsn, length) === 1 || kernel.replayWhole(0, record);
      const untouched = Buffer.compare(target.bytes, page.bytes) === 0;
      replayRecord(record, ref, ref.block, page);
      const counts = isPlain ? found.plain : found.left, opcode = RMGRS[record.rmid]!.identify(record.info, record.major) ?? '?';
      counts[opcode] = (counts[opcode] ?? 0) + 1;
      if (isPlain ? Buffer.compare(target.bytes, page.bytes) !== 0 : !untouched) found.different.push(`${opcode} at ${formatLsn(record.lsn)} on ${name}`);
    }
  }
  return found;
}
