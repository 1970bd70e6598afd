/** What a question reads rows from: a relation's own rows, or those of all tables that a parent stands for. */
import type { Table } from '../catalog/table.js';
import { WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { tablesNamed } from './children.js';
import type { DatabaseAt, Findings } from './session.js';

export interface SourcePart {
  table: Table;
  /** Where the part has each of the source's columns, matched by name; undefined: in the same places. */
  places: readonly number[] | undefined;
}

export interface ScanSource {
  /** The relation asked for; its columns are the answer's. */
  table: Table;
  parts: readonly SourcePart[];
  /** What the user should know of the rows. */
  notices: readonly string[];
  /** Parts whose rows cannot be given. */
  missing: readonly Finding[];
}

export interface SourceOptions {
  /** As SELECT … FROM ONLY: without the rows of children. */
  only?: boolean;
  withDropped?: boolean;
}

/** What there was of a relation when a history begins; undefined where it was not there, or, with a finding, was unlogged. */
export function sourceAtFirst(database: DatabaseAt, oid: number, options: SourceOptions, findings: Findings): ScanSource | undefined {
  const relation = database.catalog.relation(oid);
  if (relation?.persistence !== 'u') return relation && openSource(database, `oid:${oid}`, options);
  findings.add({ code: 'table.unlogged', message: `${relation.name} was unlogged at first: what it held before it was logged is in no WAL` });
  return undefined;
}

/** The relation of that name with its children; refused by what it is where neither has rows here. */
export function openSource(database: DatabaseAt, name: string, options: SourceOptions = {}): ScanSource {
  const relation = database.relation(name);
  const relations = tablesNamed(database, relation, options.only);
  if (relations.length === 1 && relations[0] === relation) return ownRows(database.open(relation, options));
  const table = database.describe(relation, options);
  const parts: SourcePart[] = [];
  const missing: Finding[] = [];
  for (const child of relations) {
    try {
      const part = database.open(child, options);
      parts.push({ table: part, places: placesIn(table, part) });
    } catch (error) {
      // a child that has no rows to give leaves the others
      if (!(error instanceof WalscopeError)) throw error;
      missing.push({ code: error.code, message: error.message, place: {} });
    }
  }
  return { table, parts, notices: noticesOf(table), missing };
}

/** The rows of one table alone. */
export function ownRows(table: Table): ScanSource {
  return { table, parts: [{ table, places: undefined }], notices: noticesOf(table), missing: [] };
}

function placesIn(parent: Table, part: Table): readonly number[] | undefined {
  const byName = new Map(part.columns.map((c, i) => [c.column.name, i]));
  const places = parent.columns.map(({ column }) => byName.get(column.name) ?? -1);
  return places.every((place, i) => place === i) ? undefined : places;
}

function noticesOf(table: Table): string[] {
  const notices: string[] = [];
  if (table.relation.kind === 'S') notices.push('a sequence as the WAL has it, which may be up to 32 values (or its cache) ahead of the last one that was handed out');
  return notices;
}
