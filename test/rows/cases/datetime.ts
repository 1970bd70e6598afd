import { TWO_DIGITS } from '../../../src/util/pgTime.js';
import type { Random, TypeCase } from './typeCase.js';

const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'America/New_York', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Europe/Dublin', 'Pacific/Apia'] as const;

function dateText(random: Random, low: number, high: number): string {
  return `${String(random.int(low, high)).padStart(4, '0')}-${TWO_DIGITS[random.int(1, 12)]!}-${TWO_DIGITS[random.int(1, 28)]!}`;
}

function timeText(random: Random): string {
  const fraction = random.pick(['', `.${random.int(1, 999_999)}`, '.5', '.000001']);
  return `${TWO_DIGITS[random.int(0, 23)]!}:${TWO_DIGITS[random.int(0, 59)]!}:${TWO_DIGITS[random.int(0, 59)]!}${fraction}`;
}

const TIMESTAMPS = [
  '2000-01-01 00:00:00', '1999-12-31 23:59:59.999999', '1970-01-01 00:00:00', '2026-04-06 10:00:00.5', '0001-01-01 00:00:00', '0001-12-31 23:59:59 BC', '0044-03-15 12:00:00 BC', '4714-11-24 00:00:00 BC', '294276-12-31 23:59:59.999999',
  '1714-06-01 00:00:00.000001', '1713-01-01 00:00:00.000001', '2285-06-01 01:02:03.123456', '2286-01-01 01:02:03.12345', '9999-12-31 23:59:59', '10000-01-01 00:00:00', 'infinity', '-infinity', '1582-10-15', '1900-02-28', '2000-02-29 00:00:00.1', '2024-02-29 23:59:60', 'epoch',
] as const;

export const DATETIME_CASES: readonly TypeCase[] = [
  { name: 'date', type: 'date', values: ['2000-01-01', '1999-12-31', '0001-01-01', '0001-12-31 BC', '4714-11-24 BC', '5874897-12-31', 'infinity', '-infinity', '9999-12-31', '10000-01-01'], random: (r) => dateText(r, 1, 3000), randomCount: 200 },
  { name: 'time', type: 'time', values: ['00:00:00', '24:00:00', '23:59:59.999999', '12:34:56.7', '00:00:00.000001', '10:20:30.120000'], random: timeText, randomCount: 50 },
  { name: 'timetz', type: 'timetz', values: ['00:00:00+00', '24:00:00-12', '23:59:59.999999+05:30', '12:00:00-03:30', '12:00:00+15:59:59', '12:00:00-15:59:59', '01:02:03.5+00:00:01'], zones: ['UTC', 'Europe/Berlin'] },
  { name: 'timestamp', type: 'timestamp', values: TIMESTAMPS, random: (r) => `${dateText(r, 1, 4000)} ${timeText(r)}`, randomCount: 300 },
  {
    name: 'timestamptz', type: 'timestamptz', zones: ZONES,
    values: [...TIMESTAMPS.filter((t) => !t.startsWith('294276')).map((t) => t), '294276-12-30 00:00:00', '2026-03-29 00:59:59.999999', '2026-03-29 01:00:00', '2026-10-25 00:59:59', '2026-10-25 01:00:00', '2011-12-30 10:00:00', '2011-12-29 09:00:00', '4713-06-01 00:00:00 BC', '2037-12-31 23:59:59', '2038-01-19 03:14:08', '2500-07-01 00:00:00', '2500-12-01 00:00:00', '99999-07-01 00:00:00', '280000-07-01 00:00:00'],
    random: (r) => `${dateText(r, 1970, 2036)} ${timeText(r)}`, randomCount: 500,
  },
  {
    name: 'interval', type: 'interval',
    values: [
      '0', '1 year', '-1 year', '1 mon', '-1 mon', '1 day', '-1 day', '1 year 2 mons 3 days 04:05:06.789', '-1 year -2 mons -3 days -04:05:06.789', '1 year -2 days', '-1 year 2 days', '-1 mon 2 days 03:00:00', '1 day -00:00:01', '-1 day 00:00:01', '100:00:00', '-100:30:15.5',
      '00:00:00.000001', '-00:00:00.000001', '2 years', '14 mons', '-14 mons', '2147483647 days', '-2147483648 days', '178956970 years 7 mons', '-178956970 years -8 mons', '-1 year -1 mon +1 day -00:00:01', '2 mons -3 days +04:00:00', '999999:59:59.999999',
    ],
    random: (r) => `${r.int(-30, 30)} mons ${r.int(-3, 3)} days ${r.pick(['', '-'])}${timeText(r)}`, randomCount: 200,
  },
  { name: 'interval_infinity', type: 'interval', values: ['infinity', '-infinity'], since: 17 },
];
