/** The printers of one catalog state: values to text, by type OID. */
import { inputError } from '../../util/errors.js';
import { hexOf } from '../bytes.js';
import { isExtended, plainHeaderSize } from '../varlena.js';
import { OUTPUT_FUNCTIONS } from './outputFunctions.js';
import type { OutputContext, OutputFunction, StoredOutput, TypeInfo, TypeOutput } from './typeInfo.js';

/** Make one for each moment and database: what its lookup answered is kept. */
export class TypeOutputs implements TypeOutput {
  private readonly stored = new Map<number, StoredOutput>();

  constructor(readonly context: OutputContext) {}

  typeInfo(oid: number): TypeInfo {
    const type = this.context.lookup.type(oid);
    if (!type) throw inputError('row.type', `no type has OID ${oid} at this moment`);
    return type;
  }

  ofType(oid: number): StoredOutput {
    let print = this.stored.get(oid);
    if (!print) {
      print = this.compile(this.typeInfo(oid));
      this.stored.set(oid, print);
    }
    return print;
  }

  private compile(type: TypeInfo): StoredOutput {
    const print = Object.hasOwn(OUTPUT_FUNCTIONS, type.typoutput) ? OUTPUT_FUNCTIONS[type.typoutput]! : unknownOut;
    if (type.typlen !== -1) return (bytes, at, length) => print(bytes, at, length, type, this);
    return (bytes, at, length) => {
      const first = bytes[at]!;
      if (isExtended(first)) {
        const plain = this.context.detoast(bytes, at, length);
        return print(plain, 0, plain.length, type, this);
      }
      const header = plainHeaderSize(first);
      return print(bytes, at + header, length - header, type, this);
    };
  }
}

/** What no output function is known for: its bytes in hexadecimal, and a notice. */
const unknownOut: OutputFunction = (bytes, at, length, type, output) => {
  output.context.unknownType(type);
  return `\\x${hexOf(bytes, at, length)}`;
};
