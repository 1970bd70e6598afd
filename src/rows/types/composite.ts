/** Enums and composites: enum_out(), utils/adt/enum.c; record_out(), utils/adt/rowtypes.c, PG 13–18. */
import { ATTRIBUTE_NULL, compositeTypeOid, TupleDeformer, type DeformedTuple } from '../deform.js';
import { recordField } from '../../util/recordText.js';
import { uint32At } from '../bytes.js';
import { valueError } from './valueError.js';
import type { OutputFunction, StoredOutput, TypeOutput } from './typeInfo.js';

export const enumOut: OutputFunction = (bytes, at, _length, type, output) => {
  const oid = uint32At(bytes, at);
  const label = output.context.lookup.enumLabel(oid);
  if (label === undefined) throw valueError(type.name, `no enum label has OID ${oid}`);
  return label;
};

interface CompiledComposite {
  deformer: TupleDeformer;
  /** Undefined for a dropped column. */
  columns: (StoredOutput | undefined)[];
}

const compiled = new WeakMap<TypeOutput, Map<number, CompiledComposite>>();

function compile(oid: number, output: TypeOutput): CompiledComposite {
  let ofOutput = compiled.get(output);
  if (!ofOutput) compiled.set(output, (ofOutput = new Map()));
  let composite = ofOutput.get(oid);
  if (!composite) {
    const { attributes, name } = output.typeInfo(oid);
    if (!attributes) throw valueError(name, 'the columns of its row type are not known');
    composite = { deformer: new TupleDeformer(attributes), columns: attributes.map((a) => (a.dropped ? undefined : output.ofType(a.typeOid))) };
    ofOutput.set(oid, composite);
  }
  return composite;
}

/** record_out(): the row type is the one that the value itself names. */
export const recordOut: OutputFunction = (bytes, at, length, _type, output) => {
  const tupleAt = at - 4;
  const { deformer, columns } = compile(compositeTypeOid(bytes, tupleAt), output);
  const tuple: DeformedTuple = deformer.newResult();
  deformer.deformHeapTuple(bytes, tupleAt, length + 4, tuple);
  const fields: string[] = [];
  for (let i = 0; i < columns.length; i++) {
    const print = columns[i];
    if (!print) continue;
    const size = tuple.length[i]!;
    if (size <= ATTRIBUTE_NULL) {
      fields.push('');
      continue;
    }
    fields.push(recordField(print(bytes, tuple.at[i]!, size)));
  }
  return `(${fields.join(',')})`;
};
