/** A growing buffer that values are printed into without a string in between. */

const ZERO = 0x30;

/** '00' … '99' as bytes. */
const TWO_DIGITS = Uint8Array.from({ length: 200 }, (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10));

const encoder = new TextEncoder();

/** How a text format sets values side by side. */
export interface FieldForm {
  /** Between two fields. */
  delimiter: number;
  /** What stands for NULL. */
  nullText: Uint8Array;
  /** Makes `sink.bytes` from `from` on, a value's text, a field. */
  escape(sink: ByteSink, from: number): void;
  /** By byte: 1 where a value that holds it, or is empty, may need escape(). */
  special: Uint8Array;
}

/** `bytes[0, length)` is what has been written. Methods whose name ends in `Raw` expect that `reserve()` made room. */
export class ByteSink {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 65_536) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  byteRaw(value: number): void {
    this.bytes[this.length++] = value;
  }

  /** Copies `length` bytes of `source` at `at`. */
  copy(source: Uint8Array, at: number, length: number): void {
    this.reserve(length);
    const into = this.bytes, to = this.length;
    if (length > 200) into.set(source.subarray(at, at + length), to);
    else for (let i = 0; i < length; i++) into[to + i] = source[at + i]!;
    this.length = to + length;
  }

  /** As copy(); true where one of the bytes is `special`. */
  copyWatching(source: Uint8Array, at: number, length: number, special: Uint8Array): boolean {
    this.reserve(length);
    const into = this.bytes, to = this.length;
    let seen = 0;
    for (let i = 0; i < length; i++) {
      const byte = source[at + i]!;
      into[to + i] = byte;
      seen |= special[byte]!;
    }
    this.length = to + length;
    return seen !== 0;
  }

  /** Text as UTF-8, or as one byte a character. */
  text(text: string, charset: 'utf8' | 'latin1' = 'utf8'): void {
    const isUtf8 = charset === 'utf8';
    this.reserve(isUtf8 ? text.length * 3 : text.length);
    const into = this.bytes;
    let to = this.length;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c >= 0x80 && isUtf8) {
        this.length = to + encoder.encodeInto(i === 0 ? text : text.slice(i), into.subarray(to)).written;
        return;
      }
      into[to++] = c;
    }
    this.length = to;
  }

  /** Two decimal digits of 0 … 99. */
  twoDigitsRaw(value: number): void {
    const into = this.bytes, to = this.length;
    into[to] = TWO_DIGITS[value * 2]!;
    into[to + 1] = TWO_DIGITS[value * 2 + 1]!;
    this.length = to + 2;
  }

  /** Decimal digits of a whole number from 0 below 2^32, at least `width` of them. */
  digits(value: number, width = 1): void {
    this.reserve(10 + width);
    let count = 1;
    for (let power = 10; power <= value; power *= 10) count++;
    if (count < width) count = width;
    const into = this.bytes;
    let to = this.length + count, rest = value;
    this.length = to;
    for (let left = count; left >= 2; left -= 2) {
      const quotient = Math.floor(rest / 100);
      const pair = (rest - quotient * 100) * 2;
      rest = quotient;
      into[--to] = TWO_DIGITS[pair + 1]!;
      into[--to] = TWO_DIGITS[pair]!;
    }
    if (count & 1) into[to - 1] = ZERO + rest;
  }

  /** A whole number whose size is below 2^53. */
  integer(value: number): void {
    let size = value;
    if (size < 0) {
      this.byte(0x2d);
      size = -size;
    }
    if (size < 0x1_0000_0000) {
      this.digits(size);
      return;
    }
    const high = Math.floor(size / 1e9);
    this.digits(high);
    this.digits(size - high * 1e9, 9);
  }
}
