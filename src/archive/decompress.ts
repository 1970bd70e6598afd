/** Compression of archive files: told by magic, never by suffix; decompression that is always bounded. */
import { closeSync, fstatSync } from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import { inputError, type WalscopeError } from '../util/errors.js';
import { GzipDecoder } from './gzipDecoder.js';
import { openInput, readInput } from './inputFile.js';
import { Lz4Decoder } from './lz4Decoder.js';
import { DecodeError, type StreamDecoder } from './streamDecoder.js';
import { ZstdDecoder } from './zstdDecoder.js';

export type Compression = 'none' | 'gzip' | 'zstd' | 'lz4';
/** Known by magic, to be named in the refusal. */
export type UnsupportedCompression = 'bzip2' | 'xz' | 'snappy' | 'openpgp' | 'openssl';

/** Bytes that sniffCompression() wants to see. */
export const SNIFF_BYTES = 16;

const MAGICS: readonly [Compression | UnsupportedCompression, readonly number[]][] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['snappy', [0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]],
  ['openssl', [0x53, 0x61, 0x6c, 0x74, 0x65, 0x64, 0x5f, 0x5f]],
  ['openpgp', [0x2d, 0x2d, 0x2d, 0x2d, 0x2d, 0x42, 0x45, 0x47, 0x49, 0x4e, 0x20, 0x50, 0x47, 0x50]],
];

/** What the first bytes of a file say. `none`: no compression that we know. */
export function sniffCompression(head: Uint8Array): Compression | UnsupportedCompression {
  for (const [name, magic] of MAGICS) if (magic.every((byte, i) => head[i] === byte)) return name;
  return 'none';
}

/** Suffixes that archives add to names; the content decides, the suffix is only cut off. */
const SUFFIX = /\.(gz|zst|lz4|bz2|xz|br|snappy|lzma|lzo|gpg|Z)$/;

/** A file's name without the suffixes of compression (`.gz`) and encryption (`.gz.gpg`). */
export function withoutCompressionSuffix(name: string): string {
  let rest = name;
  while (SUFFIX.test(rest)) rest = rest.replace(SUFFIX, '');
  return rest;
}

/** Whether a name claims compression or encryption. */
export function hasCompressionSuffix(name: string): boolean {
  return SUFFIX.test(name);
}

/** The refusal for a compression that walscope cannot read. */
export function unsupportedCompression(file: string, kind: UnsupportedCompression | 'unknown'): WalscopeError {
  if (kind === 'openpgp' || kind === 'openssl') {
    return inputError('compression.encrypted', `${file} is encrypted (${kind === 'openpgp' ? 'OpenPGP' : 'OpenSSL'})`, { file }, 'decrypt it and index the plain files');
  }
  return inputError('compression.unsupported', `${file} is compressed with ${kind === 'unknown' ? 'an unknown method' : kind}, which walscope does not read`, { file },
    'decompress it, or recompress it with gzip, zstd or lz4');
}

/** A decoder that takes the compressed bytes piece by piece. */
export function newStreamDecoder(kind: Exclude<Compression, 'none'>): StreamDecoder {
  if (kind === 'gzip') return new GzipDecoder();
  return kind === 'lz4' ? new Lz4Decoder() : new ZstdDecoder();
}

/** The first bytes of an open file. */
export function readHead(fd: number, path: string, length = SNIFF_BYTES): Uint8Array {
  const head = new Uint8Array(length);
  return head.subarray(0, readInput(fd, path, 0, length, head));
}

export const CUT_OFF = 'the compressed file is cut off or its end is damaged';

/** What came out of a compressed file. */
export interface Decompressed {
  bytes: Uint8Array;
  /** Why there is no more than `bytes`, a clause; undefined where the file is whole. */
  damage?: string;
}

/** Whether a file of that size is longer than what inflates to `limit` bytes can be: incompressible data grows by a few bytes a block. */
export function isTooLong(size: number, limit: number): boolean {
  return size > limit + limit / 16 + 65536;
}

export function inflatesTooLong(limit: number): string {
  return `it inflates to more than the ${limit} bytes that it should have`;
}

/** Slices small enough that one slice of a bomb stays below 20 MB, whatever the method. */
const SLICE = 16 * 1024;
const GZIP_CHUNK = 16 * 1024 * 1024;
/** Enough of a stream for its first block's tables and a segment's first bytes; cheap to inflate. */
const GZIP_PREFIX = 1024;

/**
 * Decompresses a segment's file whole. A cut or damaged one gives what is readable and says so in `damage`; so does one that inflates to more than
 * `limit` bytes, of which no more than that is held.
 */
export function decompressFile(path: string, kind: Exclude<Compression, 'none'>, limit: number): Decompressed {
  const fd = openInput(path);
  try {
    const size = fstatSync(fd).size;
    if (isTooLong(size, limit)) return { bytes: new Uint8Array(0), damage: `the compressed file is longer than the ${limit} bytes that it should inflate to` };
    const buffer = new Uint8Array(size);
    const input = buffer.subarray(0, readInput(fd, path, 0, size, buffer));
    return decompressBytes(input, kind, limit);
  } finally {
    closeSync(fd);
  }
}

/** decompressFile() for bytes in memory. */
export function decompressBytes(input: Uint8Array, kind: Exclude<Compression, 'none'>, limit: number): Decompressed {
  const whole = kind === 'gzip' ? gunzipWhole(input, limit) : undefined;
  return whole ? { bytes: whole } : decodeStream(input, kind, limit);
}

/** Undefined where the stream is cut or damaged, or inflates to more than `limit` bytes. */
function gunzipWhole(input: Uint8Array, limit: number): Uint8Array | undefined {
  // room for one byte more than is allowed, so that a full segment does not ask for a second chunk
  return orUndefined(() => gunzipSync(input, { chunkSize: Math.min(GZIP_CHUNK, Math.max(limit, constants.Z_MIN_CHUNK)) + 1, maxOutputLength: limit }));
}

/** Runs zlib; undefined where it says that the stream is cut or damaged, or longer than it may be. */
function orUndefined<T>(inflate: () => T): T | undefined {
  try {
    return inflate();
  } catch (error) {
    const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE' || code === 'Z_BUF_ERROR' || code === 'Z_DATA_ERROR') return undefined;
    throw error;
  }
}

function decodeStream(input: Uint8Array, kind: Exclude<Compression, 'none'>, limit: number): Decompressed {
  const decoder = newStreamDecoder(kind);
  const output = new GrowingBytes(limit);
  let damage: string | undefined;
  try {
    for (let at = 0; at < input.length && !output.overflowed; at += SLICE) {
      decoder.push(input.subarray(at, at + SLICE), (piece) => output.append(piece));
    }
    if (!decoder.complete) damage = CUT_OFF;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    damage = error.message;
  }
  if (output.overflowed) damage = inflatesTooLong(limit);
  return { bytes: output.bytes(), damage };
}

/** The first `want` decompressed bytes of an open file, or fewer where it is cut or damaged. */
export function decompressPrefix(fd: number, path: string, kind: Exclude<Compression, 'none'>, want: number): Uint8Array {
  if (kind === 'gzip') {
    const head = new Uint8Array(GZIP_PREFIX);
    const got = readInput(fd, path, 0, GZIP_PREFIX, head);
    const output = orUndefined(() => gunzipSync(head.subarray(0, got), { finishFlush: constants.Z_SYNC_FLUSH }));
    if (output && output.length >= want) return output.subarray(0, want);
  }
  const decoder = newStreamDecoder(kind);
  const output = new GrowingBytes(want);
  // Zstandard and LZ4 give nothing before a whole block, of up to 4 MB
  const last = 4 * 1024 * 1024 + SLICE;
  try {
    for (let at = 0; at < last && output.length < want; at += SLICE) {
      const input = new Uint8Array(SLICE);
      const got = readInput(fd, path, at, SLICE, input);
      if (got === 0) break;
      decoder.push(input.subarray(0, got), (piece) => output.append(piece));
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  return output.bytes();
}

/** Collects output up to a limit; what goes beyond is dropped and noted. */
class GrowingBytes {
  private buffer = new Uint8Array(65536);
  length = 0;
  overflowed = false;

  constructor(private readonly limit: number) {}

  append(piece: Uint8Array): void {
    const taken = Math.min(piece.length, this.limit - this.length);
    if (taken < piece.length) this.overflowed = true;
    if (this.length + taken > this.buffer.length) {
      const larger = new Uint8Array(Math.min(this.limit, Math.max(this.buffer.length * 4, this.length + taken)));
      larger.set(this.buffer.subarray(0, this.length));
      this.buffer = larger;
    }
    this.buffer.set(piece.subarray(0, taken), this.length);
    this.length += taken;
  }

  bytes(): Uint8Array { return this.buffer.subarray(0, this.length); }
}
