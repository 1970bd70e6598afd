/**
 * The names that a query's tables and columns have when it is printed: unique aliases, names merged by USING, columns added, renamed or
 * dropped since. set_deparse_for_query() and what it calls, utils/adt/ruleutils.c, PG 13–18, in the same order.
 */
import type { DeparseLookup } from '../deparse.js';
import { exprType, isA, list, node, nodes, numbers, oid, optional, texts, token } from './nodes.js';
import { isNode, NodeTreeError, type TreeNode, type TreeValue } from './nodeTree.js';

const NAMEDATALEN = 64;
export const RteKind = { relation: '0', subquery: '1', join: '2', function: '3', tableFunc: '4', values: '5', cte: '6', group: '9' } as const;

/** Names of one range table entry's columns: deparse_columns. */
export class ColumnNames {
  /** By attnum - 1; undefined for a dropped column. */
  colnames: (string | undefined)[] = [];
  /** As the entry would have them if it were parsed now: without dropped ones, with those added since. */
  newColnames: (string | undefined)[] = [];
  isNewCol: boolean[] = [];
  printAliases = false;
  parentUsing: readonly string[] = [];
  usingNames: string[] = [];
  leftRti = 0;
  rightRti = 0;
  leftAttnos: number[] = [];
  rightAttnos: number[] = [];
}

/** One query level: deparse_namespace. */
export interface Namespace {
  rtable: readonly TreeNode[];
  ctes: readonly TreeNode[];
  /** By rtindex - 1; undefined for an unnamed join. */
  names: (string | undefined)[];
  columns: ColumnNames[];
  /** What RETURNING calls the rows before and after. */
  oldAlias: string | undefined;
  newAlias: string | undefined;
  uniqueUsing: boolean;
  usingNames: string[];
  /** The outermost level of a function's body: the names of its arguments. */
  argNames?: readonly (string | null)[];
  functionName?: string;
}

/** An entry of a range table by its number, from 1. */
export function entry(namespace: Pick<Namespace, 'rtable'>, rtindex: number): TreeNode {
  const found = namespace.rtable[rtindex - 1];
  if (!found) throw new NodeTreeError(`range table entry ${rtindex}`);
  return found;
}

function withSuffix(name: string, counter: number): string {
  let base = name;
  while (Buffer.byteLength(`${base}_${counter}`) >= NAMEDATALEN) base = base.slice(0, -1);
  return `${base}_${counter}`;
}

/** The alias that was written; undefined where there is none. */
export function aliasName(of: TreeNode): string | undefined {
  const alias = of.fields.get('alias');
  return isNode(alias) ? token(alias, 'aliasname') : undefined;
}

function aliasColumns(rte: TreeNode): string[] {
  const alias = rte.fields.get('alias');
  return isNode(alias) ? texts(alias, 'colnames') : [];
}

/** set_deparse_for_query() */
export function namespaceOf(lookup: DeparseLookup, query: TreeNode, parents: readonly Namespace[]): Namespace {
  const rtable = nodes(query, 'rtable');
  const namespace: Namespace = {
    rtable, ctes: nodes(query, 'cteList'), names: [], columns: rtable.map(() => new ColumnNames()), oldAlias: optional(query, 'returningOldAlias'),
    newAlias: optional(query, 'returningNewAlias'), uniqueUsing: false, usingNames: [],
  };
  setNames(lookup, namespace, parents);
  const namer = new ColumnNamer(lookup, namespace);
  const jointree = query.fields.get('jointree');
  if (isNode(jointree)) {
    namespace.uniqueUsing = namer.hasDangerousJoinUsing(jointree);
    namer.setUsingNames(jointree, []);
  }
  rtable.forEach((rte, i) => {
    if (token(rte, 'rtekind') === RteKind.join) namer.setJoinNames(rte, namespace.columns[i]!);
    else namer.setRelationNames(rte, namespace.columns[i]!);
  });
  return namespace;
}

/** set_rtable_names(): names taken by outer levels are not used again. */
function setNames(lookup: DeparseLookup, namespace: Namespace, parents: readonly Namespace[]): void {
  const counters = new Map<string, number>();
  for (const parent of parents) for (const name of parent.names) if (name !== undefined) counters.set(name, 0);
  for (const rte of namespace.rtable) {
    const kind = token(rte, 'rtekind');
    let name = aliasName(rte)
      ?? (kind === RteKind.relation ? lookup.catalog.relations.get(oid(rte, 'relid'))?.name : kind === RteKind.join ? undefined : token(node(rte, 'eref'), 'aliasname'));
    if (name !== undefined) {
      let counter = counters.get(name);
      if (counter !== undefined) {
        const wanted = name;
        do name = withSuffix(wanted, ++counter);
        while (counters.has(name));
        counters.set(wanted, counter);
      }
      counters.set(name, 0);
    }
    namespace.names.push(name);
  }
}

class ColumnNamer {
  constructor(private readonly lookup: DeparseLookup, private readonly namespace: Namespace) {}

  /** has_dangerous_join_using(): an unnamed join whose merged columns are more than one of its inputs' columns. */
  hasDangerousJoinUsing(jtnode: TreeNode): boolean {
    if (isA(jtnode, 'FROMEXPR')) return nodes(jtnode, 'fromlist').some((each) => this.hasDangerousJoinUsing(each));
    if (!isA(jtnode, 'JOINEXPR')) return false;
    if (aliasName(jtnode) === undefined && list(jtnode, 'usingClause').length > 0) {
      const rte = entry(this.namespace, Number(token(jtnode, 'rtindex')));
      const merged = list(rte, 'joinaliasvars').slice(0, Number(token(rte, 'joinmergedcols')));
      if (merged.some((each) => !isA(each, 'VAR'))) return true;
    }
    return this.hasDangerousJoinUsing(node(jtnode, 'larg')) || this.hasDangerousJoinUsing(node(jtnode, 'rarg'));
  }

  /** set_using_names() */
  setUsingNames(jtnode: TreeNode, parentUsing: readonly string[]): void {
    if (isA(jtnode, 'FROMEXPR')) {
      for (const each of nodes(jtnode, 'fromlist')) this.setUsingNames(each, parentUsing);
      return;
    }
    if (!isA(jtnode, 'JOINEXPR')) return;
    const rtindex = Number(token(jtnode, 'rtindex'));
    const rte = entry(this.namespace, rtindex);
    const columns = this.namespace.columns[rtindex - 1]!;
    identifyJoinColumns(jtnode, rte, columns);
    const left = this.namespace.columns[columns.leftRti - 1]!, right = this.namespace.columns[columns.rightRti - 1]!;
    const pushDown = (i: number, name: string): void => {
      if (columns.leftAttnos[i]! > 0) left.colnames[columns.leftAttnos[i]! - 1] = name;
      if (columns.rightAttnos[i]! > 0) right.colnames[columns.rightAttnos[i]! - 1] = name;
    };
    if (aliasName(rte) === undefined) {
      for (let i = 0; i < columns.colnames.length; i++) if (columns.colnames[i] !== undefined) pushDown(i, columns.colnames[i]!);
    }
    const using = texts(jtnode, 'usingClause');
    const inherited = [...parentUsing];
    using.forEach((own, i) => {
      let name = columns.colnames[i];
      if (name === undefined) {
        name = this.unique(aliasColumns(rte)[i] ?? own, columns);
        if (this.namespace.uniqueUsing) this.namespace.usingNames.push(name);
        columns.colnames[i] = name;
      }
      columns.usingNames.push(name);
      inherited.push(name);
      pushDown(i, name);
    });
    left.parentUsing = inherited;
    right.parentUsing = inherited;
    this.setUsingNames(node(jtnode, 'larg'), inherited);
    this.setUsingNames(node(jtnode, 'rarg'), inherited);
  }

  /** The columns that an entry has now; undefined for a dropped one. */
  private realNames(rte: TreeNode): (string | undefined)[] {
    const kind = token(rte, 'rtekind');
    if (kind === RteKind.relation) return this.lookup.catalog.columns(oid(rte, 'relid')).map((column) => (column.dropped ? undefined : column.name));
    const names: (string | undefined)[] = texts(node(rte, 'eref'), 'colnames').map((name) => (name === '' ? undefined : name));
    if (kind !== RteKind.function) return names;
    // a function's row type may have lost columns since
    let at = 0;
    for (const rtfunc of nodes(rte, 'functions')) {
      const attributes = list(rtfunc, 'funccolnames').length > 0 ? undefined : rowAttributes(this.lookup, rtfunc.fields.get('funcexpr'));
      attributes?.forEach((attribute, i) => {
        if (attribute.dropped) names[at + i] = undefined;
      });
      at += Number(token(rtfunc, 'funccolcount'));
    }
    return names;
  }

  /** set_relation_column_names() */
  setRelationNames(rte: TreeNode, columns: ColumnNames): void {
    const real = this.realNames(rte);
    const oldColumns = texts(node(rte, 'eref'), 'colnames').length;
    const aliases = aliasColumns(rte);
    let changed = false;
    columns.colnames.length = real.length;
    real.forEach((realName, i) => {
      if (realName === undefined) return;
      const name = (columns.colnames[i] ??= this.unique(aliases[i] ?? realName, columns));
      columns.newColnames.push(name);
      columns.isNewCol.push(i >= oldColumns);
      if (name !== realName) changed = true;
    });
    switch (token(rte, 'rtekind')) {
      case RteKind.relation: columns.printAliases = changed; break;
      case RteKind.function: columns.printAliases = true; break;
      case RteKind.tableFunc: columns.printAliases = false; break;
      default: columns.printAliases = aliases.length > 0 || changed;
    }
  }

  /** set_join_column_names() */
  setJoinNames(rte: TreeNode, columns: ColumnNames): void {
    const left = this.namespace.columns[columns.leftRti - 1], right = this.namespace.columns[columns.rightRti - 1];
    if (!left || !right) throw new NodeTreeError('a join that no FROM names');
    const eref = texts(node(rte, 'eref'), 'colnames');
    const aliases = aliasColumns(rte);
    const isNamed = aliasName(rte) !== undefined;
    let changed = false;
    columns.colnames.length = eref.length;
    for (let i = columns.usingNames.length; i < eref.length; i++) {
      const [leftAttno, rightAttno] = [columns.leftAttnos[i]!, columns.rightAttnos[i]!];
      const realName = leftAttno > 0 ? left.colnames[leftAttno - 1] : rightAttno > 0 ? right.colnames[rightAttno - 1] : eref[i];
      if (realName === undefined || !isNamed) {
        columns.colnames[i] = realName;
        continue;
      }
      columns.colnames[i] ??= this.unique(aliases[i] ?? realName, columns);
      if (columns.colnames[i] !== realName) changed = true;
    }
    // as the parser orders them: merged columns, then the others of the left input, then of the right
    let next = 0;
    const leftMerged = new Set<number>(), rightMerged = new Set<number>();
    while (next < eref.length && columns.leftAttnos[next] !== 0 && columns.rightAttnos[next] !== 0) {
      columns.newColnames.push(columns.colnames[next]);
      columns.isNewCol.push(false);
      leftMerged.add(columns.leftAttnos[next]!);
      rightMerged.add(columns.rightAttnos[next]!);
      next++;
    }
    for (const [child, merged] of [[left, leftMerged], [right, rightMerged]] as const) {
      let attno = 0;
      child.newColnames.forEach((childName, c) => {
        let name = childName;
        if (!child.isNewCol[c]) {
          while (attno < child.colnames.length && child.colnames[attno] === undefined) attno++;
          attno++;
          if (merged.has(attno)) return;
          while (next < columns.colnames.length && columns.colnames[next] === undefined) next++;
          name = columns.colnames[next++];
        } else if (isNamed) {
          name = this.unique(childName!, columns);
          if (name !== childName) changed = true;
        }
        columns.newColnames.push(name);
        columns.isNewCol.push(child.isNewCol[c]!);
      });
    }
    columns.printAliases = isNamed && changed;
  }

  /** make_colname_unique() */
  private unique(name: string, columns: ColumnNames): string {
    const taken = (candidate: string): boolean => columns.colnames.includes(candidate) || columns.newColnames.includes(candidate)
      || columns.parentUsing.includes(candidate) || this.namespace.usingNames.includes(candidate);
    if (!taken(name)) return name;
    let i = 0;
    let candidate: string;
    do candidate = withSuffix(name, ++i);
    while (taken(candidate));
    return candidate;
  }
}

/** identify_join_columns(): which column of which input each output column of a join is; 0: of neither. */
function identifyJoinColumns(join: TreeNode, rte: TreeNode, columns: ColumnNames): void {
  const indexOf = (side: TreeNode): number => Number(token(side, 'rtindex'));
  columns.leftRti = indexOf(node(join, 'larg'));
  columns.rightRti = indexOf(node(join, 'rarg'));
  const width = list(rte, 'joinaliasvars').length;
  columns.leftAttnos = new Array<number>(width).fill(0);
  columns.rightAttnos = new Array<number>(width).fill(0);
  let at = 0;
  for (const attno of numbers(rte, 'joinleftcols')) columns.leftAttnos[at++] = attno;
  const merged = Number(token(rte, 'joinmergedcols'));
  numbers(rte, 'joinrightcols').forEach((attno, i) => {
    columns.rightAttnos[i < merged ? i : at++] = attno;
  });
}

/** The attributes of the row type that an expression has; undefined where it is none of a table or composite type. */
export function rowAttributes(lookup: DeparseLookup, value: TreeValue | undefined): readonly { name: string; dropped: boolean }[] | undefined {
  if (!isNode(value)) return undefined;
  const RECORDOID = 2249;
  const typeOid = exprType(value);
  if (typeOid === RECORDOID || typeOid === 0) return undefined;
  let type = lookup.types.type(typeOid);
  while (type?.typtype === 'd') type = lookup.types.type(type.typbasetype);
  return type?.attributes;
}
