/**
 * Zstandard in one call: Node's own zlib where it has it (22.15 on), else the prebuilt addon, loaded at first use.
 * The addon's own one-call functions share one context among all threads of the process; its stream objects have one each, so we use those.
 * What is written into a case always goes through the addon: one version of the library, so the same bytes whatever Node runs.
 */
import { createRequire } from 'node:module';
import * as zlib from 'node:zlib';

/** The addon's stream objects: synchronous, though they hand out pieces by callback. A compressor begins anew after end(). */
export interface ZstdStreams {
  Compressor: new (level: number) => { data(input: Buffer, emit: (output: Buffer) => void): void; end(emit: (output: Buffer) => void): void };
  Decompressor: new () => { data(input: Buffer, emit: (output: Buffer) => void): void };
}

interface NodeZstd {
  zstdDecompressSync?(bytes: Uint8Array): Uint8Array;
}

let streams: ZstdStreams | undefined;
const compressors = new Map<number, InstanceType<ZstdStreams['Compressor']>>();
let decompressor: InstanceType<ZstdStreams['Decompressor']> | undefined;

/** The addon, loaded at first use: for decoders that take a stream piece by piece. */
export function zstdStreams(): ZstdStreams {
  streams ??= (createRequire(import.meta.url)('@cloudpss/zstd/napi') as { _NapiBindings: ZstdStreams })._NapiBindings;
  return streams;
}

export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const ZSTD_MAGIC = 0xfd2fb528;

/** Whether the bytes are one whole frame (RFC 8878, 3.1.1), by the lengths that its blocks tell: the stream object does not say when it wants more. */
function isWholeFrame(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 6 || view.getUint32(0, true) !== ZSTD_MAGIC) return false;
  const descriptor = bytes[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  let at = 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  for (let isLast = false; !isLast;) {
    if (at + 3 > bytes.length) return false;
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    isLast = (header & 1) !== 0;
    at += 3 + (((header >>> 1) & 3) === 1 ? 1 : header >>> 3);
  }
  return at + ((descriptor & 0x04) !== 0 ? 4 : 0) === bytes.length;
}

/** Decompresses one frame. Throws where the bytes are none, or damaged. */
export function zstdDecompress(bytes: Uint8Array): Uint8Array {
  const { zstdDecompressSync } = zlib as unknown as NodeZstd;
  if (zstdDecompressSync) return zstdDecompressSync(bytes);
  if (!isWholeFrame(bytes)) throw new Error('not a whole Zstandard frame');
  const pieces: Buffer[] = [];
  decompressor ??= new (zstdStreams().Decompressor)();
  try {
    decompressor.data(asBuffer(bytes), (piece) => pieces.push(piece));
  } catch (error) {
    decompressor = undefined; // its context is in the middle of a frame
    throw error;
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

/** Compresses into one frame. */
export function zstdCompress(bytes: Uint8Array, level: number): Uint8Array {
  let compressor = compressors.get(level);
  if (!compressor) compressors.set(level, (compressor = new (zstdStreams().Compressor)(level)));
  const pieces: Buffer[] = [];
  const take = (piece: Buffer): void => void pieces.push(piece);
  compressor.data(asBuffer(bytes), take);
  compressor.end(take);
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}
