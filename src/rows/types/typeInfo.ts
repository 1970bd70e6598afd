/** What printing a value needs to know of its type, and the questions it asks of a catalog. */
import type { TimeZone } from '../../util/timeZone.js';
import type { PgMajor } from '../../pg/version.js';
import type { TypeAlign } from '../deform.js';
import type { TextDecoding } from './encoding.js';

/** A column of a composite type, from pg_attribute, in order of attnum; dropped ones keep their place. */
export interface CompositeAttribute {
  name: string;
  typeOid: number;
  typmod: number;
  dropped: boolean;
  collationOid: number;
  attlen: number;
  attalign: TypeAlign;
}

/** A row of pg_type with its companions. */
export interface TypeInfo {
  oid: number;
  name: string;
  schema: string;
  typlen: number;
  typbyval: boolean;
  typalign: TypeAlign;
  typstorage: string;
  /** b base, c composite, d domain, e enum, m multirange, p pseudo, r range. */
  typtype: string;
  /**
   * The C symbol of the output function: pg_proc.prosrc of typoutput where its language is internal or c (so that a type made by a user
   * from a built-in function, or citext, prints as that function does), else proname.
   */
  typoutput: string;
  typelem: number;
  typdelim: string;
  typbasetype: number;
  typrelid: number;
  /** Composites: the columns as of the moment. */
  attributes?: readonly CompositeAttribute[];
  /** Ranges: pg_range.rngsubtype. */
  rangeSubtype?: number;
  /** Multiranges: the range type that they hold (pg_range.rngtypid by rngmultitypid). */
  rangeType?: number;
}

/** The kinds of object that a reg* type or another OID-bearing value may name. */
export type RegKind =
  | 'regclass' | 'regproc' | 'regprocedure' | 'regoper' | 'regoperator' | 'regtype' | 'regrole' | 'regnamespace' | 'regcollation' | 'regconfig' | 'regdictionary';

/** The catalog's side. Undefined everywhere: there is no such object at that moment. */
export interface TypeLookup {
  type(oid: number): TypeInfo | undefined;
  /** pg_enum.enumlabel. */
  enumLabel(oid: number): string | undefined;
  /** The name as the reg* type's output function prints it: quoted, and qualified where the search path does not find it. */
  regName(kind: RegKind, oid: number): string | undefined;
  /** pg_authid.rolname, not quoted. */
  roleName(oid: number): string | undefined;
}

export interface OutputContext {
  lookup: TypeLookup;
  /** Of the server whose bytes these are: a few values mean or print something else between majors. */
  major: PgMajor;
  /** The TimeZone setting that timestamptz prints in. */
  timeZone: TimeZone;
  encoding: TextDecoding;
  /**
   * The plain value, without any header, of a compressed or out-of-line varlena whose `length` bytes (header included) begin at `at`.
   * Throws a located error where it cannot be had.
   */
  detoast(bytes: Uint8Array, at: number, length: number): Uint8Array;
  /** A value was printed as `\x…` because its type's output function is not known here. Called for every such value. */
  unknownType(type: TypeInfo): void;
}

/**
 * Prints one value as its type's output function does. `length` bytes at `at` are the value without a varlena header; alignment inside
 * a varlena counts from `at - 4`, as if a 4-byte header stood before it.
 */
export type OutputFunction = (bytes: Uint8Array, at: number, length: number, type: TypeInfo, output: TypeOutput) => string;

/** Prints a value as it is stored: `length` bytes at `at`, a varlena's header included. */
export type StoredOutput = (bytes: Uint8Array, at: number, length: number) => string;

/** What output functions call back into: other types' output, and the context. */
export interface TypeOutput {
  readonly context: OutputContext;
  /** The printer of stored values of a type, made once for each type. Throws `row.type` where the catalog does not know the type. */
  ofType(oid: number): StoredOutput;
  typeInfo(oid: number): TypeInfo;
}
