/** Queries back to SQL: get_query_def() and what SELECT is made of, utils/adt/ruleutils.c, PG 13–18. */
import type { Deparser } from './deparser.js';
import { fromClause } from './fromClause.js';
import { withoutGroupEntry } from './groupEntry.js';
import { modifyingQuery } from './modify.js';
import { entry, namespaceOf, RteKind, type Namespace } from './names.js';
import { flag, int, isA, list, node, nodes, numbers, oid, optional, SubLinkType, texts, token } from './nodes.js';
import { isNode, NodeTreeError, type TreeNode, type TreeValue } from './nodeTree.js';
import { Indent } from './printer.js';
import { clauseList, groupingSet, orderBy, windowClause } from './sorting.js';
import { variable } from './variables.js';

const CMD_SELECT = '1';
const BOOLOID = 16;

export interface QueryOptions {
  /** A view's columns. */
  resultNames?: readonly string[];
  colNamesVisible: boolean;
}

/** get_query_def() */
export function queryDef(out: Deparser, written: TreeNode, parents: readonly Namespace[], { resultNames, colNamesVisible }: QueryOptions): void {
  const query = withoutGroupEntry(written);
  const namespace = namespaceOf(out.lookup, query, parents);
  const { isIndented, indentLevel } = out.context;
  const entries = namespace.rtable.filter((rte) => token(rte, 'rtekind') !== RteKind.group);
  const isSelect = token(query, 'commandType') === CMD_SELECT;
  out.with({
    namespaces: [namespace, ...parents], resultNames: isSelect ? resultNames : undefined, targetList: [], windowClause: [], varPrefix: parents.length > 0 || entries.length !== 1,
    isIndented, indentLevel, colNamesVisible, inGroupBy: false, varInOrderBy: false,
  }, () => {
    if (isSelect) select(out, query);
    else modifyingQuery(out, query);
  });
}

/** A query inside the current one. */
export function subQuery(out: Deparser, query: TreeNode, colNamesVisible: boolean): void {
  queryDef(out, query, out.context.namespaces, { colNamesVisible });
}

/** get_with_clause() */
export function withClause(out: Deparser, query: TreeNode): void {
  const ctes = nodes(query, 'cteList');
  if (ctes.length === 0) return;
  const { isIndented } = out.context;
  out.indent(Indent.std);
  out.add(isIndented ? ' ' : '');
  ctes.forEach((cte, i) => {
    out.add(i > 0 ? ', ' : flag(query, 'hasRecursive') ? 'WITH RECURSIVE ' : 'WITH ').add(out.quoted(token(cte, 'ctename')));
    const aliases = texts(cte, 'aliascolnames');
    if (aliases.length > 0) out.add(`(${nameList(out, aliases)})`);
    const materialized = token(cte, 'ctematerialized');
    out.add(` AS ${materialized === '1' ? 'MATERIALIZED ' : materialized === '2' ? 'NOT MATERIALIZED ' : ''}(`).keyword('', 0, 0);
    subQuery(out, node(cte, 'ctequery'), true);
    out.keyword('', 0, 0).add(')');
    searchAndCycle(out, cte);
  });
  out.indent(-Indent.std);
  if (isIndented) out.keyword('', 0, 0);
  else out.add(' ');
}

function nameList(out: Deparser, names: readonly string[]): string {
  return names.map((name) => out.quoted(name)).join(', ');
}

function searchAndCycle(out: Deparser, cte: TreeNode): void {
  const search = cte.fields.get('search_clause'), cycle = cte.fields.get('cycle_clause');
  if (isNode(search)) {
    out.add(` SEARCH ${flag(search, 'search_breadth_first') ? 'BREADTH' : 'DEPTH'} FIRST BY ${nameList(out, texts(search, 'search_col_list'))} SET ${out.quoted(token(search, 'search_seq_column'))}`);
  }
  if (!isNode(cycle)) return;
  const [mark, otherwise] = [node(cycle, 'cycle_mark_value'), node(cycle, 'cycle_mark_default')];
  out.add(` CYCLE ${nameList(out, texts(cycle, 'cycle_col_list'))} SET ${out.quoted(token(cycle, 'cycle_mark_column'))}`);
  const isBoolean = (of: TreeNode, text: string): boolean => isA(of, 'CONST') && oid(of, 'consttype') === BOOLOID && !flag(of, 'constisnull') && out.constantText(of) === text;
  if (!isBoolean(mark, 't') || !isBoolean(otherwise, 'f')) out.add(' TO ').expr(mark, false).add(' DEFAULT ').expr(otherwise, false);
  out.add(` USING ${out.quoted(token(cycle, 'cycle_path_column'))}`);
}

const LOCKS: Record<string, string> = { 1: ' FOR KEY SHARE', 2: ' FOR SHARE', 3: ' FOR NO KEY UPDATE', 4: ' FOR UPDATE' };

/** get_select_query_def() */
function select(out: Deparser, query: TreeNode): void {
  withClause(out, query);
  out.context.targetList = nodes(query, 'targetList');
  out.context.windowClause = nodes(query, 'windowClause');
  const setOperations = query.fields.get('setOperations');
  if (isNode(setOperations)) setOperation(out, setOperations);
  else basicSelect(out, query);
  const keyword = (word: string, plus = 0): Deparser => out.keyword(word, -Indent.std, Indent.std, plus);
  const sort = nodes(query, 'sortClause');
  if (sort.length > 0) orderBy(keyword(' ORDER BY ', 1), sort, out.context.targetList, isNode(setOperations));
  const offset = query.fields.get('limitOffset'), count = query.fields.get('limitCount');
  if (offset) keyword(' OFFSET ').expr(offset, false);
  if (count) {
    if (optional(query, 'limitOption') === '1') keyword(' FETCH FIRST ').add('(').expr(count, false).add(') ROWS WITH TIES');
    else if (isA(count, 'CONST') && flag(count, 'constisnull')) keyword(' LIMIT ').add('ALL');
    else keyword(' LIMIT ').expr(count, false);
  }
  if (!flag(query, 'hasForUpdate')) return;
  for (const mark of nodes(query, 'rowMarks')) {
    if (flag(mark, 'pushedDown')) continue;
    const wait = token(mark, 'waitPolicy');
    keyword(LOCKS[token(mark, 'strength')]!).add(` OF ${out.quoted(out.context.namespaces[0]!.names[int(mark, 'rti') - 1] ?? '')}`);
    out.add(wait === '2' ? ' NOWAIT' : wait === '1' ? ' SKIP LOCKED' : '');
  }
}

/** get_simple_values_rte(): a query that is nothing but VALUES, with the columns' names of VALUES. */
function simpleValues(out: Deparser, query: TreeNode): TreeNode | undefined {
  const ownEntries = nodes(query, 'rtable').filter((rte) => token(rte, 'rtekind') !== RteKind.relation || flag(rte, 'inFromCl'));
  const [values] = ownEntries;
  if (ownEntries.length !== 1 || !values || token(values, 'rtekind') !== RteKind.values || !flag(values, 'inFromCl')) return undefined;
  const names = texts(node(values, 'eref'), 'colnames');
  const target = nodes(query, 'targetList');
  const isSame = target.length === names.length && target.every((tle, i) => !flag(tle, 'resjunk') && (out.context.resultNames?.[i] ?? optional(tle, 'resname')) === names[i]);
  return isSame ? values : undefined;
}

/** get_values_def() */
export function valuesDef(out: Deparser, lists: readonly TreeValue[]): void {
  out.add('VALUES ');
  lists.forEach((row, i) => {
    out.add(i > 0 ? ', (' : '(').topLevel(Array.isArray(row) ? row : [], false, ',').add(')');
  });
}

/** get_basic_select_query() */
function basicSelect(out: Deparser, query: TreeNode): void {
  out.indent(Indent.std);
  out.add(out.context.isIndented ? ' ' : '');
  const values = simpleValues(out, query);
  if (values) return valuesDef(out, list(values, 'values_lists'));
  out.add(flag(query, 'isReturn') ? 'RETURN' : 'SELECT');
  const target = out.context.targetList;
  const distinct = nodes(query, 'distinctClause');
  if (distinct.length > 0 && flag(query, 'hasDistinctOn')) {
    clauseList(out.add(' DISTINCT ON ('), distinct, target);
    out.add(')');
  } else if (distinct.length > 0) out.add(' DISTINCT');
  targetList(out, target);
  fromClause(out, query, ' FROM ');
  const where = node(query, 'jointree').fields.get('quals');
  if (where) out.keyword(' WHERE ', -Indent.std, Indent.std, 1).expr(where, false);
  const group = nodes(query, 'groupClause'), sets = nodes(query, 'groupingSets');
  if (group.length > 0 || sets.length > 0) {
    out.keyword(' GROUP BY ', -Indent.std, Indent.std, 1).add(flag(query, 'groupDistinct') ? 'DISTINCT ' : '');
    out.with({ inGroupBy: true }, () => {
      if (sets.length === 0) return clauseList(out, group, target);
      sets.forEach((set, i) => groupingSet(out.add(i > 0 ? ', ' : ''), set, target, true));
    });
  }
  const having = query.fields.get('havingQual');
  if (having) out.keyword(' HAVING ', -Indent.std, Indent.std).expr(having, false);
  windowClause(out, query);
}

/** get_target_list(): an output column's name is written unless it is the one that it has anyway. */
export function targetList(out: Deparser, entries: readonly TreeNode[]): void {
  const { resultNames, colNamesVisible } = out.context;
  entries.filter((tle) => !flag(tle, 'resjunk')).forEach((tle, i) => {
    out.add(i > 0 ? ', ' : ' ');
    const text = out.captured(() => {
      const value = tle.fields.get('expr');
      let ownName: string | undefined;
      if (isA(value, 'VAR')) ownName = variable(out, value, 0, true);
      else {
        out.expr(value, true);
        ownName = colNamesVisible ? undefined : '?column?';
      }
      const name = resultNames?.[i] ?? optional(tle, 'resname');
      if (name !== undefined && name !== ownName) out.add(` AS ${out.quoted(name)}`);
    });
    out.addOnOwnLine(text, i === 0);
  });
}

const SET_OPERATIONS: Record<string, string> = { 1: 'UNION ', 2: 'INTERSECT ', 3: 'EXCEPT ' };

/** get_setop_query() */
function setOperation(out: Deparser, operation: TreeNode): void {
  if (isA(operation, 'RANGETBLREF')) {
    const namespace = out.context.namespaces[0]!;
    const query = node(entry(namespace, int(operation, 'rtindex')), 'subquery');
    const isComposed = ['cteList', 'sortClause', 'rowMarks', 'limitOffset', 'limitCount', 'setOperations'].some((field) => query.fields.get(field));
    out.add(isComposed ? '(' : '');
    queryDef(out, query, out.context.namespaces, { resultNames: out.context.resultNames, colNamesVisible: out.context.colNamesVisible });
    out.add(isComposed ? ')' : '');
    return;
  }
  const [left, right] = [node(operation, 'larg'), node(operation, 'rarg')];
  const leftApart = isA(left, 'SETOPERATIONSTMT') && (token(left, 'op') !== token(operation, 'op') || token(left, 'all') !== token(operation, 'all'));
  const leftIndent = leftApart ? Indent.std : 0;
  if (leftApart) out.add('(').keyword('', leftIndent, 0);
  setOperation(out, left);
  if (leftApart) out.keyword(') ', -leftIndent, 0);
  else if (out.context.isIndented) out.keyword('', 0, 0);
  else out.add(' ');
  out.add(`${SET_OPERATIONS[token(operation, 'op')]!}${flag(operation, 'all') ? 'ALL ' : ''}`);
  const rightApart = isA(right, 'SETOPERATIONSTMT');
  const rightIndent = rightApart ? Indent.std : 0;
  out.add(rightApart ? '(' : '').keyword('', rightIndent, 0);
  out.with({ colNamesVisible: false }, () => setOperation(out, right));
  out.indent(-rightIndent);
  if (rightApart) out.keyword(')', 0, 0);
}

/** get_sublink_expr() */
export function subLink(out: Deparser, of: TreeNode): void {
  const kind = token(of, 'subLinkType');
  const test = of.fields.get('testexpr');
  let operator = '';
  out.add(kind === SubLinkType.array ? 'ARRAY(' : '(');
  if (isA(test, 'OPEXPR')) {
    out.expr(list(test, 'args')[0], true);
    operator = out.operatorName(oid(test, 'opno'));
  } else if (isA(test, 'BOOLEXPR')) {
    const comparisons = nodes(test, 'args');
    out.add('(').expr(comparisons.map((each) => list(each, 'args')[0]!), true).add(')');
    operator = out.operatorName(oid(comparisons[0]!, 'opno'));
  } else if (isA(test, 'ROWCOMPAREEXPR')) {
    out.add('(').expr(list(test, 'largs'), true).add(')');
    operator = out.operatorName(numbers(test, 'opnos')[0]!);
  } else if (test) throw new NodeTreeError('SUBLINK of an unknown test');
  switch (kind) {
    case SubLinkType.exists: out.add('EXISTS '); break;
    case SubLinkType.any: out.add(operator === '=' ? ' IN ' : ` ${operator} ANY `); break;
    case SubLinkType.all: out.add(` ${operator} ALL `); break;
    case SubLinkType.rowCompare: out.add(` ${operator} `); break;
    default:
  }
  const isInner = kind === SubLinkType.expr || kind === SubLinkType.multiExpr || kind === SubLinkType.array;
  out.add(isInner ? '' : '(');
  subQuery(out, node(of, 'subselect'), false);
  out.add(isInner ? ')' : '))');
}
