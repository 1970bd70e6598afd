/**
 * Transaction status as of a moment: the CLOG pages of the base backup with every commit and abort up to the moment laid over them.
 * A transaction that neither ended by then nor in the backup counts as in progress, which for visibility is the same as aborted.
 */
import { inputError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import { readClogStatus, setClogStatus, XidStatus as ClogBits } from '../redo/clog/redo.js';
import type { DeltaLayer } from '../layerfile/deltaLayer.js';
import { CLOG_XACTS_PER_PAGE, clogPageOf } from '../pg/clogPage.js';
import { LruCache } from '../util/lruCache.js';
import type { LayerMap } from './layerMap.js';
import { slruFile } from './slruKeys.js';
import type { UsableBackup } from './sources.js';

export type XidStatus = 'committed' | 'aborted' | 'inProgress';

/** What happened on one CLOG page in one block of a layer's transaction log, in LSN order; `codes`: xid on the page × 4 + status. */
interface ClogChanges {
  lsns: Float64Array;
  codes: Uint32Array;
}

/** Changes that are kept for the next moments of a case, which need them again: 12 bytes each. */
const KEPT_CHANGES = 2_000_000;
const kept = new WeakMap<LayerMap, LruCache<number, ClogChanges>>();
const CLOG_PAGES = 0x1_0000_0000 / CLOG_XACTS_PER_PAGE;
/** More blocks than a layer's transaction log can have: 32 GB of it. */
const LOG_BLOCKS = 0x40_0000;

function changesOf(layers: LayerMap, index: number, block: number, page: number): ClogChanges {
  let cache = kept.get(layers);
  if (!cache) kept.set(layers, (cache = new LruCache(KEPT_CHANGES)));
  const key = (index * LOG_BLOCKS + block) * CLOG_PAGES + page;
  let changes = cache.get(key);
  if (!changes) {
    const lsns: number[] = [], codes: number[] = [];
    layers.layer(index).clogEntries(page, block, (lsn, xidOnPage, status) => {
      lsns.push(lsn);
      codes.push(xidOnPage * 4 + status);
    });
    changes = { lsns: Float64Array.from(lsns), codes: Uint32Array.from(codes) };
    cache.set(key, changes, lsns.length + 1);
  }
  return changes;
}

export class ClogView {
  private readonly pages = new Map<number, Uint8Array>();
  /** Pages that neither the backup holds nor the WAL began. */
  private readonly missing = new Set<number>();
  private lastPage = -1;
  private lastBytes: Uint8Array = new Uint8Array(0);
  /** Pages as the backup has them, where no WAL up to the moment began them anew. */
  private readonly inBackup = new Map<number, Uint8Array | undefined>();

  constructor(private readonly layers: LayerMap, private readonly backup: UsableBackup, readonly upTo: Lsn) {}

  /** The CLOG page as replay would have it: 8192 bytes, two bits a transaction. */
  page(number: number): Uint8Array {
    let bytes = this.pages.get(number);
    if (bytes) return bytes;
    bytes = new Uint8Array(8192);
    const before = this.backupPage(number);
    let isKnown = before !== undefined;
    if (before) bytes.set(before);
    const { redoLsn } = this.backup;
    for (const i of this.layers.overlapping(redoLsn, this.upTo)) {
      const layer = this.layers.layer(i);
      const zeroes = this.zeroesOf(layer, number);
      const zeroBefore = (lsn: number): void => {
        for (; zeroes.length > 0 && zeroes[0]! < lsn; zeroes.shift()) {
          bytes.fill(0);
          isKnown = true;
        }
      };
      for (const block of layer.clogBlocks(number, redoLsn, this.upTo)) {
        const { lsns, codes } = changesOf(this.layers, i, block, number);
        for (let n = 0; n < lsns.length; n++) {
          const lsn = lsns[n]!;
          if (lsn < redoLsn) continue;
          if (lsn >= this.upTo) break;
          if (zeroes.length > 0) zeroBefore(lsn);
          setClogStatus(bytes, codes[n]! >>> 2, (codes[n]! % 4) as ClogBits);
        }
      }
      zeroBefore(this.upTo);
    }
    if (!isKnown) this.missing.add(number);
    this.pages.set(number, bytes);
    return bytes;
  }

  /** When WAL from the backup up to the moment began the page anew. */
  private zeroesOf(layer: DeltaLayer, number: number): Lsn[] {
    return layer.clogZeroesOf(number).filter((lsn) => lsn >= this.backup.redoLsn && lsn < this.upTo);
  }

  private backupPage(number: number): Uint8Array | undefined {
    const { path, offset } = slruFile('pg_xact', number);
    const file = this.backup.images.readFile(path);
    return file !== undefined && file.length > offset ? file.subarray(offset, offset + 8192) : undefined;
  }

  /** What the backup knows of a transaction that had ended by then: that stays, unless the page was begun anew since. */
  private endedInBackup(number: number, xid: number): ClogBits {
    if (!this.inBackup.has(number)) {
      const isZeroed = [...this.layers.overlapping(this.backup.redoLsn, this.upTo)].some((i) => this.zeroesOf(this.layers.layer(i), number).length > 0);
      this.inBackup.set(number, isZeroed ? undefined : this.backupPage(number));
    }
    const bytes = this.inBackup.get(number);
    const bits = bytes ? readClogStatus(bytes, xid) : ClogBits.inProgress;
    return bits === ClogBits.committed || bits === ClogBits.aborted ? bits : ClogBits.inProgress;
  }

  /** TransactionIdDidCommit() and friends, for a normal xid. Throws `clog.missing` where its page is lost: it is not in progress. */
  status(xid: number): XidStatus {
    const number = clogPageOf(xid);
    if (number !== this.lastPage && !this.pages.has(number)) {
      const ended = this.endedInBackup(number, xid);
      if (ended !== ClogBits.inProgress) return ended === ClogBits.committed ? 'committed' : 'aborted';
    }
    if (number !== this.lastPage) {
      this.lastBytes = this.page(number);
      this.lastPage = number;
    }
    const bits = readClogStatus(this.lastBytes, xid);
    // what the WAL says of a transaction is known even where the rest of its page is not
    if (bits === ClogBits.inProgress && this.missing.has(number)) {
      throw inputError('clog.missing', `whether transaction ${xid} committed is unknown: the base backup lacks ${slruFile('pg_xact', number).path}, or its page ${number}`, {}, 'check the base backup with walscope doctor: files of it are missing');
    }
    // a subtransaction marked sub-committed has a parent that had not ended when its page was written
    if (bits === ClogBits.committed) return 'committed';
    return bits === ClogBits.aborted ? 'aborted' : 'inProgress';
  }
}
