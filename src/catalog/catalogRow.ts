/** Typed access to the columns of a catalog row, straight from the tuple's bytes: catalogs must be read before any type is known. */
import { ATTRIBUTE_MISSING, ATTRIBUTE_NULL, TupleDeformer, type AttributeLayout, type DeformedTuple } from '../rows/deform.js';
import type { TextDecoding } from '../rows/types/encoding.js';
import { isExtended, plainHeaderSize } from '../rows/varlena.js';

/** Column name → position, and the deformer, of one catalog. */
export class CatalogLayout {
  readonly positions = new Map<string, number>();
  readonly deformer: TupleDeformer;

  constructor(columns: readonly (AttributeLayout & { name: string })[]) {
    columns.forEach((column, i) => this.positions.set(column.name, i));
    this.deformer = new TupleDeformer(columns);
  }

  newTuple(): DeformedTuple {
    return this.deformer.newResult();
  }
}

/** What reading a row asks of its catalog. */
export interface CatalogValues {
  /** The plain value of a compressed or out-of-line varlena, its header included in `length`. */
  detoast(bytes: Uint8Array, at: number, length: number): Uint8Array;
  /** Names and texts are in the database's encoding. */
  decode: TextDecoding['decode'];
}

/** One row; the object is filled again for the next, so copy what must last. */
export class CatalogRow {
  private bytes!: Uint8Array;
  private view!: DataView;
  private readonly tuple: DeformedTuple;

  constructor(private readonly layout: CatalogLayout, private readonly values: CatalogValues) {
    this.tuple = layout.newTuple();
  }

  fill(bytes: Uint8Array, view: DataView, at: number, length: number): this {
    this.bytes = bytes;
    this.view = view;
    this.layout.deformer.deformHeapTuple(bytes, at, length, this.tuple);
    return this;
  }

  has(column: string): boolean {
    return this.layout.positions.has(column);
  }

  private at(column: string): number {
    const position = this.layout.positions.get(column);
    if (position === undefined) throw new Error(`no catalog column ${column}`);
    const length = this.tuple.length[position]!;
    return length === ATTRIBUTE_NULL || length === ATTRIBUTE_MISSING ? -1 : this.tuple.at[position]!;
  }

  isNull(column: string): boolean {
    return this.at(column) < 0;
  }

  oid(column: string): number {
    const at = this.at(column);
    return at < 0 ? 0 : this.view.getUint32(at, true);
  }

  int4(column: string): number {
    const at = this.at(column);
    return at < 0 ? 0 : this.view.getInt32(at, true);
  }

  int2(column: string): number {
    const at = this.at(column);
    return at < 0 ? 0 : this.view.getInt16(at, true);
  }

  float4(column: string): number {
    const at = this.at(column);
    return at < 0 ? 0 : this.view.getFloat32(at, true);
  }

  float8(column: string): number {
    const at = this.at(column);
    return at < 0 ? 0 : this.view.getFloat64(at, true);
  }

  int8(column: string): bigint {
    const at = this.at(column);
    return at < 0 ? 0n : this.view.getBigInt64(at, true);
  }

  bool(column: string): boolean {
    const at = this.at(column);
    return at >= 0 && this.bytes[at] !== 0;
  }

  /** A "char": '' for the zero byte. */
  char(column: string): string {
    const at = this.at(column);
    return at < 0 || this.bytes[at] === 0 ? '' : String.fromCharCode(this.bytes[at]!);
  }

  name(column: string): string {
    const at = this.at(column);
    if (at < 0) return '';
    let end = at;
    while (end < at + 64 && this.bytes[end] !== 0) end++;
    return this.values.decode(this.bytes, at, end - at);
  }

  /** A varlena's payload (a copy), detoasted; null for NULL. */
  varlena(column: string): Uint8Array | null {
    const at = this.at(column);
    if (at < 0) return null;
    const length = this.tuple.length[this.layout.positions.get(column)!]!;
    const first = this.bytes[at]!;
    if (isExtended(first)) return this.values.detoast(this.bytes, at, length);
    return this.bytes.slice(at + plainHeaderSize(first), at + length);
  }

  text(column: string): string | null {
    const bytes = this.varlena(column);
    return bytes && this.values.decode(bytes, 0, bytes.length);
  }

  /** A one-dimensional text[]: its elements, null for NULL; an empty list for NULL and for an empty array. */
  texts(column: string): (string | null)[] {
    const bytes = this.varlena(column);
    if (!bytes || bytes.length < 20) return [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const dataOffset = view.getInt32(4, true);
    const elements: (string | null)[] = [];
    // offsets in the array's header count from its length word, which the payload lacks
    let at = dataOffset === 0 ? 20 : dataOffset - 4;
    for (let i = 0; i < view.getInt32(12, true); i++) {
      if (dataOffset !== 0 && (bytes[20 + (i >> 3)]! & (1 << (i & 7))) === 0) {
        elements.push(null);
        continue;
      }
      const isShort = (bytes[at]! & 1) === 1;
      const length = isShort ? bytes[at]! >>> 1 : view.getUint32(at, true) >>> 2;
      const header = isShort ? 1 : 4;
      elements.push(this.values.decode(bytes, at + header, length - header));
      // elements align with the array's first byte, which is four bytes before the payload's
      at += (length + 3) & ~3;
    }
    return elements;
  }

  /** int2vector, oidvector and one-dimensional arrays of int2 or oid without NULLs: the elements. */
  numbers(column: string, elementBytes: 2 | 4, signed = elementBytes === 2): number[] {
    const bytes = this.varlena(column);
    if (!bytes || bytes.length < 20) return [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const count = view.getInt32(0, true) === 0 ? 0 : view.getInt32(12, true);
    const elements: number[] = [];
    for (let i = 0; i < count; i++) {
      const at = 20 + i * elementBytes;
      elements.push(elementBytes === 2 ? view.getInt16(at, true) : signed ? view.getInt32(at, true) : view.getUint32(at, true));
    }
    return elements;
  }
}
