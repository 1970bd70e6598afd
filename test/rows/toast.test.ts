import { describe, expect, it } from 'vitest';
import { detoast, joinChunks, readToastPointer, TOAST_MAX_CHUNK_SIZE, type ToastChunk } from '../../src/rows/toast.js';

const VALUE_ID = 16500, TOAST_RELID = 16400;

function pointer(rawSize: number, extInfo: number): Uint8Array {
  const bytes = new Uint8Array(18);
  const view = new DataView(bytes.buffer);
  bytes[0] = 1;
  bytes[1] = 18;
  view.setInt32(2, rawSize, true);
  view.setUint32(6, extInfo, true);
  view.setUint32(10, VALUE_ID, true);
  view.setUint32(14, TOAST_RELID, true);
  return bytes;
}

function chunksOf(value: Uint8Array): ToastChunk[] {
  const chunks: ToastChunk[] = [];
  for (let at = 0; at < value.length; at += TOAST_MAX_CHUNK_SIZE) {
    chunks.push({ valueId: VALUE_ID, chunkSeq: chunks.length, data: value.subarray(at, at + TOAST_MAX_CHUNK_SIZE) });
  }
  return chunks;
}

/** An LZ4 block of one run of literals. */
function lz4Literals(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length >= 15 + 255) throw new Error('too long for this test');
  return bytes.length < 15 ? Uint8Array.of(bytes.length << 4, ...bytes) : Uint8Array.of(0xf0, bytes.length - 15, ...bytes);
}

function compressedInfo(rawSize: number, method: number): number[] {
  const info = (rawSize | (method << 30)) >>> 0;
  return [info & 0xff, (info >>> 8) & 0xff, (info >>> 16) & 0xff, info >>> 24];
}

function inlineCompressed(rawSize: number, method: number, data: Uint8Array): Uint8Array {
  const header = ((8 + data.length) << 2) | 2;
  return Uint8Array.of(header & 0xff, header >> 8, 0, 0, ...compressedInfo(rawSize, method), ...data);
}

const noChunks = (): ToastChunk[] => {
  throw new Error('not expected to fetch');
};
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('detoasting', () => {
  it('gives plain values of both header sizes', () => {
    expect(text(detoast(Uint8Array.of(0xff, 7, 65, 66), 1, 3, noChunks))).toBe('AB');
    expect(text(detoast(Uint8Array.of(24, 0, 0, 0, 65, 66), 0, 6, noChunks))).toBe('AB');
  });

  it('decompresses pglz and lz4 inline', () => {
    expect(text(detoast(inlineCompressed(3, 0, Uint8Array.of(0, 65, 66, 67)), 0, 12, noChunks))).toBe('ABC');
    const lz4 = inlineCompressed(20, 1, lz4Literals('twenty bytes of text'));
    expect(text(detoast(lz4, 0, lz4.length, noChunks))).toBe('twenty bytes of text');
  });

  it('fetches what is stored out of line, compressed or not', () => {
    const value = new TextEncoder().encode('0123456789'.repeat(1000));
    const plain = pointer(value.length + 4, value.length);
    expect(readToastPointer(plain, 0)).toEqual({ rawSize: 10_004, extSize: 10_000, isCompressed: false, valueId: VALUE_ID, toastRelid: TOAST_RELID });
    const asked: number[][] = [];
    const fetch = (relid: number, valueId: number): ToastChunk[] => {
      asked.push([relid, valueId]);
      return chunksOf(value);
    };
    expect(detoast(plain, 0, 18, fetch)).toEqual(value);
    expect(asked).toEqual([[TOAST_RELID, VALUE_ID]]);

    const stored = Uint8Array.of(...compressedInfo(20, 1), ...lz4Literals('twenty bytes of text'));
    // Stored in more bytes than it has, so that the pointer must say so: PostgreSQL would not have compressed it.
    const lz4 = pointer(40, stored.length | (1 << 30));
    expect(readToastPointer(lz4, 0)).toMatchObject({ extSize: stored.length, isCompressed: true });
    expect(text(detoast(lz4, 0, 18, () => chunksOf(stored)))).toBe('twenty bytes of text');
  });

  it('names the chunk that is missing or misshapen', () => {
    const value = new Uint8Array(TOAST_MAX_CHUNK_SIZE * 2 + 100);
    const at = readToastPointer(pointer(value.length + 4, value.length), 0);
    const chunks = chunksOf(value);
    const [first, second, third] = chunks as [ToastChunk, ToastChunk, ToastChunk];
    const where = `for toast value ${VALUE_ID} in TOAST relation ${TOAST_RELID}`;
    expect(joinChunks(at, chunks)).toEqual(value);
    expect(() => joinChunks(at, [])).toThrow(`missing chunk number 0 ${where}`);
    expect(() => joinChunks(at, [first, second])).toThrow(`missing chunk number 2 ${where}`);
    expect(() => joinChunks(at, [first, third])).toThrow(`unexpected chunk number 2 (expected 1) ${where}`);
    expect(() => joinChunks(at, [...chunks, { ...third, chunkSeq: 3 }])).toThrow(`unexpected chunk number 3 (out of range 0..2) ${where}`);
    expect(() => joinChunks(at, [first, { ...second, data: second.data.subarray(1) }, third])).toThrow('unexpected chunk size 1995 (expected 1996) in chunk 1 of 3');
  });

  it('refuses damaged compression and pointers', () => {
    const broken = inlineCompressed(50, 0, Uint8Array.of(0, 65, 66));
    expect(() => detoast(broken, 0, broken.length, noChunks)).toThrow('compressed pglz data is corrupt');
    const brokenLz4 = inlineCompressed(50, 1, lz4Literals('short'));
    expect(() => detoast(brokenLz4, 0, brokenLz4.length, noChunks)).toThrow('compressed lz4 data is corrupt');
    const unknown = inlineCompressed(5, 2, lz4Literals('short'));
    expect(() => detoast(unknown, 0, unknown.length, noChunks)).toThrow('invalid compression method id 2');
    expect(() => detoast(Uint8Array.of(1, 3, 0, 0), 0, 4, noChunks)).toThrow('a TOAST pointer is not one');
  });
});
