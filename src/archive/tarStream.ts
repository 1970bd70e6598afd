/** A tar read once from front to back, through its compression, in constant memory. */
import { closeSync, createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { inputError, type WalscopeError } from '../util/errors.js';
import { newStreamDecoder, type Compression } from './decompress.js';
import { openInput, readInput } from './inputFile.js';
import { DecodeError } from './streamDecoder.js';
import { paddedBytes, TAR_BLOCK, TarHeaders, type TarEntry } from './tarHeader.js';
import { scanTar, truncatedTar, type TarFile } from './tarFiles.js';

const READ_BYTES = 256 * 1024;
const INFLATE_BYTES = 1024 * 1024;
/** Compressed bytes at a time for decoders that expand without bound: one slice of a bomb stays below 100 MB. */
const SLICE = 16 * 1024;
/** tar pads its last record, to 10 kB by default; more than this behind the end is no padding. */
const MAX_TRAILER = 1024 * 1024;

/** What a reader of a tar does with its entries. */
export interface TarSink {
  /** An entry begins: gives whether its content is wanted. Throwing ends the reading. */
  begin(entry: TarEntry): boolean;
  /** Content of the entry begun last, in pieces that are valid during the call alone. */
  data(bytes: Uint8Array): void;
  /** Compressed bytes read so far. */
  progress?(bytes: number): void;
}

/**
 * Feeds a tar to a sink; contents that are not wanted are skipped where the tar is not compressed. Throws `tar.truncated`, `compression.damaged`, `tar.trailer` (it goes on and on after its end), what
 * TarHeaders throws, and what the sink throws.
 */
export async function readTar(tar: TarFile, sink: TarSink): Promise<void> {
  if (tar.compression === 'none') return readPlainTar(tar, sink);
  const parser = new StreamedTar(tar, sink);
  for await (const chunk of decompressedChunks(tar, (bytes) => sink.progress?.(bytes))) {
    parser.push(chunk);
    if (parser.trailer > MAX_TRAILER) throw inputError('tar.trailer', `${tar.path}: it goes on after the tar's end`, { file: tar.path }, 'do not trust this archive: fetch the backup again');
  }
  parser.finish();
}

function readPlainTar(tar: TarFile, sink: TarSink): void {
  const fd = openInput(tar.path);
  const buffer = new Uint8Array(INFLATE_BYTES);
  try {
    for (const entry of scanTar(fd, tar.path)) {
      sink.progress?.(entry.offset);
      if (!sink.begin(entry)) continue;
      for (let at = 0; at < entry.bytes;) {
        const piece = buffer.subarray(0, Math.min(buffer.length, entry.bytes - at));
        if (readInput(fd, tar.path, entry.offset + at, piece.length, piece) < piece.length) throw truncatedTar(tar.path, `it ends within ${JSON.stringify(entry.path)}`);
        sink.data(piece);
        at += piece.length;
      }
    }
  } finally {
    closeSync(fd);
  }
}

async function* decompressedChunks(tar: TarFile, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const file = createReadStream(tar.path, { fd: openInput(tar.path), highWaterMark: READ_BYTES });
  const report = (): void => onRead(file.bytesRead);
  try {
    if (tar.compression === 'gzip') {
      const gunzip = createGunzip({ chunkSize: INFLATE_BYTES });
      file.on('error', (error) => gunzip.destroy(error));
      for await (const chunk of file.pipe(gunzip)) {
        report();
        yield chunk as Buffer;
      }
      return;
    }
    const decode = slicedDecoder(tar.compression as 'zstd' | 'lz4');
    for await (const chunk of file) {
      report();
      yield* decode.push(chunk as Buffer);
    }
    if (!decode.complete()) throw truncatedTar(tar.path, 'the compressed file ends early');
  } catch (error) {
    throw compressionError(tar, error);
  } finally {
    file.destroy();
  }
}

function slicedDecoder(kind: Exclude<Compression, 'none'>): { push(chunk: Buffer): Iterable<Uint8Array>; complete(): boolean } {
  const decoder = newStreamDecoder(kind);
  return {
    *push(chunk) {
      for (let at = 0; at < chunk.length; at += SLICE) {
        const pieces: Uint8Array[] = [];
        decoder.push(chunk.subarray(at, at + SLICE), (piece) => pieces.push(piece.slice()));
        yield* pieces;
      }
    },
    complete: () => decoder.complete,
  };
}

function compressionError(tar: TarFile, error: unknown): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === 'Z_BUF_ERROR') return truncatedTar(tar.path, 'the compressed file ends early');
  if (!(error instanceof DecodeError) && code !== 'Z_DATA_ERROR') return error;
  return inputError('compression.damaged', `${tar.path}: ${(error as Error).message}`, { file: tar.path }, 'fetch the backup again: its compressed data is damaged');
}

/** Cuts a stream of bytes into headers, contents and padding. */
class StreamedTar {
  trailer = 0;
  private readonly headers: TarHeaders;
  private readonly block = new Uint8Array(TAR_BLOCK);
  private blockLength = 0;
  private state: 'header' | 'meta' | 'content' | 'padding' | 'end' = 'header';
  /** Bytes that the state still has to see. */
  private left = 0;
  private padding = 0;
  private meta = new Uint8Array(0);
  private wanted = false;
  private entry: TarEntry | undefined;

  constructor(private readonly tar: TarFile, private readonly sink: TarSink) {
    this.headers = new TarHeaders(tar.path);
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.state === 'end') {
        this.trailer += chunk.length - at;
        return;
      }
      const space = this.state === 'header' ? TAR_BLOCK - this.blockLength : this.left;
      const piece = chunk.subarray(at, at + space);
      at += piece.length;
      this.take(piece);
    }
  }

  private take(piece: Uint8Array): void {
    if (this.state === 'header') {
      this.block.set(piece, this.blockLength);
      this.blockLength += piece.length;
      if (this.blockLength < TAR_BLOCK) return;
      this.blockLength = 0;
      this.readHeader();
      return;
    }
    if (this.state === 'meta') this.meta.set(piece, this.meta.length - this.left);
    else if (this.state === 'content' && this.wanted) this.sink.data(piece);
    this.left -= piece.length;
    if (this.left === 0) this.advance();
  }

  private readHeader(): void {
    const step = this.headers.header(this.block);
    if (step.kind === 'end') {
      this.state = 'end';
      return;
    }
    const bytes = step.kind === 'meta' ? step.bytes : step.entry.bytes;
    if (step.kind === 'meta') {
      this.meta = new Uint8Array(bytes);
    } else {
      this.entry = step.entry;
      this.wanted = this.sink.begin(step.entry);
    }
    this.state = step.kind === 'meta' ? 'meta' : 'content';
    this.left = bytes;
    this.padding = paddedBytes(bytes) - bytes;
    if (bytes === 0) this.advance();
  }

  /** What comes after meta, content or padding that is complete. */
  private advance(): void {
    if (this.state === 'meta') this.headers.meta(this.meta);
    this.left = this.state === 'padding' ? 0 : this.padding;
    this.state = this.left > 0 ? 'padding' : 'header';
  }

  /** The input is over. */
  finish(): void {
    if (this.state === 'end') return;
    throw this.cutOff();
  }

  private cutOff(): WalscopeError {
    const name = this.entry && JSON.stringify(this.entry.path);
    if (name === undefined) return truncatedTar(this.tar.path, 'it ends before its first entry');
    return truncatedTar(this.tar.path, this.state === 'content' ? `it ends within ${name}` : `it ends after ${name}`);
  }
}
