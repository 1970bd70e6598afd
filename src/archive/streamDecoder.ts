/** What every incremental decompressor of this directory offers. */

/** Bytes that are not what the format demands; `message` says what, without place: the caller knows the file. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** A synchronous incremental decompressor. */
export interface StreamDecoder {
  /**
   * Takes compressed bytes and hands over what they decompress to, in pieces that are valid during the call alone. What one call
   * expands to is bounded by `maxExpansion` times its input, so that callers who feed small pieces stay in control of a bomb.
   * Throws DecodeError; pieces emitted before it are good.
   */
  push(input: Uint8Array, emit: (output: Uint8Array) => void): void;
  /** True where the input may end: nothing has been read yet, or the last frame is complete. */
  readonly complete: boolean;
}

/** Bytes that arrive in pieces and are taken in runs. */
export class ByteQueue {
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;

  get length(): number { return this.bytes.length - this.at; }

  push(input: Uint8Array): void {
    if (this.length === 0) {
      this.bytes = input;
    } else {
      const joined = new Uint8Array(this.length + input.length);
      joined.set(this.bytes.subarray(this.at));
      joined.set(input, this.length);
      this.bytes = joined;
    }
    this.at = 0;
  }

  /** A view of the next `length` bytes, which stay; undefined where there are fewer. */
  peek(length: number): Uint8Array | undefined {
    return this.length < length ? undefined : this.bytes.subarray(this.at, this.at + length);
  }

  skip(length: number): void {
    this.at += length;
  }

  /** Keeps what is left past the end of this call: the input's owner may reuse its buffer. */
  detach(): void {
    this.bytes = this.bytes.slice(this.at);
    this.at = 0;
  }
}

export function littleEndian(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}
