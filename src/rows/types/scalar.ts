/** bool, the integer and OID families, uuid, pg_lsn, tid: utils/adt/{bool,int,int8,oid,xid,uuid,pg_lsn,tid}.c, PG 13–18. */
import { formatLsn, type Lsn } from '../../util/lsn.js';
import { bigInt64At, bigUint64At, hexOf, int16At, int32At, safeInt64At, uint16At, uint32At } from '../bytes.js';
import type { OutputFunction } from './typeInfo.js';

export const boolout: OutputFunction = (bytes, at) => (bytes[at] !== 0 ? 't' : 'f');

export const int2out: OutputFunction = (bytes, at) => String(int16At(bytes, at));

export const int4out: OutputFunction = (bytes, at) => String(int32At(bytes, at));

/** oidout, xidout, cidout: an unsigned 32-bit number. */
export const oidout: OutputFunction = (bytes, at) => String(uint32At(bytes, at));

/** Decimal digits of the int64 at `at`. */
export function int64Text(bytes: Uint8Array, at: number): string {
  const value = safeInt64At(bytes, at);
  return value === undefined ? bigInt64At(bytes, at).toString() : String(value);
}

/** Decimal digits of the uint64 at `at`. */
export function uint64Text(bytes: Uint8Array, at: number): string {
  const value = safeInt64At(bytes, at);
  return value === undefined || value < 0 ? bigUint64At(bytes, at).toString() : String(value);
}

export const int8out: OutputFunction = (bytes, at) => int64Text(bytes, at);

export const xid8out: OutputFunction = (bytes, at) => uint64Text(bytes, at);

/** ItemPointerData: the block's two 16-bit halves, high half first, and the offset number. */
export const tidout: OutputFunction = (bytes, at) =>
  `(${(uint16At(bytes, at) * 0x1_0000 + uint16At(bytes, at + 2))},${uint16At(bytes, at + 4)})`;

export const uuidOut: OutputFunction = (bytes, at) =>
  `${hexOf(bytes, at, 4)}-${hexOf(bytes, at + 4, 2)}-${hexOf(bytes, at + 6, 2)}-${hexOf(bytes, at + 8, 2)}-${hexOf(bytes, at + 10, 6)}`;

export const pgLsnOut: OutputFunction = (bytes, at) => {
  const value = safeInt64At(bytes, at);
  if (value !== undefined && value >= 0) return formatLsn(value as Lsn);
  return `${uint32At(bytes, at + 4).toString(16)}/${uint32At(bytes, at).toString(16)}`.toUpperCase();
};

/** The fixed header of int2vector and oidvector is an array's: ndim, dataoffset, elemtype, dim1, lbound1, then the values. */
const VECTOR_VALUES = 20;

/** int2vectorout(), utils/adt/int.c: values separated by one space. */
export const int2vectorout: OutputFunction = (bytes, at, length) => {
  const values: number[] = [];
  for (let i = at + VECTOR_VALUES; i + 2 <= at + length; i += 2) values.push(int16At(bytes, i));
  return values.join(' ');
};

/** oidvectorout(), utils/adt/oid.c */
export const oidvectorout: OutputFunction = (bytes, at, length) => {
  const values: number[] = [];
  for (let i = at + VECTOR_VALUES; i + 4 <= at + length; i += 4) values.push(uint32At(bytes, i));
  return values.join(' ');
};
