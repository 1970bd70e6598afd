/** Tables of a real server, read from its files after it stopped, for comparing with what it said itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { copyOut } from '../../fixtures/postgres/copy.js';
import { BLCKSZ, LP_NORMAL, Page } from '../../src/pg/page.js';
import type { PgMajor } from '../../src/pg/version.js';
import { ATTRIBUTE_MISSING, ATTRIBUTE_NULL, TupleDeformer, type TypeAlign } from '../../src/rows/deform.js';
import { detoast, readToastChunk, type ToastChunk } from '../../src/rows/toast.js';
import { textDecoding } from '../../src/rows/types/encoding.js';
import { TypeOutputs } from '../../src/rows/types/typeOutputs.js';
import type { CompositeAttribute, OutputContext, RegKind, TypeInfo, TypeLookup } from '../../src/rows/types/typeInfo.js';
import type { Visibility } from '../../src/rows/visibility.js';
import { ByteSink } from '../../src/util/byteSink.js';
import { timeZone } from '../../src/util/timeZone.js';

/** What the server's catalogs say of types, taken through SQL: independent of how walscope reads them. */
export class SqlTypeLookup implements TypeLookup {
  readonly types = new Map<number, TypeInfo>();
  readonly labels = new Map<number, string>();
  readonly roles = new Map<number, string>();
  readonly names = new Map<RegKind, Map<number, string>>();

  static async read(client: Client, major: PgMajor): Promise<SqlTypeLookup> {
    const lookup = new SqlTypeLookup();
    const multirange = major >= 14 ? 'm.rngtypid' : 'NULL::oid';
    const multirangeJoin = major >= 14 ? 'LEFT JOIN pg_range m ON m.rngmultitypid = t.oid' : '';
    const { rows: types } = await client.query<Record<string, string>>(`
      SELECT t.oid, typname, nspname, typlen, typbyval, typalign, typstorage, typtype, typelem, typdelim, typbasetype, typrelid,
        CASE WHEN lanname IN ('internal', 'c') THEN prosrc ELSE proname END AS typoutput, r.rngsubtype, ${multirange} AS rngtypid
      FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace JOIN pg_proc p ON p.oid = typoutput JOIN pg_language l ON l.oid = prolang
      LEFT JOIN pg_range r ON r.rngtypid = t.oid ${multirangeJoin}`);
    for (const row of types) {
      lookup.types.set(Number(row.oid), {
        oid: Number(row.oid), name: row.typname!, schema: row.nspname!, typlen: Number(row.typlen), typbyval: String(row.typbyval) === 'true',
        typalign: row.typalign as TypeAlign, typstorage: row.typstorage!, typtype: row.typtype!, typoutput: row.typoutput!, typelem: Number(row.typelem),
        typdelim: row.typdelim!, typbasetype: Number(row.typbasetype), typrelid: Number(row.typrelid),
        rangeSubtype: row.rngsubtype ? Number(row.rngsubtype) : undefined, rangeType: row.rngtypid ? Number(row.rngtypid) : undefined,
      });
    }
    await lookup.readComposites(client);
    for (const row of (await client.query<Record<string, string>>('SELECT oid, enumlabel FROM pg_enum')).rows) lookup.labels.set(Number(row.oid), row.enumlabel!);
    for (const row of (await client.query<Record<string, string>>('SELECT oid, rolname FROM pg_roles')).rows) lookup.roles.set(Number(row.oid), row.rolname!);
    await lookup.readNames(client);
    return lookup;
  }

  private async readComposites(client: Client): Promise<void> {
    const { rows } = await client.query<Record<string, string>>(`
      SELECT t.oid, attname, atttypid, atttypmod, attisdropped, attlen, attalign FROM pg_type t JOIN pg_attribute ON attrelid = typrelid
      WHERE attnum > 0 ORDER BY t.oid, attnum`);
    for (const row of rows) {
      const type = this.types.get(Number(row.oid))!;
      const attributes = (type.attributes ??= []) as CompositeAttribute[];
      attributes.push({
        name: row.attname!, typeOid: Number(row.atttypid), typmod: Number(row.atttypmod), dropped: String(row.attisdropped) === 'true',
        collationOid: 0, attlen: Number(row.attlen), attalign: row.attalign as TypeAlign,
      });
    }
  }

  private async readNames(client: Client): Promise<void> {
    const sources: Record<RegKind, string> = {
      regclass: 'pg_class', regproc: 'pg_proc', regprocedure: 'pg_proc', regoper: 'pg_operator', regoperator: 'pg_operator', regtype: 'pg_type',
      regrole: 'pg_roles', regnamespace: 'pg_namespace', regcollation: 'pg_collation', regconfig: 'pg_ts_config', regdictionary: 'pg_ts_dict',
    };
    for (const [kind, table] of Object.entries(sources)) {
      const { rows } = await client.query<Record<string, string>>(`SELECT oid, oid::${kind}::text AS name FROM ${table}`);
      this.names.set(kind as RegKind, new Map(rows.map((row) => [Number(row.oid), row.name!])));
    }
  }

  type(oid: number): TypeInfo | undefined { return this.types.get(oid); }
  enumLabel(oid: number): string | undefined { return this.labels.get(oid); }
  roleName(oid: number): string | undefined { return this.roles.get(oid); }
  regName(kind: RegKind, oid: number): string | undefined { return this.names.get(kind)!.get(oid); }
}

export interface RealColumn {
  name: string;
  typeOid: number;
  attlen: number;
  attalign: TypeAlign;
  dropped: boolean;
  hasMissing: boolean;
  /** The text of attmissingval's element, null where there is none. */
  missing: string | null;
}

export interface RealTable {
  name: string;
  columns: RealColumn[];
  path: string;
  toastOid: number;
  toastPath: string | undefined;
  /** What the server copies out in its TimeZone setting, by zone. */
  copies: Map<string, Buffer>;
}

/** Describes a table and lets the server copy it out, once in each zone. */
export async function describeTable(client: Client, name: string, zones: readonly string[] = ['UTC']): Promise<RealTable> {
  const { rows: [place] } = await client.query<Record<string, string>>(
    'SELECT pg_relation_filepath(oid) AS path, reltoastrelid AS toast, pg_relation_filepath(nullif(reltoastrelid, 0)) AS toastpath FROM pg_class WHERE oid = $1::regclass', [name]);
  const { rows } = await client.query<Record<string, string>>(
    'SELECT attname, atttypid, attlen, attalign, attisdropped, atthasmissing, (attmissingval::text::text[])[1] AS missing FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum', [name]);
  const copies = new Map<string, Buffer>();
  for (const zone of zones) {
    await client.query(`SET timezone = '${zone}'`);
    copies.set(zone, await copyOut(client, `COPY ${name} TO STDOUT`));
  }
  await client.query("SET timezone = 'UTC'");
  return {
    name, path: place!.path!, toastOid: Number(place!.toast), toastPath: place!.toastpath ?? undefined, copies,
    columns: rows.map((row) => ({
      name: row.attname!, typeOid: Number(row.atttypid), attlen: Number(row.attlen), attalign: row.attalign as TypeAlign, dropped: String(row.attisdropped) === 'true',
      hasMissing: String(row.atthasmissing) === 'true', missing: row.missing ?? null,
    })),
  };
}

/** Calls `each` for every normal line pointer of a heap file, in physical order. */
export function forEachTuple(path: string, each: (bytes: Uint8Array, at: number, length: number) => void): void {
  const file = readFileSync(path);
  for (let at = 0; at + BLCKSZ <= file.length; at += BLCKSZ) {
    const page = new Page(new Uint8Array(file.subarray(at, at + BLCKSZ)));
    for (let offnum = 1; offnum <= page.maxOffset; offnum++) {
      if (page.lpFlags(offnum) === LP_NORMAL) each(page.bytes, page.itemAt(offnum), page.lpLen(offnum));
    }
  }
}

const COPY_ESCAPES: Record<string, string> = { '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\' };

/** CopyAttributeOutText() with the default delimiter. */
export function copyText(value: string): string {
   
  return value.replace(/[\b\f\n\r\t\v\\]/g, (c) => COPY_ESCAPES[c]!);
}

export interface ReadOptions {
  major: PgMajor;
  lookup: TypeLookup;
  /** Leave out the tuples that it does not see; default: all are alive. */
  visibility?: Visibility;
  zone?: string;
  /** pg_enc; default UTF8. */
  encoding?: number;
  unknownTypes?: Set<string>;
}

/** A context with the chunks of a table's TOAST relation at hand, and the plain value of any varlena for tests' own use. */
export function outputContext(options: ReadOptions, toastOid = 0, chunks: ReadonlyMap<number, ToastChunk[]> = new Map()): OutputContext & { plain: OutputContext['detoast'] } {
  const plain: OutputContext['detoast'] = (bytes, at, length) => detoast(bytes, at, length, (relid, valueId) => (relid === toastOid ? chunks.get(valueId) ?? [] : []));
  return {
    lookup: options.lookup,
    major: options.major,
    timeZone: timeZone(options.zone ?? 'UTC')!,
    encoding: textDecoding(options.encoding ?? 6)!,
    detoast: plain,
    plain,
    unknownType: (type) => options.unknownTypes?.add(type.name),
  };
}

function readChunks(path: string): Map<number, ToastChunk[]> {
  const chunks = new Map<number, ToastChunk[]>();
  forEachTuple(path, (bytes, at, length) => {
    const chunk = readToastChunk(bytes, at, length);
    const list = chunks.get(chunk.valueId) ?? [];
    list.push(chunk);
    chunks.set(chunk.valueId, list);
  });
  for (const list of chunks.values()) list.sort((a, b) => a.chunkSeq - b.chunkSeq);
  return chunks;
}

/** The table's values through the byte printers, each of which must give what the string printer gives. */
function expectSameBytes(outputs: TypeOutputs, typeOid: number, bytes: Uint8Array, at: number, length: number, text: string): void {
  const sink = new ByteSink(1);
  sink.byte(0x2a);
  outputs.bytesOfType(typeOid)(bytes, at, length, sink);
  const charset = outputs.context.encoding.outputCharset;
  if (!Buffer.from(`*${text}`, charset).equals(sink.bytes.subarray(0, sink.length))) {
    throw new Error(`printed as bytes: ${Buffer.from(sink.bytes.subarray(1, sink.length)).toString(charset)}; as a string: ${text}`);
  }
}

/** Reads a table from the stopped server's files and lays it out as COPY does. */
export function readTableAsCopy(dataDir: string, table: RealTable, options: ReadOptions): string[] {
  const chunks = table.toastPath === undefined ? new Map<number, ToastChunk[]>() : readChunks(join(dataDir, table.toastPath));
  const outputs = new TypeOutputs(outputContext(options, table.toastOid, chunks));
  const deformer = new TupleDeformer(table.columns);
  const printers = table.columns.map((column) => (column.dropped ? undefined : outputs.ofType(column.typeOid)));
  const tuple = deformer.newResult();
  const lines: string[] = [];
  forEachTuple(join(dataDir, table.path), (bytes, at, length) => {
    if (options.visibility && !options.visibility.isVisible(new DataView(bytes.buffer, bytes.byteOffset), at)) return;
    deformer.deformHeapTuple(bytes, at, length, tuple);
    const fields: string[] = [];
    printers.forEach((print, i) => {
      if (!print) return;
      const size = tuple.length[i]!;
      const value = size === ATTRIBUTE_MISSING ? table.columns[i]!.missing : size === ATTRIBUTE_NULL ? null : print(bytes, tuple.at[i]!, size);
      if (value !== null && size >= 0) expectSameBytes(outputs, table.columns[i]!.typeOid, bytes, tuple.at[i]!, size, value);
      fields.push(value === null ? '\\N' : copyText(value));
    });
    lines.push(fields.join('\t'));
  });
  return lines;
}
