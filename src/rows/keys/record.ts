/** Rows of composite types as keys: record_cmp(), hash_record(), record_in(), utils/adt/rowtypes.c, PG 13–18. */
import { parseRecordText } from '../../util/recordText.js';
import { ATTRIBUTE_NULL, TupleDeformer } from '../deform.js';
import type { CompositeAttribute } from '../types/typeInfo.js';
import { combineHash, type AnyKeyType, type KeyType } from './keyType.js';
import { plainValue } from './plainValue.js';

type Row = readonly unknown[];

/** `columns`: how each attribute is compared; undefined for a dropped one. */
export function recordKey(attributes: readonly CompositeAttribute[], columns: readonly (AnyKeyType | undefined)[]): KeyType<Row> {
  const deformer = new TupleDeformer(attributes);
  const tuple = deformer.newResult();
  const live = columns.flatMap((type, i) => (type ? [{ type, i, typlen: attributes[i]!.attlen }] : []));
  const hashes = live.map(({ type }) => type.hash);
  return {
    isOrdered: live.every(({ type }) => type.isOrdered),
    decode: (stored) => {
      deformer.deformHeapTuple(stored, -4, stored.length + 4, tuple);
      // a field may be a row of this very type's: what was found is taken before it is read
      const places = live.map(({ i }) => ({ at: tuple.at[i]!, length: tuple.length[i]! }));
      return live.map(({ type, typlen }, n) => (places[n]!.length <= ATTRIBUTE_NULL ? null : type.decode(plainValue(stored, places[n]!.at, places[n]!.length, { typlen }))));
    },
    parse: (text) => {
      const row = parseRecordText(text, live.length)?.map((field, n) => (field === null ? null : live[n]!.type.parse(field)));
      return row?.includes(undefined) ? undefined : row;
    },
    compare: (a, b) => {
      for (const [n, { type }] of live.entries()) {
        const x = a[n], y = b[n];
        const result = x === null || y === null ? Number(x === null) - Number(y === null) : type.compare(x, y);
        if (result !== 0) return result;
      }
      return 0;
    },
    ...(hashes.every((hash) => hash !== undefined) ? { hash: (row) => row.reduce((before: number, field, n) => combineHash(before, field === null ? 0 : hashes[n]!(field)), 0) } : {}),
  };
}
