/** bit and varbit: bit_out(), varbit_out(), utils/adt/varbit.c, PG 13–18. */
import { int32At } from '../bytes.js';
import { valueError } from './valueError.js';
import type { OutputFunction } from './typeInfo.js';

const EIGHT_BITS = Array.from({ length: 256 }, (_, n) => n.toString(2).padStart(8, '0'));

export const bitOut: OutputFunction = (bytes, at, length) => {
  const bitLength = int32At(bytes, at);
  const byteLength = (bitLength + 7) >> 3;
  if (bitLength < 0 || byteLength > length - 4) throw valueError('bit', `${bitLength} bits do not fit its bytes`);
  let text = '';
  for (let i = 0; i < byteLength; i++) text += EIGHT_BITS[bytes[at + 4 + i]!]!;
  return text.slice(0, bitLength);
};
