/**
 * Reading a hash index as of a moment: a hash code to heap TIDs.
 * Follows _hash_first() and _hash_readnext(), access/hash/hashsearch.c, and _hash_getbucketbuf_from_hashkey(), access/hash/hashpage.c, PG 13–18.
 */
import {
  HASH_MAGIC, HASH_METAPAGE, HASH_VERSION, HashMeta, INDEX_MOVED_BY_SPLIT_MASK, LH_BUCKET_BEING_POPULATED, LH_BUCKET_PAGE, LH_META_PAGE,
  LH_OVERFLOW_PAGE, hashSparesAt, hashSpareindex, hashoBucket, hashoFlag, hashoNextblkno,
} from '../pg/hash.js';
import { indexTupleDataOffset } from '../pg/indexTuple.js';
import { INVALID_BLOCK_NUMBER, readBlockId, readItemPointerOffset } from '../pg/itemPointer.js';
import { PageError, type Page } from '../pg/page.js';
import { inputError } from '../util/errors.js';
import type { HeapTid } from './nbtreeSearch.js';

interface Buckets {
  maxbucket: number;
  highmask: number;
  lowmask: number;
  /** hashm_spares: overflow pages before each splitpoint. */
  spares: (splitpoint: number) => number;
}

/** `readPage` gives a block of the index's main fork as of the moment; the page need not stay valid beyond the next call. */
export class HashSearch {
  /** Pages that were asked for, the metapage included. */
  pagesRead = 0;

  constructor(private readonly readPage: (block: number) => Page) {}

  /**
   * The heap TIDs of all rows whose key has this hash code, each once. Other keys may share the code, so the caller compares the rows'
   * values; NULLs are not in a hash index. Throws `index.page` where a page is none of a hash index.
   */
  tids(hashCode: number): HeapTid[] {
    try {
      return this.search(hashCode >>> 0);
    } catch (error) {
      if (!(error instanceof PageError) && !(error instanceof RangeError)) throw error;
      throw inputError('index.page', `cannot read the hash index: ${error.message}`);
    }
  }

  private search(hashCode: number): HeapTid[] {
    const buckets = this.readMetapage();
    let bucket = (hashCode & buckets.highmask) >>> 0;
    if (bucket > buckets.maxbucket) bucket = (bucket & buckets.lowmask) >>> 0;
    const found = new Map<number, HeapTid>();
    const isBeingPopulated = this.readChain(buckets, bucket, hashCode, false, found);
    // a split is copying this bucket from another one, where what was not copied yet still lies
    if (isBeingPopulated) this.readChain(buckets, splitOrigin(bucket), hashCode, true, found);
    return [...found.values()];
  }

  private read(block: number, type: number): Page {
    this.pagesRead++;
    const page = this.readPage(block);
    if (page.isNew) throw new PageError(`block ${block} is all zeros`);
    if ((hashoFlag(page) & type) === 0) throw new PageError(`block ${block} has flags ${hashoFlag(page)}, not a page of the expected kind`);
    return page;
  }

  private readMetapage(): Buckets {
    const { view } = this.read(HASH_METAPAGE, LH_META_PAGE);
    if (view.getUint32(HashMeta.magic, true) !== HASH_MAGIC) throw new PageError('the index is not a hash index');
    const version = view.getUint32(HashMeta.version, true);
    if (version !== HASH_VERSION) throw new PageError(`the hash index has version ${version}`);
    const spares: number[] = [];
    const ovflpoint = view.getUint32(HashMeta.ovflpoint, true);
    for (let i = 0; i <= ovflpoint; i++) spares.push(view.getUint32(hashSparesAt(i), true));
    return {
      maxbucket: view.getUint32(HashMeta.maxbucket, true),
      highmask: view.getUint32(HashMeta.highmask, true),
      lowmask: view.getUint32(HashMeta.lowmask, true),
      spares: (splitpoint) => {
        const count = spares[splitpoint];
        if (count === undefined) throw new PageError(`there is no splitpoint ${splitpoint}`);
        return count;
      },
    };
  }

  /** Adds the TIDs of a bucket's pages to `found`, and says whether the bucket is being populated by a split. */
  private readChain(buckets: Buckets, bucket: number, hashCode: number, isOrigin: boolean, found: Map<number, HeapTid>): boolean {
    let block = bucketBlock(bucket, buckets);
    let page = this.read(block, LH_BUCKET_PAGE);
    const isBeingPopulated = !isOrigin && (hashoFlag(page) & LH_BUCKET_BEING_POPULATED) !== 0;
    const seen = new Set<number>();
    for (;;) {
      if (hashoBucket(page) !== bucket) throw new PageError(`block ${block} belongs to bucket ${hashoBucket(page)}, not ${bucket}`);
      seen.add(block);
      readItems(page, hashCode, isBeingPopulated, found);
      block = hashoNextblkno(page);
      if (block === INVALID_BLOCK_NUMBER) return isBeingPopulated;
      if (seen.has(block)) throw new PageError(`the pages of bucket ${bucket} lead back to block ${block}`);
      page = this.read(block, LH_OVERFLOW_PAGE);
    }
  }
}

/** BUCKET_TO_BLKNO() */
function bucketBlock(bucket: number, { spares }: Buckets): number {
  return bucket + (bucket === 0 ? 0 : spares(hashSpareindex(bucket + 1) - 1)) + 1;
}

/** _hash_get_oldblock_from_newbucket(): the bucket that a split takes this one's tuples from is this one without its highest bit. */
function splitOrigin(bucket: number): number {
  if (bucket === 0) throw new PageError('bucket 0 cannot come from a split');
  return bucket - 2 ** (31 - Math.clz32(bucket));
}

/** Items of one page; while its bucket is populated, those that a split put there are taken from the bucket of origin. */
function readItems(page: Page, hashCode: number, skipMoved: boolean, found: Map<number, HeapTid>): void {
  const view = page.view;
  for (let offnum = 1; offnum <= page.maxOffset; offnum++) {
    const at = page.itemAt(offnum);
    const info = view.getUint16(at + 6, true);
    if (skipMoved && (info & INDEX_MOVED_BY_SPLIT_MASK) !== 0) continue;
    if (view.getUint32(at + indexTupleDataOffset(view, at), true) !== hashCode) continue;
    const tid = { block: readBlockId(view, at), offset: readItemPointerOffset(view, at) };
    found.set(tid.block * 0x1_0000 + tid.offset, tid);
  }
}
