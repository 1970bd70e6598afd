/**
 * Transaction status as of a moment: the CLOG pages of the base backup with every commit and abort up to the moment laid over them.
 * A transaction that neither ended by then nor in the backup counts as in progress, which for visibility is the same as aborted.
 */
import { inputError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import { readClogStatus, setClogStatus, XidStatus as ClogBits } from '../redo/clog/redo.js';
import { ClogStatus } from '../layerfile/deltaLayer.js';
import { clogPageOf } from '../pg/clogPage.js';
import { LruCache } from '../util/lruCache.js';
import type { LayerMap } from './layerMap.js';
import { slruFile } from './slruKeys.js';
import type { UsableBackup } from './sources.js';

export type XidStatus = 'committed' | 'aborted' | 'inProgress';

/** What happened on one CLOG page in one layer, in LSN order; `codes`: xid on the page × 4 + status. */
interface ClogChanges {
  lsns: Float64Array;
  codes: Uint32Array;
}

/** Changes that are kept for the next moments of a case, which need them again: 12 bytes each. */
const KEPT_CHANGES = 2_000_000;
const kept = new WeakMap<LayerMap, LruCache<number, ClogChanges>>();

function changesOf(layers: LayerMap, index: number, page: number): ClogChanges {
  let cache = kept.get(layers);
  if (!cache) kept.set(layers, (cache = new LruCache(KEPT_CHANGES)));
  const key = index * 0x1_0000_0000 + page;
  let changes = cache.get(key);
  if (!changes) {
    const lsns: number[] = [], codes: number[] = [];
    const add = (lsn: number, xidOnPage: number, status: ClogStatus): void => {
      lsns.push(lsn);
      codes.push(xidOnPage * 4 + status);
    };
    const zeroes = layers.layer(index).clogZeroesOf(page);
    layers.layer(index).clogEntries(page, (lsn, xidOnPage, status) => {
      while (zeroes.length > 0 && zeroes[0]! < lsn) add(zeroes.shift()!, 0, ClogStatus.zeroPage);
      add(lsn, xidOnPage, status);
    });
    for (const lsn of zeroes) add(lsn, 0, ClogStatus.zeroPage);
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

  constructor(private readonly layers: LayerMap, private readonly backup: UsableBackup, readonly upTo: Lsn) {}

  /** The CLOG page as replay would have it: 8192 bytes, two bits a transaction. */
  page(number: number): Uint8Array {
    let bytes = this.pages.get(number);
    if (bytes) return bytes;
    bytes = new Uint8Array(8192);
    const { path, offset } = slruFile('pg_xact', number);
    const file = this.backup.images.readFile(path);
    let isKnown = file !== undefined && file.length > offset;
    if (isKnown) bytes.set(file!.subarray(offset, offset + 8192));
    for (const i of this.layers.overlapping(this.backup.redoLsn, this.upTo)) {
      const { lsns, codes } = changesOf(this.layers, i, number);
      for (let n = 0; n < lsns.length; n++) {
        if (lsns[n]! < this.backup.redoLsn) continue;
        if (lsns[n]! >= this.upTo) break;
        const status = codes[n]! % 4;
        if (status === ClogStatus.zeroPage) {
          bytes.fill(0);
          isKnown = true;
        } else setClogStatus(bytes, codes[n]! >>> 2, status as ClogBits);
      }
    }
    if (!isKnown) this.missing.add(number);
    this.pages.set(number, bytes);
    return bytes;
  }

  /** TransactionIdDidCommit() and friends, for a normal xid. Throws `clog.missing` where its page is lost: it is not in progress. */
  status(xid: number): XidStatus {
    const number = clogPageOf(xid);
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
