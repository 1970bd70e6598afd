/** FROM: get_from_clause() and its neighbours, utils/adt/ruleutils.c, PG 13–18. */
import { functionName } from './calls.js';
import type { Deparser } from './deparser.js';
import { entry, RteKind, type ColumnNames } from './names.js';
import { flag, int, isA, list, node, nodes, numbers, oid, optional, texts, token } from './nodes.js';
import { isNode, NodeTreeError, type TreeNode } from './nodeTree.js';
import { Indent } from './printer.js';
import { subQuery, valuesDef } from './query.js';
import { looksLikeFunction, tableFunction } from './tableFunctions.js';

const UNNEST = 2331; // F_UNNEST_ANYARRAY
const JOINS: Record<string, string> = { 1: ' LEFT JOIN ', 2: ' FULL JOIN ', 3: ' RIGHT JOIN ' };

/** The FROM clause, or USING; `prefix` begins it. */
export function fromClause(out: Deparser, query: TreeNode, prefix: string): void {
  const namespace = out.context.namespaces[0]!;
  // what rules add to a query's tables stands in no FROM
  const items = nodes(node(query, 'jointree'), 'fromlist').filter((item) => !isA(item, 'RANGETBLREF') || flag(entry(namespace, int(item, 'rtindex')), 'inFromCl'));
  items.forEach((item, i) => {
    if (i === 0) {
      out.keyword(prefix, -Indent.std, Indent.std, 2);
      fromItem(out, item);
    } else {
      out.add(', ');
      out.addOnOwnLine(out.captured(() => fromItem(out, item)), false);
    }
  });
}

/** ONLY, where children are left out. */
export function onlyMarker(rte: TreeNode): string {
  return flag(rte, 'inh') ? '' : 'ONLY ';
}

function fromItem(out: Deparser, item: TreeNode): void {
  if (isA(item, 'JOINEXPR')) return join(out, item);
  const namespace = out.context.namespaces[0]!;
  const rtindex = int(item, 'rtindex');
  const rte = entry(namespace, rtindex);
  const columns = namespace.columns[rtindex - 1]!;
  out.add(flag(rte, 'lateral') ? 'LATERAL ' : '');
  let definitions: TreeNode | undefined;
  switch (token(rte, 'rtekind')) {
    case RteKind.relation: out.add(`${onlyMarker(rte)}${out.relationName(oid(rte, 'relid'))}`); break;
    case RteKind.subquery:
      out.add('(');
      subQuery(out, node(rte, 'subquery'), true);
      out.add(')');
      break;
    case RteKind.function: definitions = functions(out, rte); break;
    case RteKind.tableFunc: tableFunction(out, node(rte, 'tablefunc'), true); break;
    case RteKind.values:
      out.add('(');
      valuesDef(out, list(rte, 'values_lists'));
      out.add(')');
      break;
    case RteKind.cte: out.add(out.quoted(token(rte, 'ctename'))); break;
    default: throw new NodeTreeError(`range table entry of kind ${token(rte, 'rtekind')}`);
  }
  tableAlias(out, rte, rtindex, ' ');
  if (definitions) columnDefinitions(out, definitions, columns);
  else columnAliases(out, columns);
  const sample = rte.fields.get('tablesample');
  if (isNode(sample)) tableSample(out, sample);
}

/** A function, or several as ROWS FROM; gives the one whose columns are defined behind the alias. */
function functions(out: Deparser, rte: TreeNode): TreeNode | undefined {
  const calls = nodes(rte, 'functions');
  const [first] = calls;
  const hasOrdinality = flag(rte, 'funcordinality');
  const defines = (rtfunc: TreeNode): boolean => list(rtfunc, 'funccolnames').length > 0;
  let definitions: TreeNode | undefined;
  if (calls.length === 1 && !(defines(first!) && hasOrdinality)) {
    functionCall(out, first!);
    if (defines(first!)) definitions = first;
  } else if (calls.every((rtfunc) => isA(rtfunc.fields.get('funcexpr'), 'FUNCEXPR') && oid(node(rtfunc, 'funcexpr'), 'funcid') === UNNEST && !defines(rtfunc))) {
    out.add('UNNEST(').expr(calls.flatMap((rtfunc) => list(node(rtfunc, 'funcexpr'), 'args')), true).add(')');
  } else {
    out.add('ROWS FROM(');
    calls.forEach((rtfunc, i) => {
      out.add(i > 0 ? ', ' : '');
      functionCall(out, rtfunc);
      if (defines(rtfunc)) columnDefinitions(out.add(' AS '), rtfunc, undefined);
    });
    out.add(')');
  }
  out.add(hasOrdinality ? ' WITH ORDINALITY' : '');
  return definitions;
}

/** get_rule_expr_funccall(): what would not look like a call becomes a cast. */
function functionCall(out: Deparser, rtfunc: TreeNode): void {
  const value = rtfunc.fields.get('funcexpr') ?? null;
  if (looksLikeFunction(value)) out.expr(value, true);
  else out.add('CAST(').expr(value, false).add(` AS ${out.formatType(out.typeOf(value), -1)})`);
}

function join(out: Deparser, item: TreeNode): void {
  const namespace = out.context.namespaces[0]!;
  const rtindex = int(item, 'rtindex');
  const columns = namespace.columns[rtindex - 1]!;
  const quals = item.fields.get('quals');
  const kind = token(item, 'jointype');
  out.add('(');
  fromItem(out, node(item, 'larg'));
  out.keyword(JOINS[kind] ?? (quals ? ' JOIN ' : ' CROSS JOIN '), -Indent.std, Indent.std, Indent.join);
  fromItem(out, node(item, 'rarg'));
  if (list(item, 'usingClause').length > 0) {
    out.add(` USING (${columns.usingNames.map((name) => out.quoted(name)).join(', ')})`);
    const usingAlias = item.fields.get('join_using_alias');
    if (isNode(usingAlias)) out.add(` AS ${out.quoted(token(usingAlias, 'aliasname'))}`);
  } else if (quals) out.add(' ON (').expr(quals, false).add(')');
  else if (kind !== '0') out.add(' ON TRUE');
  out.add(')');
  if (!isNode(item.fields.get('alias'))) return;
  out.add(` ${out.quoted(namespace.names[rtindex - 1] ?? '')}`);
  columnAliases(out, columns);
}

/** get_rte_alias() */
export function tableAlias(out: Deparser, rte: TreeNode, rtindex: number, before: ' ' | ' AS '): void {
  const namespace = out.context.namespaces[0]!;
  const name = namespace.names[rtindex - 1] ?? '';
  const kind = token(rte, 'rtekind');
  const isNeeded = isNode(rte.fields.get('alias')) || namespace.columns[rtindex - 1]!.printAliases
    || (kind === RteKind.relation && name !== out.lookup.catalog.relations.get(oid(rte, 'relid'))?.name)
    || kind === RteKind.function || kind === RteKind.subquery || kind === RteKind.values
    || (kind === RteKind.cte && name !== optional(rte, 'ctename'));
  if (isNeeded) out.add(`${before}${out.quoted(name)}`);
}

function columnAliases(out: Deparser, columns: ColumnNames): void {
  if (columns.printAliases && columns.newColnames.length > 0) out.add(`(${columns.newColnames.map((name) => out.quoted(name ?? '')).join(', ')})`);
}

/** get_from_clause_coldeflist() */
function columnDefinitions(out: Deparser, rtfunc: TreeNode, columns: ColumnNames | undefined): void {
  const names = texts(rtfunc, 'funccolnames'), types = numbers(rtfunc, 'funccoltypes'), typmods = numbers(rtfunc, 'funccoltypmods'), collations = numbers(rtfunc, 'funccolcollations');
  const text = names.map((name, i) => {
    const collation = collations[i]!;
    const collate = collation === 0 || collation === out.lookup.types.typeCollation(types[i]!) ? '' : ` COLLATE ${out.collation(collation)}`;
    return `${out.quoted(columns?.colnames[i] ?? name)} ${out.formatType(types[i]!, typmods[i]!)}${collate}`;
  });
  out.add(`(${text.join(', ')})`);
}

function tableSample(out: Deparser, sample: TreeNode): void {
  out.add(` TABLESAMPLE ${functionName(out, oid(sample, 'tsmhandler'))} (`).expr(list(sample, 'args'), false).add(')');
  const repeatable = sample.fields.get('repeatable');
  if (repeatable) out.add(' REPEATABLE (').expr(repeatable, false).add(')');
}
