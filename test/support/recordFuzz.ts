/**
 * Mutated records over arbitrary pages, seeded: what decoding, replay, printing, masking and ingest do with them must be a result or
 * a typed error, within the page and within a moment. The corpus is the committed records of real servers; some are handed to
 * another resource manager, so that every manager sees data that is not its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { brinPageInit, BRIN_PAGETYPE_REGULAR, BRIN_PAGETYPE_REVMAP } from '../../src/pg/brin.js';
import { BLCKSZ, Page, PageError } from '../../src/pg/page.js';
import type { RelFork } from '../../src/pg/relFileLocator.js';
import { addToNPlaceholder, addToNRedirection, spgFormDeadTuple, spGistInitPage, SPGIST_LEAF } from '../../src/pg/spgist.js';
import { PG_MAJORS, type PgMajor } from '../../src/pg/version.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { replayRecord } from '../../src/redo/replay.js';
import { RMGRS, RmgrId } from '../../src/redo/rmgrlist.js';
import type { RecordEffects } from '../../src/store/recordEffects.js';
import { RECORD_HANDLERS } from '../../src/store/recordHandlers.js';
import { Slru } from '../../src/store/slruKeys.js';
import { replaySlruRecord } from '../../src/store/slruReplay.js';
import { WalscopeError } from '../../src/util/errors.js';
import type { Lsn } from '../../src/util/lsn.js';

/** A round that takes longer counts as a hang. */
const HANG_MS = 2000;
const GUARD = 0xa5;
const GUARDS = Buffer.alloc(BLCKSZ, GUARD);
const HEADER = 24;
const GOLDEN = new URL('../redo/golden/', import.meta.url);
const SLRUS = Object.values(Slru);

export interface FuzzCounts {
  rounds: number;
  /** Records that were not well formed. */
  undecodable: number;
  redone: number;
  refused: number;
  /** Records that ingest took in. */
  ingested: number;
}

/** What went wrong, with all that is needed to see it again. */
export class FuzzFailure extends Error {
  constructor(what: string, seed: number, round: number, major: PgMajor, hex: string, cause?: unknown) {
    super(`${what} in round ${round} of seed ${seed}, PostgreSQL ${major}, record ${hex}`, { cause });
  }
}

/** The committed records of real servers: every kind of heap and index record that the workloads wrote. */
export function fuzzCorpus(major: PgMajor): Uint8Array[] {
  return readdirSync(GOLDEN).filter((name) => name.endsWith(`-records-${major}.json`)).sort().flatMap((name) => {
    const rows = JSON.parse(readFileSync(new URL(name, GOLDEN), 'utf8')) as { hex: string }[];
    return rows.map(({ hex }) => new Uint8Array(Buffer.from(hex, 'hex')));
  });
}

/** Undefined where `work` ended in one of the two errors that bad input may cause. */
function tolerated<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof WalscopeError || error instanceof PageError) return undefined;
    throw error;
  }
}

const IGNORED = (): void => undefined;
const NO_EFFECTS: RecordEffects = {
  slruPage: IGNORED, clogPageZeroed: IGNORED, forkCreated: IGNORED, forkTruncated: IGNORED, relationDropped: IGNORED,
  transactionEnd: IGNORED, transactionNote: IGNORED, logicalMessage: IGNORED, event: IGNORED,
};

export class RecordFuzzer {
  readonly counts: FuzzCounts = { rounds: 0, undecodable: 0, redone: 0, refused: 0, ingested: 0 };
  private readonly corpora: { major: PgMajor; records: Uint8Array[] }[];
  private readonly guarded = new Uint8Array(3 * BLCKSZ);
  private readonly page = new Page(this.guarded.subarray(BLCKSZ, 2 * BLCKSZ));
  private state: number;

  constructor(readonly seed: number, majors: readonly PgMajor[] = PG_MAJORS) {
    this.state = seed >>> 0;
    this.corpora = majors.map((major) => ({ major, records: fuzzCorpus(major) }));
  }

  /** A number from 0 to n - 1. */
  private random(n: number): number {
    this.state = (Math.imul(this.state, 1103515245) + 12345) >>> 0;
    return Math.floor((this.state / 2 ** 32) * n);
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.random(list.length)]!;
  }

  /** One mutated record through everything. Throws FuzzFailure where that ends in anything but a result or a typed error. */
  round(): void {
    const { major, records } = this.pick(this.corpora);
    const bytes = this.mutated(this.pick(records));
    const hex = Buffer.from(bytes).toString('hex');
    const began = performance.now();
    this.counts.rounds++;
    try {
      this.takeRecord(bytes, major);
    } catch (error) {
      throw new FuzzFailure(String(error), this.seed, this.counts.rounds, major, hex, error);
    }
    if (performance.now() - began > HANG_MS) throw new FuzzFailure('a hang', this.seed, this.counts.rounds, major, hex);
  }

  /** The total length stays: what is read from a file has a good CRC and lies in the buffer. */
  private mutated(original: Uint8Array): Uint8Array {
    const bytes = original.slice();
    if (this.random(3) === 0) bytes[17] = this.random(RMGRS.length);
    if (this.random(4) === 0) bytes[16] = this.random(16) << 4;
    for (let i = this.random(6); i > 0; i--) bytes[HEADER + this.random(bytes.length - HEADER)] = this.random(3) === 0 ? this.random(256) : this.pick([0, 1, 127, 128, 255]);
    return bytes;
  }

  private takeRecord(bytes: Uint8Array, major: PgMajor): void {
    const record = tolerated(() => new XLogRecord().decode(new DataView(bytes.buffer), bytes, 0, 0x100 as Lsn, 0x200 as Lsn, major));
    if (!record) {
      this.counts.undecodable++;
      return;
    }
    const rmgr = RMGRS[record.rmid]!;
    tolerated(() => rmgr.desc(record));
    rmgr.identify(record.info, major);
    const targets: { rel: RelFork; block: number }[] = record.blocks.map((ref) => ({ rel: ref, block: ref.block }));
    tolerated(() => rmgr.implicitEdits?.(record, (rel, block) => targets.push({ rel: { ...rel }, block })));
    if (tolerated(() => { RECORD_HANDLERS[record.rmid]?.(record, NO_EFFECTS); return true; })) this.counts.ingested++;
    for (const { rel, block } of targets) this.replay(record, rel, block);
    this.arbitraryPage(record.rmid);
    tolerated(() => replaySlruRecord(record, this.pick(SLRUS), this.random(4), this.page.bytes));
    this.checkGuards();
  }

  private replay(record: XLogRecord, rel: RelFork, block: number): void {
    const page = this.arbitraryPage(this.random(4) === 0 ? this.random(RMGRS.length) : record.rmid);
    page.major = record.major;
    if (tolerated(() => replayRecord(record, rel, block, page)) === undefined) this.counts.refused++;
    else this.counts.redone++;
    tolerated(() => RMGRS[record.rmid]!.mask?.(page, block, record.major));
    this.checkGuards();
  }

  private checkGuards(): void {
    const { guarded } = this;
    if (GUARDS.compare(guarded, 0, BLCKSZ) !== 0 || GUARDS.compare(guarded, 2 * BLCKSZ) !== 0) throw new Error('a write outside the page');
  }

  /** A page such as the manager's records expect, some of its bytes wrong, between guard bytes. */
  private arbitraryPage(rmid: number): Page {
    const { page } = this;
    this.guarded.fill(GUARD);
    page.bytes.fill(0);
    if (this.random(12) === 0) return page;
    if (rmid === RmgrId.brin) brinPageInit(page, this.random(3) === 0 ? BRIN_PAGETYPE_REVMAP : BRIN_PAGETYPE_REGULAR);
    else if (rmid === RmgrId.spgist) spGistInitPage(page, this.random(2) === 0 ? SPGIST_LEAF : 0);
    else page.init(rmid === RmgrId.heap || rmid === RmgrId.heap2 ? 0 : this.pick([8, 16]));
    for (let i = this.random(80); i > 0; i--) {
      const item = rmid === RmgrId.spgist ? this.spgistTuple() : this.tuple();
      if (page.exactFreeSpace < item.length + 16) break;
      page.addItem(item, page.maxOffset + 1);
    }
    const wrong = this.random(2) === 0 ? 0 : this.random(20);
    for (let i = 0; i < wrong; i++) page.bytes[8 + this.random(this.random(2) === 0 ? 60 : BLCKSZ - 8)] = this.random(256);
    page.lsn = 1 as Lsn;
    return page;
  }

  /** A heap tuple, or a plain, pivot or posting tuple of an index. */
  private tuple(): Uint8Array {
    const item = new Uint8Array(8 + 8 * this.random(8));
    const view = new DataView(item.buffer);
    if (item.length >= 24 && this.random(2) === 0) item[22] = 24;
    const isPosting = this.random(3) === 0;
    view.setUint16(6, item.length | (isPosting || this.random(4) === 0 ? 0x2000 : 0), true);
    view.setUint16(2, isPosting ? 8 : this.random(9), true);
    view.setUint16(4, isPosting ? 0x2000 | this.random(5) : 1 + this.random(5), true);
    return item;
  }

  private spgistTuple(): Uint8Array {
    const tupstate = this.random(4);
    if (tupstate === 0) return new Uint8Array(16 + 8 * this.random(10)).fill(this.random(4) === 0 ? 0 : 8);
    if (tupstate === 1) addToNRedirection(this.page, 1);
    if (tupstate === 3) addToNPlaceholder(this.page, 1);
    return spgFormDeadTuple(tupstate, this.random(1000), this.random(9), this.random(9));
  }
}
