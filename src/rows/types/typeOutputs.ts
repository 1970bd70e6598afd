/** The printers of one catalog state: values to text, by type OID. */
import { inputError } from '../../util/errors.js';
import { hexOf } from '../bytes.js';
import { isExtended, plainHeaderSize } from '../varlena.js';
import { BYTE_OUTPUT_FUNCTIONS, type StoredByteOutput } from './byteOutput.js';
import { OUTPUT_FUNCTIONS } from './outputFunctions.js';
import type { OutputContext, OutputFunction, StoredOutput, TypeInfo, TypeOutput } from './typeInfo.js';
import { own } from '../../util/own.js';

/** Make one for each moment and database: what its lookup answered is kept. */
export class TypeOutputs implements TypeOutput {
  private readonly stored = new Map<number, StoredOutput>();
  private readonly storedBytes = new Map<number, StoredByteOutput>();

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

  /** As ofType(), writing UTF-8 (or the bytes that the server's encoding keeps) into a sink: for scans of whole tables. */
  bytesOfType(oid: number): StoredByteOutput {
    let print = this.storedBytes.get(oid);
    if (!print) {
      print = this.compileBytes(this.typeInfo(oid));
      this.storedBytes.set(oid, print);
    }
    return print;
  }

  private compileBytes(type: TypeInfo): StoredByteOutput {
    const printText = this.ofType(type.oid);
    const charset = this.context.encoding.outputCharset;
    const asText: StoredByteOutput = (bytes, at, length, sink) => sink.text(printText(bytes, at, length), charset);
    const print = own(BYTE_OUTPUT_FUNCTIONS, type.typoutput);
    if (!print) return asText;
    if (type.typlen !== -1) {
      return (bytes, at, length, sink) => {
        if (!print(bytes, at, length, sink, this)) asText(bytes, at, length, sink);
      };
    }
    return (bytes, at, length, sink) => {
      const first = bytes[at]!;
      const header = plainHeaderSize(first);
      if (isExtended(first) || !print(bytes, at + header, length - header, sink, this)) asText(bytes, at, length, sink);
    };
  }

  private compile(type: TypeInfo): StoredOutput {
    const print = own(OUTPUT_FUNCTIONS, type.typoutput) ?? unknownOut;
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
