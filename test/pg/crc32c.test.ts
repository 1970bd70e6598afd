import { describe, expect, it } from 'vitest';
import { crc32c, crc32cUpdate } from '../../src/pg/crc32c.js';

describe('CRC-32C', () => {
  // the check values of RFC 3720, B.4
  it.each([
    ['zeros', new Uint8Array(32), 0x8a9136aa],
    ['ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['ascending', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['descending', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['"123456789"', Uint8Array.from('123456789', (c) => c.charCodeAt(0)), 0xe3069283],
  ])('%s', (_, bytes, expected) => expect(crc32c(bytes)).toBe(expected));

  it('is the same in pieces, wherever they meet', () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => (i * 37) & 0xff);
    for (let cut = 0; cut <= 100; cut++) {
      expect(~crc32cUpdate(crc32cUpdate(-1, bytes, 0, cut), bytes, cut, 100) >>> 0).toBe(crc32c(bytes));
    }
  });

  it('is the same by the kernel, which takes the long spans', () => {
    const bytes = Uint8Array.from({ length: 600_000 }, (_, i) => (i * 2_654_435_761) >>> 24);
    for (const length of [639, 640, 641, 655, 656, 1000, 8168, 8192, 32_801, 524_288, 524_289]) {
      for (const start of [0, 1, 7, 64]) expect(crc32c(bytes, start, start + length)).toBe(~crc32cUpdate(-1, bytes, start, start + length) >>> 0);
    }
  });
});
