/** What every incremental decompressor of this directory offers. */

/** Bytes that are not what the format demands; `message` says what, without place: the caller knows the file. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** A synchronous incremental decompressor. */
export interface StreamDecoder {
  /**
   * Takes compressed bytes and hands over what they decompress to, in pieces that are valid during the call alone. What one call
   * gives grows with its input alone (a thousandfold for gzip), so that callers who feed small pieces stay in control of a bomb.
   * Throws DecodeError; pieces emitted before it are good.
   */
  push(input: Uint8Array, emit: (output: Uint8Array) => void): void;
  /** True where the input may end: nothing has been read yet, or the last frame is complete. */
  readonly complete: boolean;
}

/** Bytes that arrive in pieces and are taken in runs. */
export class ByteQueue {
  private buffer = new Uint8Array(65536);
  private start = 0;
  private end = 0;

  get length(): number { return this.end - this.start; }

  /** Copies the input: its owner may reuse it. */
  push(input: Uint8Array): void {
    if (this.end + input.length > this.buffer.length) {
      const needed = this.length + input.length;
      const target = needed > this.buffer.length ? new Uint8Array(2 * needed) : this.buffer;
      target.set(this.buffer.subarray(this.start, this.end));
      this.buffer = target;
      this.end -= this.start;
      this.start = 0;
    }
    this.buffer.set(input, this.end);
    this.end += input.length;
  }

  /** A view of the next `length` bytes, which stay; undefined where there are fewer. Valid until the next push. */
  peek(length: number): Uint8Array | undefined {
    return this.length < length ? undefined : this.buffer.subarray(this.start, this.start + length);
  }

  skip(length: number): void {
    this.start += length;
  }
}

/** An unsigned number, low byte first; exact below 2^53. */
export function littleEndian(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}
