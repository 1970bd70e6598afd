/**
 * What became of the rows of a heap file between two moments, told by its records: the versions of a row that lead to each other are a chain, of
 * which the place of the version at the earlier moment, that at the later one, and the way from one to the other are kept; no page is read.
 */
import { LP_NORMAL, Page } from '../pg/page.js';
import { restoreBlockImage } from '../pg/blockImage.js';
import { HEAP_UPDATE_BLKREF_HEAP_NEW, readXlHeapUpdate, XLH_UPDATE_PREFIX_FROM_OLD, XLHL_KEYS_UPDATED, XLOG_HEAP_INPLACE, XLOG_HEAP_OPMASK } from '../redo/heap/xlog.js';
import { XLOG_FPI_FOR_HINT } from '../redo/xlog/xlog.js';
import { RmgrId } from '../redo/rmgrlist.js';
import type { XLogRecord } from '../pg/xlogRecord.js';
import { heapChanges, type HeapChange, type TuplePlace } from './heapChanges.js';
import { TuplePatches } from './tuplePatches.js';

/** A place as one number. */
const OFFSETS = 4096;
function placeNumber({ block, offnum }: TuplePlace): number {
  return block * OFFSETS + offnum;
}
export function placeOf(place: number): TuplePlace {
  return { block: Math.floor(place / OFFSETS), offnum: place % OFFSETS };
}

/** More rows are not kept track of. */
const MOST_CHAINS = 1_500_000;
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
}

const IS_BORN = 1, KEY_MAY_DIFFER = 2, DIFFERS = 4;

export class RowChains {
  /** False once a record was met that changes rows in another way, or there was too much: nothing holds then. */
  isSure = true;
  /** Places of the rows of the earlier moment that are gone at the later one. */
  readonly removed: number[] = [];
  /** By place of the newest version. */
  private readonly live = new Map<number, number>();
  private readonly starts: number[] = [];
  private readonly flags: number[] = [];
  private readonly handles: number[] = [];
  readonly patches = new TuplePatches();
  private record!: XLogRecord;
  private readonly image = new Page(new Uint8Array(8192));

  /**
   * `isWanted`: the transaction committed between the moments. `differsAt`: for a byte of a tuple's data, where the tuple has no NULLs up to it, the
   * number of attributes up to the one that it belongs to, if another byte there is another value; else 0.
   */
  constructor(private readonly isWanted: (xid: number) => boolean, private readonly differsAt: Uint16Array) {}

  /** Takes the next record of the file. */
  take(record: XLogRecord): void {
    const { rmid } = record;
    if (rmid === RmgrId.heap ? (record.info & XLOG_HEAP_OPMASK) === XLOG_HEAP_INPLACE : rmid !== RmgrId.heap2) {
      // a hint bit's image changes no row; another image, or another manager's record, may
      if (rmid !== RmgrId.xlog || record.rmgrInfo !== XLOG_FPI_FOR_HINT) this.isSure = false;
      return;
    }
    if (!this.isWanted(record.xid)) return;
    this.record = record;
    heapChanges(record, this.change);
    if (this.starts.length > MOST_CHAINS || this.patches.bytes > MOST_PATCH_BYTES) this.isSure = false;
  }

  private readonly change = ({ operation, before, after, isSuperDelete }: HeapChange): void => {
    if (operation === 'insert') this.begin(placeNumber(after!), -1, IS_BORN);
    else if (operation === 'delete') this.end(placeNumber(before!), isSuperDelete);
    else this.update(placeNumber(before!), placeNumber(after!), this.record);
  };

  private begin(place: number, start: number, flags: number): void {
    if (this.live.has(place)) this.isSure = false;
    this.live.set(place, this.starts.length);
    this.starts.push(start);
    this.flags.push(flags);
    this.handles.push(0);
  }

  private end(place: number, isTakenBack: boolean): void {
    const chain = this.live.get(place);
    if (chain === undefined) {
      if (isTakenBack) this.isSure = false;
      else this.removed.push(place);
      return;
    }
    this.live.delete(place);
    if ((this.flags[chain]! & IS_BORN) === 0) this.removed.push(this.starts[chain]!);
  }

  private update(from: number, to: number, record: XLogRecord): void {
    const known = this.live.get(from);
    if (known === undefined) {
      this.begin(to, from, 0);
      this.patch(this.starts.length - 1, true, record);
      return;
    }
    this.live.delete(from);
    if (this.live.has(to)) this.isSure = false;
    this.live.set(to, known);
    if ((this.flags[known]! & IS_BORN) === 0) this.patch(known, false, record);
  }

  private patch(chain: number, isFirst: boolean, record: XLogRecord): void {
    const xlrec = readXlHeapUpdate(record);
    const ref = record.block(HEAP_UPDATE_BLKREF_HEAP_NEW)!;
    const { patches } = this;
    let flags = this.flags[chain]! & ~DIFFERS;
    if ((xlrec.old_infobits_set & XLHL_KEYS_UPDATED) !== 0) flags |= KEY_MAY_DIFFER;
    let handle = 0;
    if (ref.hasData) {
      handle = patches.fromRecord(record, ref, xlrec.flags);
      if (isFirst && (xlrec.flags & XLH_UPDATE_PREFIX_FROM_OLD) !== 0 && patches.beginsOtherwise(handle, this.differsAt)) flags |= DIFFERS;
    } else if (ref.hasImage && ref.applyImage) {
      restoreBlockImage(record, ref, this.image.bytes);
      const { image } = this, { new_offnum: offnum } = xlrec;
      if (offnum <= image.maxOffset && image.lpFlags(offnum) === LP_NORMAL) handle = patches.fromTuple(image.bytes, image.itemAt(offnum), image.lpLen(offnum));
    }
    this.flags[chain] = flags;
    this.handles[chain] = isFirst ? handle : patches.join(this.handles[chain]!, handle);
  }

  /** Places of the rows of the later moment that the earlier one did not have. */
  *added(): Generator<number> {
    for (const [place, chain] of this.live) if ((this.flags[chain]! & IS_BORN) !== 0) yield place;
  }

  /** The rows of both moments of which there is a new version. */
  *kept(): Generator<KeptRow> {
    for (const [is, chain] of this.live) {
      const flags = this.flags[chain]!;
      if ((flags & IS_BORN) !== 0) continue;
      yield { was: this.starts[chain]!, is, keyMayDiffer: (flags & KEY_MAY_DIFFER) !== 0, differs: (flags & DIFFERS) !== 0, patch: this.handles[chain]! };
    }
  }
}
