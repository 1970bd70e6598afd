/** A table as of a moment: its visible rows, each value printed when it is asked for. */
import { ForkNumber, formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import { SIZE_OF_HEAP_TUPLE_HEADER, T_CTID } from '../pg/heapTuple.js';
import { readBlockId, readItemPointerOffset } from '../pg/itemPointer.js';
import { BLCKSZ, LP_NORMAL, SIZE_OF_PAGE_HEADER, type Page } from '../pg/page.js';
import { ATTRIBUTE_MISSING, TupleDeformer, type DeformedTuple } from '../rows/deform.js';
import { PLAIN_OUTPUT_FUNCTIONS, TEXT_OUTPUT_FUNCTIONS, type StoredByteOutput } from '../rows/types/byteOutput.js';
import type { StoredOutput } from '../rows/types/typeInfo.js';
import type { TypeOutputs } from '../rows/types/typeOutputs.js';
import { isExtended, plainHeaderSize, varsizeAny } from '../rows/varlena.js';
import { hexOf } from '../rows/bytes.js';
import { visibleTuples, type TupleState, type Visibility } from '../rows/visibility.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import type { ByteSink, FieldForm } from '../util/byteSink.js';
import type { Finding } from '../util/finding.js';
import { Catalog } from './catalog.js';
import type { Column, Relation } from './relation.js';

/** A row version under the reader's hands. Filled again for the next row: copy what must last. */
export class RowView {
  page!: Page;
  block = 0;
  offnum = 0;
  at = 0;
  length = 0;
  private bytes!: Uint8Array;
  private readonly tuple: DeformedTuple;
  private deformed = false;

  constructor(private readonly deformer: TupleDeformer, private readonly columns: readonly ReadableColumn[]) {
    this.tuple = deformer.newResult();
  }

  fill(page: Page, block: number, offnum: number, at: number, length: number): this {
    this.page = page;
    this.block = block;
    this.offnum = offnum;
    return this.fillTuple(page.bytes, at, length);
  }

  /** A tuple that lies somewhere: its values can be read, its place and header not. */
  fillTuple(bytes: Uint8Array, at: number, length: number): this {
    this.bytes = bytes;
    this.at = at;
    this.length = length;
    this.deformed = false;
    return this;
  }

  private deform(): void {
    if (this.deformed) return;
    this.deformer.deformHeapTuple(this.bytes, this.at, this.length, this.tuple);
    this.deformed = true;
  }

  /** The value of the i-th readable column in PostgreSQL's output form; null for NULL. */
  value(i: number): string | null {
    this.deform();
    const column = this.columns[i]!;
    if (column.compute) return column.compute(this);
    const position = column.position;
    const length = this.tuple.length[position]!;
    if (length >= 0) return column.print(this.bytes, this.tuple.at[position]!, length);
    return length === ATTRIBUTE_MISSING ? column.missing : null;
  }

  /** As value(), as a field of a text format: what stands for NULL, or the value's text, escaped. */
  fieldInto(i: number, sink: ByteSink, form: FieldForm): void {
    this.deform();
    const column = this.columns[i]!;
    const position = column.position;
    const length = this.tuple.length[position]!;
    const from = sink.length;
    if (column.isStoredText && length > 0) {
      const { bytes } = this;
      const at = this.tuple.at[position]!;
      const first = bytes[at]!;
      if (!isExtended(first)) {
        const header = plainHeaderSize(first);
        if (sink.copyWatching(bytes, at + header, length - header, form.special) || length === header) form.escape(sink, from);
        return;
      }
    }
    if (length >= 0) column.printBytes(this.bytes, this.tuple.at[position]!, length, sink);
    else if (length === ATTRIBUTE_MISSING && column.missing !== null) sink.text(column.missing, column.charset);
    else {
      sink.copy(form.nullText, 0, form.nullText.length);
      return;
    }
    if (!column.isPlain) form.escape(sink, from);
  }

  /** True where the i-th column is stored with the same bytes as the j-th of another row: then it has the same value, if both are of one type. */
  storesTheSame(i: number, other: RowView, j: number): boolean {
    if (this.columns[i]!.compute) return false;
    this.deform();
    other.deform();
    const mine = this.columns[i]!.position, theirs = other.columns[j]!.position;
    const length = this.tuple.length[mine]!;
    if (length !== other.tuple.length[theirs]!) return false;
    const atMine = this.tuple.at[mine]!, atTheirs = other.tuple.at[theirs]!;
    for (let n = 0; n < length; n++) if (this.bytes[atMine + n] !== other.bytes[atTheirs + n]) return false;
    return length !== ATTRIBUTE_MISSING;
  }

  isNull(i: number): boolean {
    return this.value(i) === null;
  }

  values(): (string | null)[] {
    const row: (string | null)[] = new Array(this.columns.length);
    for (let i = 0; i < row.length; i++) row[i] = this.value(i);
    return row;
  }

  get ctid(): string { return `(${this.block},${this.offnum})`; }
  get xmin(): number { return this.page.view.getUint32(this.at, true); }
  get xmax(): number { return this.page.view.getUint32(this.at + 4, true); }
  get infomask(): number { return this.page.view.getUint16(this.at + 20, true); }
  /** t_ctid: the next version of the row, or this one. */
  get next(): { block: number; offnum: number } {
    return { block: readBlockId(this.page.view, this.at + T_CTID), offnum: readItemPointerOffset(this.page.view, this.at + T_CTID) };
  }
}

/** A column with what reading it takes. */
export interface ReadableColumn {
  column: Column;
  /** Place in the tuple: attnum − 1. */
  position: number;
  print: StoredOutput;
  /** As print, into a buffer. */
  printBytes: StoredByteOutput;
  /** What it prints holds nothing that a text format escapes. */
  isPlain: boolean;
  /** A varlena whose stored bytes are its text. */
  isStoredText: boolean;
  /** How what print gives becomes bytes. */
  charset: 'utf8' | 'latin1';
  /** Of a virtual generated column: its value, which no row stores. */
  compute?: (row: RowView) => string | null;
  /** Printed attmissingval, for tuples that are older than the column. */
  missing: string | null;
}

export class Table {
  readonly columns: readonly ReadableColumn[];
  readonly file: RelFork;
  private readonly deformer: TupleDeformer;

  /** `dropped`: shows dropped columns too, with what they were before where it has them by attnum. `virtual`: makes what computes virtual columns. */
  constructor(readonly catalog: Catalog, readonly relation: Relation, outputs: TypeOutputs, options: { dropped?: ReadonlyMap<number, Column>; virtual?: (table: Table) => (place: number, row: RowView) => string | null } = {}) {
    const columns = catalog.columns(relation.oid);
    this.deformer = new TupleDeformer(Catalog.layout(columns));
    this.file = { ...relation.locator, fork: ForkNumber.main };
    this.columns = columns
      .filter((column) => !column.dropped || options.dropped)
      .map((column) => readable(column, column.dropped ? options.dropped?.get(column.attnum) : column, outputs));
    if (!options.virtual || !columns.some((column) => column.generated === 'v')) return;
    const value = options.virtual(this);
    this.columns.forEach((readable, place) => {
      if (readable.column.generated === 'v') readable.compute = (row) => value(place, row);
    });
  }

  get visibility(): Visibility { return this.catalog.visibility; }
  get schema(): string { return this.catalog.schemaOf(this.relation); }

  newRow(): RowView {
    return new RowView(this.deformer, this.columns);
  }

  /**
   * Calls `emit` with every visible row in physical order (the order in which a sequential scan gives them); it may stop the scan by
   * giving false. What cannot be read is handed to `finding` and left out.
   */
  scan(emit: (row: RowView) => boolean | void, finding: (finding: Finding) => void, from = 0, to = 0x1_0000_0000): void {
    const row = this.newRow();
    let stopped = false;
    this.catalog.snapshot.scan(this.file, (block, { page, unknown }) => {
      if (unknown) {
        finding(this.unknownBlock(block, unknown));
        return true;
      }
      visibleTuples(page, this.catalog.visibility, (offnum, at, length) => {
        if (!stopped && emit(row.fill(page, block, offnum, at, length)) === false) stopped = true;
      }, (offnum) => finding(this.damagedRow(block, offnum)));
      return !stopped;
    }, from, to);
  }

  /** As scan(), the row versions that the moment does not see: dead ones that no VACUUM has taken away, and those of aborted transactions. */
  scanDead(emit: (row: RowView, state: Exclude<TupleState, 'live'>) => boolean | void, finding: (finding: Finding) => void, from = 0, to = 0x1_0000_0000): void {
    const row = this.newRow();
    this.catalog.snapshot.scan(this.file, (block, { page, unknown }) => {
      if (unknown) {
        finding(this.unknownBlock(block, unknown));
        return true;
      }
      for (let offnum = 1; offnum <= page.maxOffset; offnum++) {
        if (page.lpFlags(offnum) !== LP_NORMAL) continue;
        const at = page.lpOff(offnum), length = page.lpLen(offnum);
        if (at < SIZE_OF_PAGE_HEADER || length < SIZE_OF_HEAP_TUPLE_HEADER || at + length > BLCKSZ) {
          finding(this.damagedRow(block, offnum));
          continue;
        }
        const state = this.catalog.visibility.tupleState(page.view, at);
        if (state !== 'live' && emit(row.fill(page, block, offnum, at, length), state) === false) return false;
      }
      return true;
    }, from, to);
  }

  unknownBlock(block: number, { lsn, rmgr }: { lsn: Lsn; rmgr: string }): Finding {
    return {
      code: 'page.unknown', message: `block ${block} of ${this.relation.name} is unknown after ${formatLsn(lsn)} (${rmgr})`,
      place: { block: `${formatRelFork(this.file)} block ${block}`, lsn: formatLsn(lsn), rmgr },
    };
  }

  damagedRow(block: number, offnum: number): Finding {
    return { code: 'row.damaged', message: `line pointer ${offnum} of block ${block} of ${this.relation.name} is damaged`, place: { block: `${formatRelFork(this.file)} block ${block}` } };
  }
}

/** `typed` has the column's type; undefined for a dropped column whose type is forgotten. */
function readable(column: Column, typed: Column | undefined, outputs: TypeOutputs): ReadableColumn {
  const isKnown = typed !== undefined && (!column.dropped || outputs.context.lookup.type(typed.typeOid) !== undefined);
  const print = isKnown ? outputs.ofType(typed.typeOid) : bytesOf(column, outputs);
  let missing: string | null = null;
  if (column.missing) missing = print(column.missing, 0, column.attlen > 0 ? column.attlen : varsizeAny(column.missing, 0));
  const charset = outputs.context.encoding.outputCharset;
  return {
    column, position: column.attnum - 1, print, missing, charset,
    printBytes: isKnown ? outputs.bytesOfType(typed.typeOid) : (bytes, at, length, sink) => sink.text(print(bytes, at, length), charset),
    isStoredText: isKnown && outputs.context.encoding.isOutputForm && TEXT_OUTPUT_FUNCTIONS.has(outputs.typeInfo(typed.typeOid).typoutput),
    isPlain: isKnown && PLAIN_OUTPUT_FUNCTIONS.has(outputs.typeInfo(typed.typeOid).typoutput),
  };
}

/** A value whose type is not known, as bytea would print its bytes. */
function bytesOf(column: Column, outputs: TypeOutputs): StoredOutput {
  if (column.attlen !== -1) return (bytes, at, length) => `\\x${hexOf(bytes, at, length)}`;
  return (bytes, at, length) => {
    const plain = outputs.context.detoast(bytes, at, length);
    return `\\x${hexOf(plain, 0, plain.length)}`;
  };
}
