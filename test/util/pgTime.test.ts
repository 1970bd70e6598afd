import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  civilFromDays, daysFromCivil, formatDate, formatTimestamp, formatTimestamptz, formatZoneOffset, microsFromUnixMillis, parseMoment, TIMESTAMP_INFINITY,
  TIMESTAMP_MINUS_INFINITY,
} from '../../src/util/pgTime.js';
import { timeZone, UTC } from '../../src/util/timeZone.js';

const berlin = timeZone('Europe/Berlin')!;

describe('the calendar', () => {
  it('goes back and forth over the whole range of dates', () => {
    // 4714-11-24 BC to 5874897-12-31
    fc.assert(fc.property(fc.integer({ min: -2_451_545, max: 2_145_031_948 }), (days) => {
      const { year, month, day } = civilFromDays(days);
      expect(month >= 1 && month <= 12 && day >= 1 && day <= 31).toBe(true);
      expect(daysFromCivil(year, month, day)).toBe(days);
    }), { seed: 1, numRuns: 5000 });
  });

  it('agrees with JavaScript where that reaches', () => {
    fc.assert(fc.property(fc.integer({ min: -730_000, max: 2_900_000 }), (days) => {
      const date = new Date((days + 10_957) * 86_400_000);
      expect(civilFromDays(days)).toEqual({ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() });
    }), { seed: 2, numRuns: 2000 });
  });

  it('knows its ends', () => {
    expect(formatDate(0)).toBe('2000-01-01');
    expect(formatDate(-2_451_545)).toBe('4714-11-24 BC');
    expect(formatDate(2_145_031_948)).toBe('5874897-12-31');
    expect(formatDate(-730_119)).toBe('0001-01-01');
    expect(formatDate(-730_120)).toBe('0001-12-31 BC');
  });
});

describe('formatting', () => {
  it('prints numbers and bigints alike', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (micros) => {
      expect(formatTimestamp(BigInt(micros))).toBe(formatTimestamp(micros));
    }), { seed: 3 });
  });

  it('prints the ends of time', () => {
    expect(formatTimestamp(TIMESTAMP_INFINITY)).toBe('infinity');
    expect(formatTimestamptz(TIMESTAMP_MINUS_INFINITY, berlin)).toBe('-infinity');
    expect(formatTimestamp(-211_813_488_000_000_000n)).toBe('4714-11-24 00:00:00 BC');
    expect(formatTimestamp(9_223_371_331_199_999_999n)).toBe('294276-12-31 23:59:59.999999');
  });

  it('prints offsets with as many parts as they need', () => {
    expect([0, 7200, -12_600, 3208, -17_762].map(formatZoneOffset)).toEqual(['+00', '+02', '-03:30', '+00:53:28', '-04:56:02']);
  });

  it('follows a zone through its changes', () => {
    const at = (text: string): string => formatTimestamptz(parseMoment(text, UTC)!.micros, berlin);
    expect(at('2026-03-29 00:59:59.999999')).toBe('2026-03-29 01:59:59.999999+01');
    expect(at('2026-03-29 01:00:00')).toBe('2026-03-29 03:00:00+02');
    expect(at('2026-10-25 00:59:59')).toBe('2026-10-25 02:59:59+02');
    expect(at('2026-10-25 01:00:00')).toBe('2026-10-25 02:00:00+01');
    expect(at('2025-12-31 23:30:00')).toBe('2026-01-01 00:30:00+01');
    expect(at('1800-01-01')).toBe('1800-01-01 00:53:28+00:53:28');
    expect(at('2826-07-01')).toBe('2826-07-01 02:00:00+02');
  });
});

describe('zones', () => {
  it('have names in any case, or offsets', () => {
    expect(timeZone('europe/berlin')).toBe(berlin);
    expect([timeZone('Z')!.isUtc, timeZone('UTC')!.isUtc, timeZone('+00')!.isUtc, timeZone('-00:00')!.isUtc, berlin.isUtc]).toEqual([true, true, true, true, false]);
    expect([timeZone('+02')!.offsetAt(0), timeZone('-03:30')!.offsetAt(0), timeZone('+0530')!.offsetAt(0), timeZone('-5')!.offsetAt(0)]).toEqual([7200, -12_600, 19_800, -18_000]);
    expect(timeZone('Mars/Olympus_Mons')).toBeUndefined();
    expect(timeZone('')).toBeUndefined();
  });

  it('agree with the platform at any instant', () => {
    for (const name of ['America/New_York', 'Australia/Lord_Howe', 'Africa/Casablanca', 'Asia/Kathmandu']) {
      const zone = timeZone(name)!;
      const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset', year: 'numeric' });
      fc.assert(fc.property(fc.integer({ min: 0, max: 2_100_000_000 }), (seconds) => {
        const text = format.formatToParts(seconds * 1000).find((part) => part.type === 'timeZoneName')!.value;
        const [, sign, hours = '0', minutes = '0'] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(text)!;
        expect(zone.offsetAt(seconds)).toBe((sign === '-' ? -60 : 60) * (Number(hours) * 60 + Number(minutes)) || 0);
      }), { seed: 4, numRuns: 300 });
    }
  });
});

describe('reading moments', () => {
  const read = (text: string, zone = UTC): string | undefined => {
    const parsed = parseMoment(text, zone);
    return parsed && formatTimestamptz(parsed.micros, UTC);
  };

  it('takes PostgreSQL and ISO 8601 forms', () => {
    for (const text of ['2026-04-06 10:00:00+02', '2026-04-06T10:00:00+02:00', '2026-04-06T08:00Z', '20260406T080000Z', '2026-04-06 08:00', '2026-04-06 10:00:00 Europe/Berlin', ' 2026-04-06  04:30:00-0330 ']) {
      expect(read(text), text).toBe('2026-04-06 08:00:00+00');
    }
    expect(read('2026-04-06')).toBe('2026-04-06 00:00:00+00');
    expect(read('2026-04-06 24:00')).toBe('2026-04-07 00:00:00+00');
    expect(read('2026-04-06 23:59:60')).toBe('2026-04-07 00:00:00+00');
    expect(read('2026-04-06 10:00:00.1234567+00')).toBe('2026-04-06 10:00:00.123457+00');
    expect(read('2026-04-06 10:00:00,5')).toBe('2026-04-06 10:00:00.5+00');
  });

  it('uses the zone it is given, and says which held', () => {
    expect(read('2026-04-06 10:00', berlin)).toBe('2026-04-06 08:00:00+00');
    expect(parseMoment('2026-04-06 10:00', berlin)!.zone).toBe(berlin);
    expect(parseMoment('2026-04-06 10:00+03', berlin)!.zone.offsetAt(0)).toBe(10_800);
  });

  it('settles skipped and repeated local times as PostgreSQL does', () => {
    expect(read('2026-03-29 02:30', berlin)).toBe('2026-03-29 01:30:00+00');
    expect(read('2026-10-25 02:30', berlin)).toBe('2026-10-25 01:30:00+00');
  });

  it('refuses what is no moment', () => {
    for (const text of ['', 'yesterday', '2026-13-01', '2026-02-30', '2026-04-06 25:00', '2026-04-06 10:60', '2026-04-06 24:00:01', '10:00', '2026-04-06 10:00 Mars/Olympus_Mons', '2026-04-06 10:00 and more', '999999-01-01']) {
      expect(parseMoment(text, UTC), text).toBeUndefined();
    }
  });

  it('reads back what it prints', () => {
    fc.assert(fc.property(fc.integer({ min: -5e15, max: 9e15 }), (micros) => {
      expect(parseMoment(formatTimestamptz(micros, UTC), UTC)!.micros).toBe(micros);
    }), { seed: 5, numRuns: 1000 });
  });

  it('converts JavaScript times', () => {
    expect(formatTimestamp(microsFromUnixMillis(Date.UTC(2026, 3, 6, 10, 0, 0, 123)))).toBe('2026-04-06 10:00:00.123');
  });
});
