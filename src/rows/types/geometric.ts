/** point, lseg, path, box, polygon, line, circle: utils/adt/geo_ops.c, PG 13–18. */
import { float64At, int32At } from '../bytes.js';
import { float8Text } from './float.js';
import { valueError } from './valueError.js';
import type { OutputFunction } from './typeInfo.js';

const SIZE_OF_POINT = 16;
/** In a path: npts, closed and four bytes of padding; in a polygon: npts and its bounding box. Both count from after the varlena header. */
const PATH_POINTS = 12;
const POLYGON_POINTS = 36;

function pairText(bytes: Uint8Array, at: number): string {
  return `${float8Text(float64At(bytes, at))},${float8Text(float64At(bytes, at + 8))}`;
}

/** path_encode() without the outer delimiters. */
function pointsText(bytes: Uint8Array, at: number, count: number, end: number): string {
  if (count < 0 || at + count * SIZE_OF_POINT > end) throw valueError('path', `${count} points do not fit its bytes`);
  let text = '';
  for (let i = 0; i < count; i++) text += `${i === 0 ? '(' : ',('}${pairText(bytes, at + i * SIZE_OF_POINT)})`;
  return text;
}

export const pointOut: OutputFunction = (bytes, at) => `(${pairText(bytes, at)})`;

export const lsegOut: OutputFunction = (bytes, at, length) => `[${pointsText(bytes, at, 2, at + length)}]`;

export const boxOut: OutputFunction = (bytes, at, length) => pointsText(bytes, at, 2, at + length);

export const lineOut: OutputFunction = (bytes, at) => `{${pairText(bytes, at)},${float8Text(float64At(bytes, at + 16))}}`;

export const circleOut: OutputFunction = (bytes, at) => `<(${pairText(bytes, at)}),${float8Text(float64At(bytes, at + 16))}>`;

export const pathOut: OutputFunction = (bytes, at, length) => {
  const points = pointsText(bytes, at + PATH_POINTS, int32At(bytes, at), at + length);
  return int32At(bytes, at + 4) !== 0 ? `(${points})` : `[${points}]`;
};

export const polyOut: OutputFunction = (bytes, at, length) => `(${pointsText(bytes, at + POLYGON_POINTS, int32At(bytes, at), at + length)})`;
