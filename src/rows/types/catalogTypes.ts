/**
 * Types that mostly live in system catalogs: reg*, aclitem, pg_snapshot, extended statistics.
 * utils/adt/{regproc,acl,xid8funcs}.c, statistics/{mvdistinct,dependencies}.c, PG 13–18.
 */
import { bigUint64At, float64At, int16At, uint32At } from '../bytes.js';
import { uint64Text } from './scalar.js';
import { valueError } from './valueError.js';
import type { OutputFunction, RegKind, TypeOutput } from './typeInfo.js';

/** The output function of a reg* type: the name of what the OID stands for, else its number; OID 0 as `none`. */
export function regOut(kind: RegKind, none: string): OutputFunction {
  return (bytes, at, _length, _type, output) => {
    const oid = uint32At(bytes, at);
    return oid === 0 ? none : output.context.lookup.regName(kind, oid) ?? String(oid);
  };
}

/** The letters of the privilege bits in order (ACL_ALL_RIGHTS_STR); 13 to 15 and 16 end earlier. */
const ACL_ALL_RIGHTS = 'arwdDxtXUCTcsAm';

/** putid(): quoted unless it is all letters, digits and underscores. */
function roleText(oid: number, output: TypeOutput): string {
  const name = output.context.lookup.roleName(oid);
  if (name === undefined) return String(oid);
  return /^[A-Za-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** aclitemout(): the privileges and, above them, the grant options; 16 bits each before 16, 32 bits since. */
export const aclitemOut: OutputFunction = (bytes, at, length, _type, output) => {
  const grantee = uint32At(bytes, at), grantor = uint32At(bytes, at + 4);
  const isWide = length === 16;
  const privileges = isWide ? bigUint64At(bytes, at + 8) : BigInt(uint32At(bytes, at + 8));
  const optionShift = isWide ? 32 : 16;
  let text = grantee === 0 ? '=' : `${roleText(grantee, output)}=`;
  for (let i = 0; i < ACL_ALL_RIGHTS.length; i++) {
    if (privileges & (1n << BigInt(i))) text += ACL_ALL_RIGHTS[i]!;
    if (privileges & (1n << BigInt(i + optionShift))) text += '*';
  }
  return `${text}/${roleText(grantor, output)}`;
};

/** pg_snapshot_out(): xmin:xmax:xip,… */
export const pgSnapshotOut: OutputFunction = (bytes, at, length) => {
  const count = uint32At(bytes, at);
  if (20 + count * 8 > length) throw valueError('pg_snapshot', `${count} transactions do not fit its bytes`);
  const xids: string[] = [];
  for (let i = 0; i < count; i++) xids.push(uint64Text(bytes, at + 20 + i * 8));
  return `${uint64Text(bytes, at + 4)}:${uint64Text(bytes, at + 12)}:${xids.join(',')}`;
};

const STATS_NDISTINCT_MAGIC = 0xa352_bfa4;
const STATS_DEPS_MAGIC = 0xb454_9a2c;

/** Reads `count` attribute numbers; throws where they do not fit. */
function attributeNumbers(bytes: Uint8Array, at: number, count: number, end: number): number[] {
  if (count < 0 || at + count * 2 > end) throw valueError('statistics', `${count} attribute numbers do not fit its bytes`);
  return Array.from({ length: count }, (_, i) => int16At(bytes, at + i * 2));
}

/** pg_ndistinct_out(): `{"1, 2": 10, …}` */
export const pgNdistinctOut: OutputFunction = (bytes, at, length) => {
  if (uint32At(bytes, at) !== STATS_NDISTINCT_MAGIC) throw valueError('pg_ndistinct', 'invalid magic');
  const items: string[] = [];
  let i = at + 12;
  for (let left = uint32At(bytes, at + 8); left > 0; left--) {
    const count = uint32At(bytes, i + 8);
    items.push(`"${attributeNumbers(bytes, i + 12, count, at + length).join(', ')}": ${Math.trunc(float64At(bytes, i))}`);
    i += 12 + count * 2;
  }
  return `{${items.join(', ')}}`;
};

/** pg_dependencies_out(): `{"1 => 2": 1.000000, …}` */
export const pgDependenciesOut: OutputFunction = (bytes, at, length) => {
  if (uint32At(bytes, at) !== STATS_DEPS_MAGIC) throw valueError('pg_dependencies', 'invalid magic');
  const items: string[] = [];
  let i = at + 12;
  for (let left = uint32At(bytes, at + 8); left > 0; left--) {
    const count = int16At(bytes, i + 8);
    const numbers = attributeNumbers(bytes, i + 10, count, at + length);
    items.push(`"${numbers.slice(0, -1).join(', ')} => ${numbers[count - 1]!}": ${sixDecimals(float64At(bytes, i))}`);
    i += 10 + count * 2;
  }
  return `{${items.join(', ')}}`;
};

/** C's %f: where JavaScript rounds a tie up, C takes the even digit. */
function sixDecimals(value: number): string {
  const exact = value.toFixed(60);
  const point = exact.indexOf('.');
  const kept = exact.slice(0, point + 7), dropped = exact.slice(point + 7);
  return /^50*$/.test(dropped) && Number(kept[kept.length - 1]) % 2 === 0 ? kept : value.toFixed(6);
}
