/**
 * Indexes, constraints and partitioning as of a moment, in the words of pg_get_indexdef(), pg_get_constraintdef(), pg_get_partkeydef()
 * and pg_get_expr(relpartbound): utils/adt/ruleutils.c, PG 13–18. Where an expression is not deparsed, `unknown` says which.
 */
import { qualifyName, quoteIdentifier, quoteLiteral } from '../util/quote.js';
import type { CatalogRow } from './catalogRow.js';
import { deparse, deparseBareConst, deparseText, type DeparseLookup, type Deparsed } from './deparse.js';
import { isA, list, token } from './ruleutils/nodes.js';
import { looksLikeFunction } from './ruleutils/tableFunctions.js';
import { isNode, NodeTreeError, parseNodeTree, type TreeNode, type TreeValue } from './ruleutils/nodeTree.js';

const INDOPTION_DESC = 1;
const INDOPTION_NULLS_FIRST = 2;

/** One definition: its SQL, and what of it could not be deparsed. */
export interface Definition {
  sql: string;
  /** Empty: all of it. */
  unknown: string;
}

export interface IndexDefinition extends Definition {
  oid: number;
  name: string;
  isPrimary: boolean;
  isUnique: boolean;
  isValid: boolean;
  isReplicaIdentity: boolean;
}

export interface ConstraintDefinition extends Definition {
  oid: number;
  name: string;
  /** pg_constraint.contype: p, u, f, c, x, n, t. */
  type: string;
  relOid: number;
  /** What a foreign key refers to. */
  referencedOid: number;
  indexOid: number;
  /** Attnums of the columns it is on. */
  columns: number[];
  isLocal: boolean;
  /** The constraint of the partitioned table that this one comes from; 0: none. */
  parentOid: number;
}

/** Reads definitions of one database at one moment; catalogs are read once. */
export class Definitions {
  private options: Map<number, string[]> | undefined;
  private bounds: Map<number, string> | undefined;

  constructor(private readonly lookup: DeparseLookup) {}

  private columnName(relOid: number, attnum: number): string {
    const column = this.lookup.catalog.columns(relOid).find((c) => c.attnum === attnum);
    return quoteIdentifier(column?.name ?? `........${attnum}`);
  }

  private columnNames(relOid: number, attnums: readonly number[]): string {
    return attnums.map((attnum) => this.columnName(relOid, attnum)).join(', ');
  }

  /** generate_relation_name(): qualified where the default search path does not find it. */
  relationName(relOid: number, always = false): string {
    const relation = this.lookup.catalog.relations.get(relOid);
    if (!relation) return `oid:${relOid}`;
    return always ? qualifyName(this.lookup.catalog.schemaOf(relation), relation.name) : this.lookup.types.regName('regclass', relOid)!;
  }

  private opclassSuffix(opclassOid: number): string {
    const name = this.lookup.types.operatorClasses.name(opclassOid);
    return name === '' ? '' : ` ${name}`;
  }

  private readClass(): void {
    const options = new Map<number, string[]>();
    const bounds = new Map<number, string>();
    this.lookup.catalog.scan('pg_class', (row) => {
      if (!row.isNull('reloptions')) options.set(row.oid('oid'), row.texts('reloptions').filter((text) => text !== null));
      const bound = row.isNull('relpartbound') ? null : row.text('relpartbound');
      if (bound !== null) bounds.set(row.oid('oid'), bound);
    });
    this.options = options;
    this.bounds = bounds;
  }

  /** Storage parameters; empty where there are none. */
  storageOptions(relOid: number): string {
    if (!this.options) this.readClass();
    return flattenOptions(this.options!.get(relOid) ?? []);
  }

  /** Every index of a table. */
  indexes(relOid: number): IndexDefinition[] {
    const found: IndexDefinition[] = [];
    this.lookup.catalog.scan('pg_index', (row) => {
      if (row.oid('indrelid') === relOid) found.push(this.index(row));
    });
    const order = (index: IndexDefinition): string => `${index.isPrimary ? 0 : 1}${index.isUnique ? 0 : 1}${index.name}`;
    return found.sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }

  /** One index by its OID. */
  indexOf(indexOid: number): IndexDefinition {
    let found: IndexDefinition | undefined;
    this.lookup.catalog.scan('pg_index', (row) => {
      if (row.oid('indexrelid') === indexOid) found = this.index(row);
    });
    return found!;
  }

  /** pg_get_indexdef() */
  private index(row: CatalogRow, exclusionOperators?: number[]): IndexDefinition {
    const relOid = row.oid('indrelid');
    const indexOid = row.oid('indexrelid');
    const relation = this.lookup.catalog.relations.get(indexOid);
    const unknown: string[] = [];
    const name = relation?.name ?? `oid:${indexOid}`;
    const isUnique = row.bool('indisunique');
    const method = quoteIdentifier(this.lookup.types.accessMethod(relation?.amOid ?? 0) ?? 'btree');
    let sql = exclusionOperators
      ? `EXCLUDE USING ${method} (`
      : `CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX ${quoteIdentifier(name)} ON ${relation?.kind === 'I' ? 'ONLY ' : ''}${this.relationName(relOid, true)} USING ${method} (`;
    sql += this.indexColumns(row, relOid, method, unknown, exclusionOperators);
    sql += ')';
    if (!exclusionOperators && row.has('indnullsnotdistinct') && row.bool('indnullsnotdistinct')) sql += ' NULLS NOT DISTINCT';
    const options = this.storageOptions(indexOid);
    if (options) sql += ` WITH (${options})`;
    const predicate = row.text('indpred');
    if (predicate !== null) {
      const where = this.noted(deparseText(this.lookup, predicate, { relOid }), unknown);
      sql += exclusionOperators ? ` WHERE (${where})` : ` WHERE ${where}`;
    }
    return {
      oid: indexOid, name, sql, unknown: unknown.join(', '), isPrimary: row.bool('indisprimary'), isUnique, isValid: row.bool('indisvalid'),
      isReplicaIdentity: row.bool('indisreplident'),
    };
  }

  private indexColumns(row: CatalogRow, relOid: number, method: string, unknown: string[], exclusionOperators?: number[]): string {
    const attnums = row.numbers('indkey', 2);
    const keyColumns = row.int2('indnkeyatts');
    const [collations, opclasses, options] = [row.numbers('indcollation', 4, false), row.numbers('indclass', 4, false), row.numbers('indoption', 2)];
    const expressions = row.text('indexprs');
    const trees = expressions === null ? [] : treeList(expressions);
    let nextTree = 0;
    let sql = '';
    attnums.forEach((attnum, i) => {
      sql += i === keyColumns ? ') INCLUDE (' : i > 0 ? ', ' : '';
      let collation: number;
      if (attnum !== 0) {
        sql += this.columnName(relOid, attnum);
        collation = this.lookup.catalog.columns(relOid).find((c) => c.attnum === attnum)?.collationOid ?? 0;
      } else {
        const tree = trees[nextTree++] ?? null;
        const text = this.noted(deparse(this.lookup, tree, { relOid }), unknown);
        sql += looksLikeFunction(tree) ? text : `(${text})`;
        collation = expressionCollation(tree);
      }
      if (i >= keyColumns) return;
      if (collations[i] && collations[i] !== collation) sql += ` COLLATE ${this.lookup.types.regName('regcollation', collations[i])}`;
      sql += this.opclassSuffix(opclasses[i]!);
      if (method === 'btree') sql += sortOrder(options[i]!);
      if (exclusionOperators) sql += ` WITH ${this.lookup.types.operator(exclusionOperators[i]!)?.name}`;
    });
    return sql;
  }

  private noted(deparsed: Deparsed, unknown: string[]): string {
    if (deparsed.sql !== undefined) return deparsed.sql;
    unknown.push(deparsed.unknown);
    return `/* ${deparsed.unknown} */`;
  }

  /** Constraints of a table, or that refer to it where `referring`; in psql's order. */
  constraints(relOid: number, referring = false): ConstraintDefinition[] {
    const found: ConstraintDefinition[] = [];
    this.lookup.catalog.scan('pg_constraint', (row) => {
      if (row.oid(referring ? 'confrelid' : 'conrelid') !== relOid) return;
      found.push({
        oid: row.oid('oid'), name: row.name('conname'), type: row.char('contype'), relOid: row.oid('conrelid'), referencedOid: row.oid('confrelid'), indexOid: row.oid('conindid'), columns: row.numbers('conkey', 2),
        isLocal: row.bool('conislocal'), parentOid: row.oid('conparentid'), ...this.constraint(row),
      });
    });
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Checks of a domain. */
  domainConstraints(typeOid: number): ConstraintDefinition[] {
    const found: ConstraintDefinition[] = [];
    this.lookup.catalog.scan('pg_constraint', (row) => {
      if (row.oid('contypid') !== typeOid) return;
      found.push({ oid: row.oid('oid'), name: row.name('conname'), type: row.char('contype'), relOid: 0, referencedOid: 0, indexOid: 0, columns: [], isLocal: true, parentOid: 0, ...this.constraint(row) });
    });
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** pg_get_constraintdef() */
  private constraint(row: CatalogRow): Definition {
    const relOid = row.oid('conrelid');
    const unknown: string[] = [];
    let sql = '';
    switch (row.char('contype')) {
      case 'f': sql = this.foreignKey(row, relOid); break;
      case 'p':
      case 'u': sql = this.uniqueConstraint(row, relOid); break;
      case 'c': {
        const expression = deparseText(this.lookup, row.text('conbin') ?? '', { relOid });
        sql = `CHECK (${this.noted(expression, unknown)})${row.bool('connoinherit') ? ' NO INHERIT' : ''}`;
        break;
      }
      case 'n':
        sql = relOid === 0 ? 'NOT NULL' : `NOT NULL ${this.columnNames(relOid, row.numbers('conkey', 2))}${row.bool('connoinherit') ? ' NO INHERIT' : ''}`;
        break;
      case 'x': {
        const operators = row.numbers('conexclop', 4, false);
        const indexOid = row.oid('conindid');
        this.lookup.catalog.scan('pg_index', (index) => {
          if (index.oid('indexrelid') !== indexOid) return;
          const definition = this.index(index, operators);
          sql = definition.sql;
          if (definition.unknown) unknown.push(definition.unknown);
        });
        break;
      }
      default: sql = 'TRIGGER';
    }
    if (row.bool('condeferrable')) sql += ' DEFERRABLE';
    if (row.bool('condeferred')) sql += ' INITIALLY DEFERRED';
    if (row.has('conenforced') && !row.bool('conenforced')) sql += ' NOT ENFORCED';
    else if (!row.bool('convalidated')) sql += ' NOT VALID';
    return { sql, unknown: unknown.join(', ') };
  }

  private foreignKey(row: CatalogRow, relOid: number): string {
    const ACTIONS: Record<string, string> = { r: 'RESTRICT', c: 'CASCADE', n: 'SET NULL', d: 'SET DEFAULT' };
    const period = row.has('conperiod') && row.bool('conperiod');
    const columns = (ofRelation: number, attnums: number[]): string => {
      const names = attnums.map((attnum) => this.columnName(ofRelation, attnum));
      if (period) names.push(`PERIOD ${names.pop()!}`);
      return names.join(', ');
    };
    let sql = `FOREIGN KEY (${columns(relOid, row.numbers('conkey', 2))}) REFERENCES ${this.relationName(row.oid('confrelid'))}(${columns(row.oid('confrelid'), row.numbers('confkey', 2))})`;
    const match = row.char('confmatchtype');
    if (match === 'f' || match === 'p') sql += match === 'f' ? ' MATCH FULL' : ' MATCH PARTIAL';
    const onUpdate = ACTIONS[row.char('confupdtype')];
    const onDelete = ACTIONS[row.char('confdeltype')];
    if (onUpdate) sql += ` ON UPDATE ${onUpdate}`;
    if (onDelete) sql += ` ON DELETE ${onDelete}`;
    if (row.has('confdelsetcols') && !row.isNull('confdelsetcols')) sql += ` (${this.columnNames(relOid, row.numbers('confdelsetcols', 2))})`;
    return sql;
  }

  private uniqueConstraint(row: CatalogRow, relOid: number): string {
    const keys = row.numbers('conkey', 2);
    const indexOid = row.oid('conindid');
    const isPrimary = row.char('contype') === 'p';
    let included: number[] = [];
    let nullsNotDistinct = false;
    this.lookup.catalog.scan('pg_index', (index) => {
      if (index.oid('indexrelid') !== indexOid) return;
      included = index.numbers('indkey', 2).slice(keys.length);
      nullsNotDistinct = index.has('indnullsnotdistinct') && index.bool('indnullsnotdistinct');
    });
    let sql = isPrimary ? 'PRIMARY KEY ' : `UNIQUE ${nullsNotDistinct ? 'NULLS NOT DISTINCT ' : ''}`;
    sql += `(${this.columnNames(relOid, keys)}${row.has('conperiod') && row.bool('conperiod') ? ' WITHOUT OVERLAPS' : ''})`;
    return included.length > 0 ? `${sql} INCLUDE (${this.columnNames(relOid, included)})` : sql;
  }

  /** pg_get_partkeydef(): `RANGE (at)`; undefined where the relation is not partitioned. */
  partitionKey(relOid: number): Definition | undefined {
    const STRATEGIES: Record<string, string> = { l: 'LIST', r: 'RANGE', h: 'HASH' };
    let found: Definition | undefined;
    this.lookup.catalog.scan('pg_partitioned_table', (row) => {
      if (row.oid('partrelid') !== relOid) return;
      const unknown: string[] = [];
      const expressions = row.text('partexprs');
      const trees = expressions === null ? [] : treeList(expressions);
      const [collations, opclasses] = [row.numbers('partcollation', 4, false), row.numbers('partclass', 4, false)];
      let nextTree = 0;
      const columns = row.numbers('partattrs', 2).map((attnum, i) => {
        const tree = attnum === 0 ? (trees[nextTree++] ?? null) : null;
        const text = attnum === 0 ? this.noted(deparse(this.lookup, tree, { relOid }), unknown) : this.columnName(relOid, attnum);
        const own = attnum === 0 ? expressionCollation(tree) : (this.lookup.catalog.columns(relOid).find((c) => c.attnum === attnum)?.collationOid ?? 0);
        const collation = collations[i] && collations[i] !== own ? ` COLLATE ${this.lookup.types.regName('regcollation', collations[i])}` : '';
        return `${attnum === 0 && !looksLikeFunction(tree) ? `(${text})` : text}${collation}${this.opclassSuffix(opclasses[i]!)}`;
      });
      found = { sql: `${STRATEGIES[row.char('partstrat')]} (${columns.join(', ')})`, unknown: unknown.join(', ') };
    });
    return found;
  }

  /** `FOR VALUES FROM (…) TO (…)`, as get_rule_expr() prints a PartitionBoundSpec; undefined where the relation is no partition. */
  partitionBound(relOid: number): string | undefined {
    if (!this.bounds) this.readClass();
    const text = this.bounds!.get(relOid);
    if (text === undefined) return undefined;
    const spec = parseNodeTree(text);
    if (!isNode(spec)) throw new NodeTreeError('a partition bound that is none');
    if (token(spec, 'is_default') === 'true') return 'DEFAULT';
    switch (token(spec, 'strategy')) {
      case 'h': return `FOR VALUES WITH (modulus ${token(spec, 'modulus')}, remainder ${token(spec, 'remainder')})`;
      case 'l': return `FOR VALUES IN (${list(spec, 'listdatums').map((datum) => this.boundValue(datum)).join(', ')})`;
      default: return `FOR VALUES FROM (${this.rangeBound(spec, 'lowerdatums')}) TO (${this.rangeBound(spec, 'upperdatums')})`;
    }
  }

  private rangeBound(spec: TreeNode, field: string): string {
    return list(spec, field).map((datum) => {
      if (!isNode(datum)) throw new NodeTreeError('a range bound without a datum');
      const kind = token(datum, 'kind');
      return kind === '-1' ? 'MINVALUE' : kind === '1' ? 'MAXVALUE' : this.boundValue(datum.fields.get('value') ?? null);
    }).join(', ');
  }

  private boundValue(value: TreeValue): string {
    if (!isA(value, 'CONST')) throw new NodeTreeError('a partition bound that is no constant');
    return deparseBareConst(this.lookup, value);
  }
}

/** flatten_reloptions(): `fillfactor='70'`. */
export function flattenOptions(options: readonly (string | null)[]): string {
  return options.map((option) => {
    const [name, value] = splitOnce(option!, '=');
    return `${quoteIdentifier(name)}=${quoteIdentifier(value) === value ? value : `'${value.replaceAll("'", "''")}'`}`;
  }).join(', ');
}

/** Options of something foreign: `host 'x', port '5432'`. */
export function foreignOptions(options: readonly (string | null)[]): string {
  return options.map((option) => {
    const [name, value] = splitOnce(option!, '=');
    return `${quoteIdentifier(name)} ${quoteLiteral(value)}`;
  }).join(', ');
}

function splitOnce(text: string, at: string): [string, string] {
  const i = text.indexOf(at);
  return i < 0 ? [text, ''] : [text.slice(0, i), text.slice(i + 1)];
}

function treeList(text: string): TreeValue[] {
  const tree = parseNodeTree(text);
  return Array.isArray(tree) ? tree : [tree];
}

/** exprCollation() of the nodes that an index expression begins with; 0 where the node has none. */
function expressionCollation(tree: TreeValue): number {
  if (!isNode(tree)) return 0;
  const FIELDS = ['varcollid', 'constcollid', 'funccollid', 'opcollid', 'resultcollid', 'collOid', 'casecollid', 'coalescecollid', 'minmaxcollid', 'array_collid', 'refcollid'];
  const field = FIELDS.find((name) => tree.fields.has(name));
  return field === undefined ? 0 : Number(token(tree, field));
}

function sortOrder(option: number): string {
  const descending = (option & INDOPTION_DESC) !== 0;
  const nullsFirst = (option & INDOPTION_NULLS_FIRST) !== 0;
  if (descending) return nullsFirst ? ' DESC' : ' DESC NULLS LAST';
  return nullsFirst ? ' NULLS FIRST' : '';
}
