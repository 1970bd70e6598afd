/**
 * A WAL position: bytes since the beginning of the WAL, as PostgreSQL's XLogRecPtr.
 * A branded number, exact below 2^53 (8 PB of WAL).
 */
import { upperHex } from './hex.js';
export type Lsn = number & { readonly __brand: 'Lsn' };

export const INVALID_LSN = 0 as Lsn;
/** Later than every real position. */
export const MAX_LSN = Number.MAX_SAFE_INTEGER as Lsn;

/** Prints an LSN as PostgreSQL does: `0/3A2F10`. */
export function formatLsn(lsn: Lsn): string {
  return `${upperHex(Math.floor(lsn / 0x1_0000_0000), 1)}/${upperHex(lsn % 0x1_0000_0000, 1)}`;
}

/** Reads `X/X`; undefined where the text is no LSN (or is past 2^53). */
export function parseLsn(text: string): Lsn | undefined {
  const value = parsePgLsn(text);
  return value !== undefined && value <= Number.MAX_SAFE_INTEGER ? (Number(value) as Lsn) : undefined;
}

/** Reads a value of type pg_lsn, which may lie beyond every real position; undefined where the text is none. */
export function parsePgLsn(text: string): bigint | undefined {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text.trim());
  return match ? (BigInt(`0x${match[1]!}`) << 32n) | BigInt(`0x${match[2]!}`) : undefined;
}

/** As formatLsn(), of a value of type pg_lsn. */
export function formatPgLsn(value: bigint): string {
  return `${(value >> 32n).toString(16)}/${(value & 0xffff_ffffn).toString(16)}`.toUpperCase();
}

/** Reads the 8-byte little-endian XLogRecPtr at `at`. */
export function readLsn(view: DataView, at: number): Lsn {
  return (view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000) as Lsn;
}

/** Reads a PageXLogRecPtr: two 32-bit halves, high half first (bufpage.h). */
export function readPageLsn(view: DataView, at: number): Lsn {
  return (view.getUint32(at, true) * 0x1_0000_0000 + view.getUint32(at + 4, true)) as Lsn;
}

/** Writes a PageXLogRecPtr: high half first. */
export function writePageLsn(view: DataView, at: number, lsn: Lsn): void {
  view.setUint32(at, Math.floor(lsn / 0x1_0000_0000), true);
  view.setUint32(at + 4, lsn >>> 0, true);
}

/** `lsn` modulo a power of two up to 2^32, by its low bits: the remainder of what exceeds 32 bits is slow. */
export function lsnWithin(lsn: Lsn, size: number): number {
  return (lsn & (size - 1)) >>> 0;
}

/** MAXALIGN: the next multiple of 8. Plain arithmetic, because an LSN exceeds 32 bits. */
export function maxAlign(n: number): number {
  const rest = n % 8;
  return rest === 0 ? n : n + 8 - rest;
}
