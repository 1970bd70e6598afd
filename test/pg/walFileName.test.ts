import { describe, expect, it } from 'vitest';
import {
  formatHistoryFileName, formatWalFileName, isValidWalSegSize, parseWalFileName, segmentNumberOfName, walSegmentNumber, walSegmentOffset, walSegmentStart,
} from '../../src/pg/walFileName.js';
import { parseLsn } from '../../src/util/lsn.js';

const MB = 1024 * 1024;

describe('names of WAL files', () => {
  // pg_walfile_name() of servers with these segment sizes
  it.each([
    ['0/1000028', 16 * MB, '000000010000000000000001'],
    ['1/FF000000', 16 * MB, '0000000100000001000000FF'],
    ['2/0', 16 * MB, '000000010000000200000000'],
    ['3/12345678', MB, '000000010000000300000123'],
    ['3/C0000000', 1024 * MB, '000000010000000300000003'],
    ['A/40000000', 64 * MB, '000000010000000A00000010'],
  ])('%s with segments of %i bytes: %s', (text, size, name) => {
    const lsn = parseLsn(text)!;
    const segment = walSegmentNumber(lsn, size);
    expect(formatWalFileName(1, segment, size)).toBe(name);
    const parsed = parseWalFileName(name)!;
    expect(parsed).toMatchObject({ kind: 'segment', timeline: 1 });
    expect(segmentNumberOfName(parsed as { log: number; seg: number }, size)).toBe(segment);
    expect(walSegmentStart(segment, size) + walSegmentOffset(lsn, size)).toBe(lsn);
  });

  it('tells the kinds apart', () => {
    expect(parseWalFileName('0000000A0000000100000002.partial')).toEqual({ kind: 'partial', timeline: 10, log: 1, seg: 2 });
    expect(parseWalFileName('0000000A.history')).toEqual({ kind: 'history', timeline: 10 });
    expect(parseWalFileName('000000010000000000000002.00000028.backup')).toEqual({ kind: 'backup', timeline: 1, log: 0, seg: 2, startOffset: 0x28 });
    expect(formatHistoryFileName(10)).toBe('0000000A.history');
  });

  it.each(['00000001000000000000000', '000000010000000000000001.gz', '00000001000000000000000g', '0000000a0000000100000002', 'archive_status', '000000010000000000000002.28.backup', '00000002.history.gz'])(
    'refuses %s', (name) => expect(parseWalFileName(name)).toBeUndefined());

  it('knows which last parts a segment size allows', () => {
    expect(segmentNumberOfName({ log: 0, seg: 256 }, 16 * MB)).toBeUndefined();
    expect(segmentNumberOfName({ log: 0, seg: 255 }, 16 * MB)).toBe(255);
    expect(segmentNumberOfName({ log: 1, seg: 4095 }, MB)).toBe(8191);
  });

  it('knows the valid segment sizes', () => {
    expect([MB, 16 * MB, 1024 * MB].every(isValidWalSegSize)).toBe(true);
    expect([0, MB / 2, 3 * MB, 2048 * MB, 1.5].some(isValidWalSegSize)).toBe(false);
  });
});
