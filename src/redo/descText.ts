/** Texts that several descriptions share, as pg_waldump prints them. */
import { relationPath } from '../pg/relPath.js';
import type { RelFileLocator } from '../pg/relFileLocator.js';
import type { PgMajor } from '../pg/version.js';
import { upperHex } from '../util/hex.js';

const USECS_PER_SEC = 1_000_000n;
/** Seconds from 1970-01-01 to 2000-01-01. */
const POSTGRES_EPOCH_SECONDS = 946_684_800n;

/** timestamptz_to_str() of bin/pg_waldump/compat.c under TZ=UTC: `2026-04-06 08:00:00.123456 UTC`. */
export function timestamptzToStr(microseconds: bigint): string {
  const seconds = microseconds / USECS_PER_SEC + POSTGRES_EPOCH_SECONDS;
  const date = new Date(Number(seconds) * 1000);
  const whole = Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().slice(0, 19).replace('T', ' ');
  return `${whole}.${String(microseconds % USECS_PER_SEC).padStart(6, '0')} UTC`;
}

/** `; LABEL: base/5/16384 base/5/16385`, nothing where there are none (xact_desc_relations()). */
export function describeRelations(label: string, rels: readonly RelFileLocator[], major: PgMajor): string {
  if (rels.length === 0) return '';
  return `; ${label}:${rels.map((rel) => ` ${relationPath({ ...rel, fork: 0 }, major)}`).join('')}`;
}

/** `0x%02X` */
export function hexFlags(flags: number): string {
  return `0x${upperHex(flags, 2)}`;
}

/** array_desc(), with the blank that it begins with. */
export function arrayDesc(count: number, element: (index: number) => string): string {
  const texts: string[] = [];
  for (let i = 0; i < count; i++) texts.push(element(i));
  return ` [${texts.join(', ')}]`;
}
