/** gzip as a synchronous stream, for prefixes and for what is left of damaged files; whole files and tars go through node:zlib, which is faster. */
import { fflate } from '../util/lazyPackages.js';
import { DecodeError, type StreamDecoder } from './streamDecoder.js';

export class GzipDecoder implements StreamDecoder {
  private emit: (output: Uint8Array) => void = () => undefined;
  private readonly gunzip = new (fflate().Gunzip)((chunk) => {
    if (chunk.length > 0) this.emit(chunk);
  });

  /** The library does not tell the end of a stream from a cut. */
  readonly complete = false;

  push(input: Uint8Array, emit: (output: Uint8Array) => void): void {
    this.emit = emit;
    try {
      this.gunzip.push(input);
    } catch (error) {
      throw new DecodeError(`the gzip stream is corrupt (${error instanceof Error ? error.message : String(error)})`);
    }
  }
}
