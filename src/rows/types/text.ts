/** The text family, name, "char", bytea: utils/adt/{varlena,varchar,name,char}.c, PG 13–18. */
import { hexOf } from '../bytes.js';
import type { OutputFunction } from './typeInfo.js';

/** textout, varcharout, bpcharout (padding included), json_out, xml's bytes and whatever else is stored as its text. */
export const textout: OutputFunction = (bytes, at, length, _type, output) => output.context.encoding.decode(bytes, at, length);

/** nameout(): up to the first NUL of its 64 bytes. */
export const nameout: OutputFunction = (bytes, at, length, _type, output) => {
  let end = 0;
  while (end < length && bytes[at + end] !== 0) end++;
  return output.context.encoding.decode(bytes, at, end);
};

/** charout(): a NUL prints as nothing; from 15 on, bytes with the high bit print as an octal escape. */
export const charout: OutputFunction = (bytes, at, _length, _type, output) => {
  const byte = bytes[at]!;
  if (byte === 0) return '';
  if (byte >= 0x80 && output.context.major >= 15) return `\\${byte.toString(8)}`;
  return output.context.encoding.decode(bytes, at, 1);
};

/** byteaout() with bytea_output = hex. */
export const byteaout: OutputFunction = (bytes, at, length) => `\\x${hexOf(bytes, at, length)}`;

/** Values of pseudo-types that print as nothing (void_out). */
export const voidOut: OutputFunction = () => '';
