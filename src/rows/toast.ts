/**
 * Values that are compressed, or that lie in a TOAST relation.
 * Follows detoast_attr() and toast_fetch_datum(), access/common/detoast.c, heap_fetch_toast_slice(), access/heap/heaptoast.c, varatt.h, PG 13–18.
 * Compression bits exist since 14; in 13 the same two bits of a size are always zero, which means pglz, so one reading serves all.
 */
import { lz4BlockDecompress } from '../pg/lz4Block.js';
import { pglzDecompress } from '../pg/pglz.js';
import { inputError, type WalscopeError } from '../util/errors.js';
import { int32At, uint32At } from './bytes.js';
import { TupleDeformer } from './deform.js';
import { TOAST_POINTER_SIZE, VARTAG_ONDISK, isExtended, plainHeaderSize, varsizeAny } from './varlena.js';

/** Bytes of a value in each row of a TOAST relation but the last (8 kB pages). */
export const TOAST_MAX_CHUNK_SIZE = 1996;
const EXTSIZE_MASK = 0x3fff_ffff;
const METHOD_SHIFT = 30;
const TOAST_PGLZ_COMPRESSION_ID = 0;
const TOAST_LZ4_COMPRESSION_ID = 1;
const VARHDRSZ = 4;

/** varatt_external */
export interface ToastPointer {
  /** Bytes of the plain value with a 4-byte header. */
  rawSize: number;
  /** Bytes stored in the TOAST relation. */
  extSize: number;
  isCompressed: boolean;
  valueId: number;
  toastRelid: number;
}

/** One row of a TOAST relation: `data` without a varlena header. */
export interface ToastChunk {
  valueId: number;
  chunkSeq: number;
  data: Uint8Array;
}

/** All visible chunks of a value, ordered by chunk_seq. Throws where the relation cannot be read. */
export type FetchChunks = (toastRelid: number, valueId: number) => readonly ToastChunk[];

/** Reads the pointer that stands at `at`, its 2-byte header included. Throws `row.toast` where it is none. */
export function readToastPointer(bytes: Uint8Array, at: number): ToastPointer {
  if (bytes[at] !== 1 || bytes[at + 1] !== VARTAG_ONDISK || at + TOAST_POINTER_SIZE > bytes.length) throw toastError('a TOAST pointer is not one');
  const rawSize = int32At(bytes, at + 2);
  const extSize = uint32At(bytes, at + 6) & EXTSIZE_MASK;
  return { rawSize, extSize, isCompressed: extSize < rawSize - VARHDRSZ, valueId: uint32At(bytes, at + 10), toastRelid: uint32At(bytes, at + 14) };
}

const chunkDeformer = new TupleDeformer([
  { attlen: 4, attalign: 'i' },
  { attlen: 4, attalign: 'i' },
  { attlen: -1, attalign: 'i' },
]);
const chunkTuple = chunkDeformer.newResult();

/** Reads a row of a TOAST relation from its heap tuple; `data` is a view, not a copy. Throws `row.toast` where the row cannot be a chunk. */
export function readToastChunk(bytes: Uint8Array, at: number, length: number): ToastChunk {
  chunkDeformer.deformHeapTuple(bytes, at, length, chunkTuple);
  const dataAt = chunkTuple.at[2]!, dataLength = chunkTuple.length[2]!;
  if (chunkTuple.length[0]! < 0 || chunkTuple.length[1]! < 0 || dataLength < 0) throw toastError('a row of a TOAST relation holds a NULL');
  const valueId = uint32At(bytes, chunkTuple.at[0]!);
  if (isExtended(bytes[dataAt]!)) throw toastError(`found toasted toast chunk for toast value ${valueId}`);
  const header = plainHeaderSize(bytes[dataAt]!);
  return { valueId, chunkSeq: int32At(bytes, chunkTuple.at[1]!), data: bytes.subarray(dataAt + header, dataAt + dataLength) };
}

/** Joins a value's chunks into the `extSize` bytes that were stored. Throws `row.toast`, naming the chunk that is missing or misshapen. */
export function joinChunks(pointer: ToastPointer, chunks: readonly ToastChunk[]): Uint8Array {
  const { extSize, valueId, toastRelid } = pointer;
  const whole = new Uint8Array(extSize);
  const total = Math.ceil(extSize / TOAST_MAX_CHUNK_SIZE);
  const where = `toast value ${valueId} in TOAST relation ${toastRelid}`;
  let expected = 0;
  for (const { chunkSeq, data } of chunks) {
    if (chunkSeq !== expected) throw toastError(`unexpected chunk number ${chunkSeq} (expected ${expected}) for ${where}`);
    if (chunkSeq >= total) throw toastError(`unexpected chunk number ${chunkSeq} (out of range 0..${total - 1}) for ${where}`);
    const size = chunkSeq < total - 1 ? TOAST_MAX_CHUNK_SIZE : extSize - (total - 1) * TOAST_MAX_CHUNK_SIZE;
    if (data.length !== size) throw toastError(`unexpected chunk size ${data.length} (expected ${size}) in chunk ${chunkSeq} of ${total} for ${where}`);
    whole.set(data, chunkSeq * TOAST_MAX_CHUNK_SIZE);
    expected++;
  }
  if (expected !== total) throw toastError(`missing chunk number ${expected} for ${where}`);
  return whole;
}

/**
 * The plain value of a varlena in any form, `length` bytes at `at`, without header: a view where it is stored plain, else fresh bytes.
 * Throws `row.toast`.
 */
export function detoast(bytes: Uint8Array, at: number, length: number, fetchChunks: FetchChunks): Uint8Array {
  const first = bytes[at]!;
  if (!isExtended(first)) return bytes.subarray(at + plainHeaderSize(first), at + length);
  if (first !== 1) return decompress(bytes, at + VARHDRSZ, varsizeAny(bytes, at) - VARHDRSZ);
  const pointer = readToastPointer(bytes, at);
  const stored = joinChunks(pointer, fetchChunks(pointer.toastRelid, pointer.valueId));
  return pointer.isCompressed ? decompress(stored, 0, stored.length) : stored;
}

/** toast_decompress_datum(): `length` bytes at `at`, which begin with the raw size and the method. */
function decompress(bytes: Uint8Array, at: number, length: number): Uint8Array {
  if (length < 4) throw toastError('compressed data is shorter than its header');
  const info = uint32At(bytes, at);
  const rawSize = info & EXTSIZE_MASK;
  const method = info >>> METHOD_SHIFT;
  const raw = new Uint8Array(rawSize);
  if (method === TOAST_PGLZ_COMPRESSION_ID) {
    if (pglzDecompress(bytes, at + 4, length - 4, raw, rawSize) !== rawSize) throw toastError('compressed pglz data is corrupt');
  } else if (method === TOAST_LZ4_COMPRESSION_ID) {
    if (lz4BlockDecompress(bytes, at + 4, length - 4, raw, rawSize) !== rawSize) throw toastError('compressed lz4 data is corrupt');
  } else {
    throw toastError(`invalid compression method id ${method}`);
  }
  return raw;
}

function toastError(message: string): WalscopeError {
  return inputError('row.toast', message);
}
