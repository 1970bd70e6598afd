/** Relations of a database as of a moment. */
import { hasHeapStorage, RELKIND_NAMES, type Relation } from '../catalog/relation.js';
import { BLCKSZ } from '../pg/page.js';
import { WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { isSystemSchema, type DatabaseAt } from './session.js';

export interface TableRow {
  oid: number;
  schema: string;
  name: string;
  /** As psql names it: `table`, `partitioned table`, `sequence`, … */
  type: string;
  owner: string;
  persistence: string;
  /** Blocks of the main fork; undefined for a relation without a file. */
  pages: number | undefined;
  bytes: number | undefined;
  /** Visible rows, where they were asked for and the relation has rows. */
  rows: number | undefined;
  /** True where no relation of this OID is left at the case's last moment. */
  droppedSince: boolean;
}

export interface TablesOptions {
  /** psql's pattern: `*` and `?`, optionally `schema.name`. */
  pattern?: string;
  /** System schemas too. */
  all?: boolean;
  /** Counts the visible rows; what of them cannot be read is told here. */
  count?: (finding: Finding) => void;
}

const LISTED_KINDS = 'rpvmSft';

/** Lists relations by schema and name. */
export function listTables(database: DatabaseAt, options: TablesOptions): TableRow[] {
  const matches = patternMatcher(options.pattern);
  const later = laterRelations(database);
  const rows: TableRow[] = [];
  for (const relation of database.catalog.relations.values()) {
    const schema = database.catalog.schemaOf(relation);
    if (!LISTED_KINDS.includes(relation.kind) || (relation.kind === 't' && !options.all)) continue;
    if (isSystemSchema(schema) && !options.all) continue;
    if (!matches(schema, relation.name)) continue;
    rows.push(describe(database, relation, schema, later, options.count));
  }
  return rows.sort((a, b) => compareText(a.schema, b.schema) || compareText(a.name, b.name));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function describe(database: DatabaseAt, relation: Relation, schema: string, later: Set<number> | undefined, count: TablesOptions['count']): TableRow {
  const pages = database.blocks(relation);
  return {
    oid: relation.oid, schema, name: relation.name, type: RELKIND_NAMES[relation.kind] ?? relation.kind,
    owner: database.types.roleName(relation.ownerOid) ?? String(relation.ownerOid), persistence: relation.persistence,
    pages, bytes: pages === undefined ? undefined : pages * BLCKSZ,
    rows: count && hasHeapStorage(relation) && relation.persistence === 'p' ? countRows(database, relation, count) : undefined,
    droppedSince: later !== undefined && !later.has(relation.oid),
  };
}

/** Visible rows of a relation: pages only, no value is looked at. Undefined, with a finding, where not all of them can be counted. */
export function countRows(database: DatabaseAt, relation: Relation, finding: (finding: Finding) => void): number | undefined {
  let rows = 0;
  let isWhole = true;
  const miss = (what: Finding): void => {
    isWhole = false;
    finding(what);
  };
  try {
    database.open(relation).scan(() => void rows++, miss);
  } catch (error) {
    if (!(error instanceof WalscopeError)) throw error;
    miss({ code: error.code, message: `the rows of ${relation.name} cannot be counted: ${error.message}` });
  }
  return isWhole ? rows : undefined;
}

/** OIDs of the relations at the last moment of the case; undefined where that is this moment. An empty set: the database is gone. */
function laterRelations(database: DatabaseAt): Set<number> | undefined {
  const { session, moment } = database;
  const latest = session.moment('latest');
  if (latest.lsn === moment.lsn) return undefined;
  const same = session.databasesAt(latest).find((d) => d.database.oid === database.database.oid);
  return new Set(same ? same.catalog.relations.keys() : []);
}

/** psql's patterns: `*` any characters, `?` one, lower case unless quoted, `schema.name`. */
function patternMatcher(pattern: string | undefined): (schema: string, name: string) => boolean {
  if (pattern === undefined) return () => true;
  const parts: string[] = [''];
  let quoted = false;
  for (const c of pattern) {
    if (c === '"') quoted = !quoted;
    else if (c === '.' && !quoted) parts.push('');
    else parts[parts.length - 1] += quoted ? escapeRegExp(c) : c === '*' ? '.*' : c === '?' ? '.' : escapeRegExp(c.toLowerCase());
  }
  const name = new RegExp(`^${parts.pop()!}$`, 's');
  const schema = parts.length > 0 ? new RegExp(`^${parts.pop()!}$`, 's') : undefined;
  return (s, n) => name.test(n) && (!schema || schema.test(s));
}

function escapeRegExp(c: string): string {
  return c.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
