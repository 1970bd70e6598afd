/** Values within others: elements of arrays, fields of rows, bounds of ranges. */
import { inputError } from '../../util/errors.js';
import { detoast } from '../toast.js';
import type { TypeInfo } from '../types/typeInfo.js';

/** A container's values are taken out of TOAST relations before it is stored. */
const noChunks = (): never => {
  throw inputError('row.toast', 'a value within another lies in a TOAST relation');
};

/** The value without a header, decompressed: a view where it is stored plain. */
export function plainValue(bytes: Uint8Array, at: number, length: number, type: Pick<TypeInfo, 'typlen'>): Uint8Array {
  return type.typlen === -1 ? detoast(bytes, at, length, noChunks) : bytes.subarray(at, at + length);
}
