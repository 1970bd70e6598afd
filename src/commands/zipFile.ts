/** Zip files, written and read piece by piece. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { constants, deflateRawSync } from 'node:zlib';
import { Unzip, UnzipInflate, Zip, ZipPassThrough } from 'fflate';
import { DurableFile, explainFsError } from '../layerfile/durable.js';
import { inputError, WalscopeError } from '../util/errors.js';

const CHUNK_BYTES = 1024 * 1024;
/** What the 32-bit lengths of a zip can say; fflate writes no zip64. */
const MOST_BYTES = 0xffff_ffff;

/** Calls `each` with the pieces of a file. The bytes are overwritten by the next. */
export function readPieces(file: string, each: (bytes: Uint8Array) => void): void {
  let fd: number;
  try {
    fd = fs.openSync(file, 'r');
  } catch (error) {
    throw explainFsError(error, file);
  }
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let got = fs.readSync(fd, buffer); got > 0; got = fs.readSync(fd, buffer)) each(buffer.subarray(0, got));
  } catch (error) {
    throw explainFsError(error, file);
  } finally {
    fs.closeSync(fd);
  }
}

export interface Fingerprint {
  bytes: number;
  sha256: string;
}

/** Length and SHA-256 of a file. */
export function fingerprint(file: string): Fingerprint {
  const hash = createHash('sha256');
  let bytes = 0;
  readPieces(file, (piece) => {
    hash.update(piece);
    bytes += piece.length;
  });
  return { bytes, sha256: hash.digest('hex') };
}

const DEFLATED = 8;

/**
 * A file of a zip, deflated piece by piece, each by itself. Not by fflate's own ZipDeflate: before a stream it sees 32 kB of zeros, to which it
 * refers where the first bytes hold some, and nobody can read that.
 */
class DeflatedFile extends ZipPassThrough {
  override compression = DEFLATED;

  protected override process(chunk: Uint8Array, final: boolean): void {
    this.ondata(null, deflateRawSync(chunk, { finishFlush: final ? constants.Z_FINISH : constants.Z_SYNC_FLUSH }), final);
  }
}

/** A zip that is there whole after `end`, or not at all after `abandon`. */
export class ZipWriter {
  private readonly file: DurableFile;
  private readonly zip: Zip;
  readonly hashes = new Map<string, Fingerprint>();

  constructor(target: string) {
    this.file = new DurableFile(target);
    this.zip = new Zip((error, bytes) => {
      if (error) throw error;
      this.file.write(bytes);
      this.checkLength(this.file.length);
    });
  }

  private checkLength(bytes: number): void {
    if (bytes > MOST_BYTES) throw new WalscopeError('bundle.too_long', `${this.file.target} would hold more than the 4 GB that a zip can`, { hint: 'bundle fewer answers at once, or narrower ones' });
  }

  addFile(name: string, from: string): void {
    this.add(name, (push) => readPieces(from, push));
  }

  addText(name: string, text: string): void {
    this.add(name, (push) => push(Buffer.from(text)));
  }

  private add(name: string, pieces: (push: (bytes: Uint8Array) => void) => void): void {
    const entry = new DeflatedFile(name);
    this.zip.add(entry);
    const hash = createHash('sha256');
    let bytes = 0;
    pieces((piece) => {
      hash.update(piece);
      bytes += piece.length;
      this.checkLength(bytes);
      entry.push(piece.slice());
    });
    entry.push(new Uint8Array(0), true);
    this.hashes.set(name, { bytes, sha256: hash.digest('hex') });
  }

  end(): void {
    this.zip.end();
    this.file.commit();
  }

  abandon(): void {
    this.file.abandon();
  }
}

export interface ZipContents {
  hashes: Map<string, Fingerprint>;
  /** The files that were asked for, whole. */
  texts: Map<string, string>;
}

/** Reads a whole zip; only hashes are kept, and the text of the files in `wanted`. Throws an input error where it is damaged. */
export function readZip(file: string, wanted: readonly string[]): ZipContents {
  const contents: ZipContents = { hashes: new Map(), texts: new Map() };
  const damaged = (detail: string) => inputError('bundle.damaged', `${file} is damaged: ${detail}`, { file }, 'get a fresh copy of the bundle');
  const unzip = new Unzip((entry) => {
    const hash = createHash('sha256');
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    entry.ondata = (error, piece, final) => {
      if (error) throw damaged(error.message);
      hash.update(piece);
      bytes += piece.length;
      if (wanted.includes(entry.name)) pieces.push(piece);
      if (!final) return;
      contents.hashes.set(entry.name, { bytes, sha256: hash.digest('hex') });
      if (wanted.includes(entry.name)) contents.texts.set(entry.name, Buffer.concat(pieces).toString('utf8'));
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  try {
    readPieces(file, (piece) => unzip.push(piece.slice()));
    unzip.push(new Uint8Array(0), true);
  } catch (error) {
    if (error instanceof WalscopeError) throw error;
    throw damaged((error as Error).message);
  }
  return contents;
}
