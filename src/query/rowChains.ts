/**
 * What became of the rows of a heap file between two moments, told by its records: the versions of a row that lead to each other are a chain, of
 * which the place of the version at the earlier moment, that at the later one, and the way from one to the other are kept; no page is read.
 */
import { BLCKSZ, Page } from '../pg/page.js';
import { restoreBlockImage } from '../pg/blockImage.js';
import { HEAP_UPDATE_BLKREF_HEAP_NEW, HEAP_UPDATE_BLKREF_HEAP_OLD, readXlHeapUpdate, XLH_UPDATE_PREFIX_FROM_OLD, XLHL_KEYS_UPDATED, XLOG_HEAP_INPLACE, XLOG_HEAP_OPMASK } from '../redo/heap/xlog.js';
import { XLOG_FPI_FOR_HINT } from '../redo/xlog/xlog.js';
import { RmgrId } from '../redo/rmgrlist.js';
import type { BlockRef, XLogRecord } from '../pg/xlogRecord.js';
import { PlainOperation, type PlainHeapReader } from '../store/plainHeapReader.js';
import { INVALID_LSN, type Lsn } from '../util/lsn.js';
import { heapChanges, type TuplePlace } from './heapChanges.js';
import { NumberMap } from './numberMap.js';
import { TuplePatches } from './tuplePatches.js';

/** A place as one number. */
const OFFSETS = 4096;
function placeNumber(block: number, offnum: number): number {
  return block * OFFSETS + offnum;
}
export function placeOf(place: number): TuplePlace {
  return { block: Math.floor(place / OFFSETS), offnum: place % OFFSETS };
}

/** More rows are not kept track of. */
export const MOST_CHAINS = 1_500_000;
const MOST_PATCH_BYTES = 64 * 1024 * 1024;

/** A row of both moments. */
export interface KeptRow {
  was: number;
  is: number;
  /** Columns of the primary key may have got other values. */
  keyMayDiffer: boolean;
  /** A value is known to differ. */
  differs: boolean;
  /** What makes its later version from the earlier one; 0: that must be read. */
  patch: number;
  /** What is known of the earlier version: a patch of its own that ends in it, or 0. */
  base: number;
  /** Where the earlier version was replaced for the first time. */
  since: Lsn;
}

/** IS_NEW: no update of it was taken yet. */
const IS_BORN = 1, KEY_MAY_DIFFER = 2, DIFFERS = 4, IS_NEW = 8;

export class RowChains {
  /** False once a record was met that changes rows in another way, or there was too much: nothing holds then. */
  isSure = true;
  /** Places of the rows of the earlier moment that are gone at the later one. */
  readonly removed: number[] = [];
  readonly patches = new TuplePatches();
  /** Chains, their number plus one, by place of the newest version. */
  private readonly live = new NumberMap();
  /** Of each chain: the place of its first version (-1: it began between the moments), that of the newest (-1: it ended), what is known. */
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private readonly flags: number[] = [];
  private readonly handles: number[] = [];
  private readonly bases: number[] = [];
  private readonly since: number[] = [];
  /** Of the record that is being taken. */
  private lsn = INVALID_LSN;
  private readonly image = new Page(new Uint8Array(BLCKSZ));
  /** Of which record, and which of its two blocks. */
  private imageOf = -1;

  /**
   * `isWanted`: the transaction committed between the moments. `differsAt`: for a byte of a tuple's data, where the tuple has no NULLs up to it, the
   * number of attributes up to the one that it belongs to, if another byte there is another value; else 0.
   */
  constructor(private readonly isWanted: (xid: number) => boolean, readonly differsAt: Uint16Array) {}

  /** Takes the next record of the file. */
  take(record: XLogRecord): void {
    const { rmid } = record;
    if (rmid === RmgrId.heap ? (record.info & XLOG_HEAP_OPMASK) === XLOG_HEAP_INPLACE : rmid !== RmgrId.heap2) {
      // a hint bit's image changes no row; another image, or another manager's record, may
      if (rmid !== RmgrId.xlog || record.rmgrInfo !== XLOG_FPI_FOR_HINT) this.isSure = false;
      return;
    }
    if (!this.isWanted(record.xid)) return;
    this.lsn = record.lsn;
    heapChanges(record, ({ operation, before, after, isSuperDelete }) => {
      if (operation === 'insert') this.begin(placeNumber(after!.block, after!.offnum), -1, IS_BORN);
      else if (operation === 'delete') this.end(placeNumber(before!.block, before!.offnum), isSuperDelete);
      else this.updateByRecord(placeNumber(before!.block, before!.offnum), placeNumber(after!.block, after!.offnum), record);
    });
    this.bound();
  }

  /** The same of a plain record. */
  takePlain(record: PlainHeapReader): void {
    if (record.operation === PlainOperation.none || !this.isWanted(record.xid)) return;
    this.lsn = record.lsn;
    const place = placeNumber(record.block, record.offnum);
    if (record.operation === PlainOperation.insert) this.begin(place, -1, IS_BORN);
    else if (record.operation === PlainOperation.delete) this.end(place, record.isSuperDelete);
    else {
      const chain = this.move(placeNumber(record.oldBlock, record.oldOffnum), place);
      if ((this.flags[chain]! & IS_BORN) === 0) this.patch(chain, this.patches.fromRecord(record.from, record, record.flags), 0, record.flags, record.infobits);
    }
    this.bound();
  }

  private bound(): void {
    if (this.starts.length > MOST_CHAINS || this.patches.bytes > MOST_PATCH_BYTES) this.isSure = false;
  }

  private begin(place: number, start: number, flags: number): number {
    if (this.live.get(place) !== undefined) this.isSure = false;
    const chain = this.starts.length;
    this.live.set(place, chain + 1);
    this.starts.push(start);
    this.ends.push(place);
    this.flags.push(flags);
    this.handles.push(0);
    this.bases.push(0);
    this.since.push(this.lsn);
    return chain;
  }

  private end(place: number, isTakenBack: boolean): void {
    const found = this.live.get(place);
    if (found === undefined) {
      if (isTakenBack) this.isSure = false;
      else this.removed.push(place);
      return;
    }
    const chain = found - 1;
    this.live.delete(place);
    this.ends[chain] = -1;
    if ((this.flags[chain]! & IS_BORN) === 0) this.removed.push(this.starts[chain]!);
  }

  /** A version took the place of another: gives its chain. */
  private move(from: number, to: number): number {
    const found = this.live.get(from);
    if (found === undefined) return this.begin(to, from, IS_NEW);
    this.live.delete(from);
    if (this.live.get(to) !== undefined) this.isSure = false;
    this.live.set(to, found);
    this.ends[found - 1] = to;
    return found - 1;
  }

  private updateByRecord(from: number, to: number, record: XLogRecord): void {
    const chain = this.move(from, to);
    if ((this.flags[chain]! & IS_BORN) !== 0) return;
    const xlrec = readXlHeapUpdate(record);
    const ref = record.block(HEAP_UPDATE_BLKREF_HEAP_NEW)!;
    // an image shows the page after the change: the old version is still there
    const base = (this.flags[chain]! & IS_NEW) !== 0 ? this.imaged(record, record.block(HEAP_UPDATE_BLKREF_HEAP_OLD) ?? ref, xlrec.old_offnum) : 0;
    const handle = ref.hasData ? this.patches.fromRecord(record, ref, xlrec.flags) : this.imaged(record, ref, xlrec.new_offnum);
    this.patch(chain, handle, base, xlrec.flags, xlrec.old_infobits_set);
  }

  /** Adds an update to what is known of a chain. */
  private patch(chain: number, handle: number, base: number, flags: number, infobits: number): void {
    const { patches } = this, known = this.flags[chain]!;
    let found = (infobits & XLHL_KEYS_UPDATED) !== 0 || (known & KEY_MAY_DIFFER) !== 0 ? KEY_MAY_DIFFER : 0;
    if ((known & IS_NEW) !== 0) {
      this.bases[chain] = base;
      this.handles[chain] = handle;
      if ((flags & XLH_UPDATE_PREFIX_FROM_OLD) !== 0 && patches.beginsOtherwise(handle, this.differsAt)) found |= DIFFERS;
    } else this.handles[chain] = patches.join(this.handles[chain]!, handle);
    this.flags[chain] = found;
  }

  /** A patch for the tuple that a block's image holds; 0 where there is none. */
  private imaged(record: XLogRecord, ref: BlockRef, offnum: number): number {
    if (!ref.hasImage || !ref.applyImage) return 0;
    if (this.imageOf !== record.lsn * 2 + ref.id) restoreBlockImage(record, ref, this.image.bytes);
    this.imageOf = record.lsn * 2 + ref.id;
    return this.patches.fromPage(this.image, offnum);
  }

  /** Places of the rows of the later moment that the earlier one did not have. */
  *added(): Generator<number> {
    for (let chain = 0; chain < this.ends.length; chain++) if (this.ends[chain] !== -1 && (this.flags[chain]! & IS_BORN) !== 0) yield this.ends[chain]!;
  }

  /** The rows of both moments of which there is a new version. */
  *kept(): Generator<KeptRow> {
    for (let chain = 0; chain < this.ends.length; chain++) {
      const is = this.ends[chain]!, flags = this.flags[chain]!;
      if (is === -1 || (flags & IS_BORN) !== 0) continue;
      yield { was: this.starts[chain]!, is, keyMayDiffer: (flags & KEY_MAY_DIFFER) !== 0, differs: (flags & DIFFERS) !== 0, patch: this.handles[chain]!, base: this.bases[chain]!, since: this.since[chain]! as Lsn };
    }
  }
}
