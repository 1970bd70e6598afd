/**
 * Full-page images: the bytes in the record back into a page.
 * Follows RestoreBlockImage(), access/transam/xlogreader.c, PG 13–18.
 */
import { inputError, type WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { zstdDecompress } from '../util/zstd.js';
import { lz4BlockDecompress } from './lz4Block.js';
import { BLCKSZ } from './page.js';
import { pglzDecompress } from './pglz.js';
import { formatRelFork } from './relFileLocator.js';
import type { BlockRef, XLogRecord } from './xlogRecord.js';

const plain = new Uint8Array(BLCKSZ);

/**
 * Writes the image of `ref` into `into` (8192 bytes), the hole as zeros. The page's LSN is as the image has it: the caller sets it.
 * Throws a located input error where there is no image or it does not decompress to the page's length.
 */
export function restoreBlockImage(record: XLogRecord, ref: BlockRef, into: Uint8Array): void {
  if (!ref.hasImage) throw failure(record, ref, 'wal.image_missing', 'could not restore image with invalid state');
  const { holeOffset, holeLength, imageAt, imageLength } = ref;
  const length = BLCKSZ - holeLength;
  let from = record.bytes;
  let at = imageAt;
  if (ref.compression !== 'none') {
    if (decompress(record, ref, length) !== length) throw failure(record, ref, 'wal.image_decompress', `could not decompress image (${ref.compression})`);
    from = plain;
    at = 0;
  } else if (imageLength !== length) {
    throw failure(record, ref, 'wal.image_length', `image of ${imageLength} bytes instead of ${length}`);
  }
  if (holeOffset + holeLength > BLCKSZ) throw failure(record, ref, 'wal.image_hole', `hole of ${holeLength} bytes at ${holeOffset} leaves the page`);
  into.set(from.subarray(at, at + holeOffset), 0);
  into.fill(0, holeOffset, holeOffset + holeLength);
  into.set(from.subarray(at + holeOffset, at + length), holeOffset + holeLength);
}

/** Decompresses into `plain` and gives the length, or -1. */
function decompress(record: XLogRecord, ref: BlockRef, length: number): number {
  switch (ref.compression) {
    case 'pglz':
      return pglzDecompress(record.bytes, ref.imageAt, ref.imageLength, plain, length);
    case 'lz4':
      return lz4BlockDecompress(record.bytes, ref.imageAt, ref.imageLength, plain, length);
    case 'zstd':
      return decompressZstd(record, ref, length);
    default:
      return -1;
  }
}

function decompressZstd(record: XLogRecord, ref: BlockRef, length: number): number {
  let out: Uint8Array;
  try {
    out = zstdDecompress(record.bytes.subarray(ref.imageAt, ref.imageAt + ref.imageLength));
  } catch (cause) {
    throw failure(record, ref, 'wal.image_decompress', `could not decompress image (zstd: ${cause instanceof Error ? cause.message : String(cause)})`);
  }
  if (out.length === length) plain.set(out);
  return out.length;
}

function failure(record: XLogRecord, ref: BlockRef, code: string, what: string): WalscopeError {
  return inputError(code, `${what} at ${formatLsn(record.lsn)}, block ${ref.id} (${formatRelFork(ref)} block ${ref.block})`, {
    lsn: formatLsn(record.lsn), block: `${formatRelFork(ref)} block ${ref.block}`,
  });
}
