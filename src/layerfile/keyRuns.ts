/**
 * Blocks of keys: section 2 of a delta layer. A block is a row of runs, a run one page's entries, written as tokens (docs/layer-format.md).
 * Much of WAL is a loop over one or two kinds of record, so that the distance between a page's records is often the one before, or
 * the one before that: such stretches take a byte or two.
 */
import { ByteReader, ByteWriter } from '../util/varint.js';

export const KEY_BLOCK_BYTES = 8192;

/** A block as it goes into the file. */
export interface KeyBlock {
  payload: Uint8Array;
  /** Ordinal and block number of its first run. */
  fence: readonly [number, number];
  /** Of the payload, where it is known. */
  crc?: number;
}

// Tokens. A distance of up to 28 bits by its first byte's leading ones; from 0xf0 on:
const REPEAT_LAST = 0xf0;
const REPEAT_TWO = 0xf1;
const WIDE = 0xf2;
/** With the bits of the entry that follows in the two low bits. */
const FLAGS = 0xf4;
const REPEAT_LAST_SHORT = 0xf8;
const REPEAT_TWO_SHORT = 0xfc;
const SHORT_REPEATS = 4;

/** Writes blocks of keys; pages must come sorted by (ordinal, block), their entries by LSN. */
export class KeyBlockWriter {
  private readonly out = new ByteWriter(KEY_BLOCK_BYTES * 2);
  private readonly tokens = new ByteWriter(KEY_BLOCK_BYTES * 2);
  private fence: [number, number] = [0, 0];
  private ordinal = 0;
  private block = 0;

  /** `startLsn`: of the layer, from which every run counts. */
  constructor(private readonly startLsn: number, private readonly emit: (block: KeyBlock) => void) {}

  /** The first `count` entries of the arrays are the page's. */
  page(ordinal: number, block: number, count: number, lsns: ArrayLike<number>, bits: ArrayLike<number>): void {
    for (let at = 0; at < count;) {
      const next = this.encode(at, count, lsns, bits, Math.max(1, KEY_BLOCK_BYTES - this.out.length));
      this.head(ordinal, block, next - at);
      this.out.raw(this.tokens.take());
      at = next;
      if (this.out.length >= KEY_BLOCK_BYTES) this.finish();
    }
  }

  private head(ordinal: number, block: number, count: number): void {
    const { out } = this;
    if (out.length === 0) {
      this.fence = [ordinal, block];
      this.ordinal = 0;
      this.block = 0;
    }
    if (out.length > 0 && ordinal === this.ordinal) {
      out.varint((block - this.block) * 2);
    } else {
      out.varint((ordinal - this.ordinal) * 2 + 1);
      out.varint(block);
    }
    out.varint(count);
    this.ordinal = ordinal;
    this.block = block;
  }

  /** Writes tokens until there are `room` bytes of them; gives the entry that comes next. */
  private encode(from: number, to: number, lsns: ArrayLike<number>, bits: ArrayLike<number>, room: number): number {
    const { tokens } = this;
    let previous = this.startLsn;
    let last = -1;
    let beforeLast = -1;
    const repeats = (at: number, odd: number, even: number): number => {
      let n = 0;
      let lsn = previous;
      while (at + n < to && bits[at + n] === 0 && lsns[at + n]! - lsn === (n % 2 === 0 ? even : odd)) lsn = lsns[at + n++]!;
      return n;
    };
    for (let at = from; at < to;) {
      if (tokens.length >= room) return at;
      const distance = lsns[at]! - previous;
      const ones = distance === last ? repeats(at, last, last) : 0;
      const twos = distance === beforeLast ? repeats(at, last, beforeLast) : 0;
      if (ones > 1 || twos > 1 || (ones + twos > 0 && distance >= 1024)) {
        if (ones >= twos) {
          this.repeat(REPEAT_LAST, REPEAT_LAST_SHORT, ones);
          beforeLast = last;
          at += ones;
        } else {
          this.repeat(REPEAT_TWO, REPEAT_TWO_SHORT, twos);
          if (twos % 2 === 1) [last, beforeLast] = [beforeLast, last];
          at += twos;
        }
        previous = lsns[at - 1]!;
        continue;
      }
      if (bits[at] !== 0) tokens.byte(FLAGS | bits[at]!);
      this.distance(distance / 8);
      beforeLast = last;
      last = distance;
      previous = lsns[at++]!;
    }
    return to;
  }

  private repeat(long: number, short: number, count: number): void {
    if (count <= SHORT_REPEATS) {
      this.tokens.byte(short + count - 1);
    } else {
      this.tokens.byte(long);
      this.tokens.varint(count - SHORT_REPEATS - 1);
    }
  }

  private distance(value: number): void {
    const { tokens } = this;
    if (value < 0x80) {
      tokens.byte(value);
    } else if (value < 0x4000) {
      tokens.byte(0x80 | (value >>> 8));
      tokens.byte(value & 255);
    } else if (value < 0x20_0000) {
      tokens.byte(0xc0 | (value >>> 16));
      tokens.byte((value >>> 8) & 255);
      tokens.byte(value & 255);
    } else if (value < 0x1000_0000) {
      tokens.byte(0xe0 | (value >>> 24));
      for (let shift = 16; shift >= 0; shift -= 8) tokens.byte((value >>> shift) & 255);
    } else {
      tokens.byte(WIDE);
      tokens.varint(value);
    }
  }

  /** Hands over the block in hand, if there is one. */
  finish(): void {
    if (this.out.length > 0) this.emit({ payload: this.out.take(), fence: this.fence });
  }
}

/** Reads the runs of a block one after the other. */
export class KeyBlockReader {
  ordinal = 0;
  block = 0;
  /** Entries of the run in hand. */
  count = 0;
  private readonly reader: ByteReader;
  private isRead = true;

  constructor(payload: Uint8Array) {
    this.reader = new ByteReader(payload);
  }

  /** Goes to the next run; false behind the last. */
  next(): boolean {
    if (!this.isRead) this.skip();
    const { reader } = this;
    if (reader.done) return false;
    const head = reader.varint();
    if (head % 2 === 0) {
      this.block += head / 2;
    } else {
      this.ordinal += (head - 1) / 2;
      this.block = reader.varint();
    }
    this.count = reader.varint();
    this.isRead = false;
    return true;
  }

  /** Calls `emit` with the LSN and bits of each entry of the run, in a layer that begins at `startLsn`. */
  entries(startLsn: number, emit: (lsn: number, bits: number) => void): void {
    const { reader } = this;
    let lsn = startLsn;
    let last = 0;
    let beforeLast = 0;
    let bits = 0;
    for (let left = this.count; left > 0;) {
      const token = reader.byte();
      let distance: number;
      if (token < 0x80) distance = token * 8;
      else if (token < 0xf0) distance = this.longDistance(token) * 8;
      else if (token === WIDE) distance = reader.varint() * 8;
      else if (token >= FLAGS && token < REPEAT_LAST_SHORT) {
        bits = token & 3;
        continue;
      } else {
        const short = token >= REPEAT_LAST_SHORT;
        const count = short ? (token & 3) + 1 : reader.varint() + SHORT_REPEATS + 1;
        if (count > left) throw new RangeError('a key run repeats more than it holds');
        if (short ? token < REPEAT_TWO_SHORT : token === REPEAT_LAST) beforeLast = last;
        for (let n = 0; n < count; n++) {
          lsn += beforeLast;
          emit(lsn, 0);
          [last, beforeLast] = [beforeLast, last];
        }
        left -= count;
        continue;
      }
      lsn += distance;
      emit(lsn, bits);
      bits = 0;
      beforeLast = last;
      last = distance;
      left--;
    }
    this.isRead = true;
  }

  /** Passes over the run in hand. */
  private skip(): void {
    const { reader } = this;
    for (let left = this.count; left > 0;) {
      const token = reader.byte();
      if (token >= FLAGS && token < REPEAT_LAST_SHORT) continue;
      if (token >= REPEAT_LAST_SHORT) {
        left -= (token & 3) + 1;
      } else if (token === REPEAT_LAST || token === REPEAT_TWO) {
        left -= reader.varint() + SHORT_REPEATS + 1;
      } else {
        if (token === WIDE) reader.varint();
        else reader.at += token < 0x80 ? 0 : token < 0xc0 ? 1 : token < 0xe0 ? 2 : 3;
        left--;
      }
    }
  }

  private longDistance(token: number): number {
    const { reader } = this;
    if (token < 0xc0) return ((token & 0x3f) << 8) | reader.byte();
    if (token < 0xe0) return ((token & 0x1f) << 16) | (reader.byte() << 8) | reader.byte();
    return ((token & 0x0f) << 24) | (reader.byte() << 16) | (reader.byte() << 8) | reader.byte();
  }
}
