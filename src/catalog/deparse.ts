/** Stored trees back to SQL as pg_get_expr(), pg_get_viewdef() and pg_get_functiondef() print them. What is not known is refused by name, never guessed. */
import type { StoredOutput } from '../rows/types/typeInfo.js';
import type { Catalog } from './catalog.js';
import { Deparser } from './ruleutils/deparser.js';
import { ColumnNames, namespaceOf, type Namespace } from './ruleutils/names.js';
import { int, isA, node, nodes, token } from './ruleutils/nodes.js';
import { isNode, NodeTreeError, parseNodeTree, type TreeNode, type TreeValue } from './ruleutils/nodeTree.js';
import { Indent, type Context } from './ruleutils/printer.js';
import { queryDef } from './ruleutils/query.js';
import type { TypeCatalog } from './typeCatalog.js';

/** What names and values in a tree refer to. */
export interface DeparseLookup {
  catalog: Catalog;
  types: TypeCatalog;
  /** How values of a type print. */
  printer(typeOid: number): StoredOutput;
}

/** SQL, or why there is none. */
export type Deparsed = { sql: string } | { sql: undefined; unknown: string };

export interface DeparseOptions {
  /** Columns that Vars name. */
  relOid?: number;
}

/** Deparses the text of a pg_node_tree. */
export function deparseText(lookup: DeparseLookup, text: string, options: DeparseOptions): Deparsed {
  return refused(() => expression(lookup, parseNodeTree(text), options));
}

/** Deparses one expression of a tree. */
export function deparse(lookup: DeparseLookup, tree: TreeValue, options: DeparseOptions): Deparsed {
  return refused(() => expression(lookup, tree, options));
}

/** The condition of a trigger, whose columns are those of OLD and NEW. */
export function deparseWhen(lookup: DeparseLookup, text: string, relOid: number): Deparsed {
  return refused(() => new Deparser(lookup, { ...contextOf([relationAs(lookup, relOid, ['old', 'new'])]), varPrefix: true, indentLevel: Indent.std }).expr(parseNodeTree(text), false).text);
}

/** make_ruledef() from its condition on: ` WHERE … DO …` with a semicolon, of pg_rewrite.ev_qual and ev_action. */
export function deparseRule(lookup: DeparseLookup, { condition, action, isInstead }: { condition: string; action: string; isInstead: boolean }): Deparsed {
  return refused(() => {
    const tree = parseNodeTree(action);
    const queries = (Array.isArray(tree) ? tree : []).filter((each) => isNode(each));
    if (queries.length === 0) throw new NodeTreeError('a rule without its query');
    const deparser = new Deparser(lookup, contextOf([]));
    const qual = parseNodeTree(condition);
    if (qual !== null) {
      const query = insertedQuery(queries[0]!);
      deparser.add('\n   WHERE ');
      deparser.with({ namespaces: [namespaceOf(lookup, query, [])], varPrefix: nodes(query, 'rtable').length !== 1, indentLevel: Indent.std }, () => void deparser.expr(qual, false));
    }
    deparser.add(` DO ${isInstead ? 'INSTEAD ' : ''}${queries.length > 1 ? '(' : ''}`);
    for (const query of queries) {
      queryDef(deparser, query, [], { colNamesVisible: true });
      deparser.add(queries.length > 1 ? ';\n' : ';');
    }
    return deparser.add(queries.length > 1 ? ');' : '').text;
  });
}

/** getInsertSelectQuery(), rewrite/rewriteManip.c: the OLD and NEW of INSERT … SELECT stand in the SELECT. */
function insertedQuery(query: TreeNode): TreeNode {
  const CMD_INSERT = '3';
  const entries = nodes(query, 'rtable');
  const isOwn = ['old', 'new'].every((name, i) => entries[i] && token(node(entries[i], 'eref'), 'aliasname') === name);
  if (token(query, 'commandType') !== CMD_INSERT || isOwn) return query;
  const [from] = nodes(node(query, 'jointree'), 'fromlist');
  const source = from && isA(from, 'RANGETBLREF') ? entries[int(from, 'rtindex') - 1] : undefined;
  if (!source) throw new NodeTreeError('an INSERT of a rule without its SELECT');
  return node(source, 'subquery');
}

/** A constant without the cast that names its type: what partition bounds show. */
export function deparseBareConst(lookup: DeparseLookup, node: TreeNode): string {
  const deparser = new Deparser(lookup, contextOf([]));
  deparser.constant(node, -1);
  return deparser.text;
}

/** pg_get_viewdef(): the query of a view's rule (pg_rewrite.ev_action), with a semicolon. `columns`: as the view's are called now. */
export function deparseView(lookup: DeparseLookup, action: string, columns: readonly string[]): Deparsed {
  return refused(() => {
    const actions = parseNodeTree(action);
    const query = Array.isArray(actions) ? actions[0] : undefined;
    if (!isNode(query)) throw new NodeTreeError('a rule without its query');
    const deparser = new Deparser(lookup, contextOf([]));
    queryDef(deparser, query, [], { resultNames: columns, colNamesVisible: true });
    return `${deparser.text};`;
  });
}

export interface FunctionArguments {
  functionName: string;
  argNames: readonly (string | null)[];
}

/** print_function_sqlbody(): `RETURN …`, or BEGIN ATOMIC … END. */
export function deparseBody(lookup: DeparseLookup, body: string, { functionName, argNames }: FunctionArguments): Deparsed {
  return refused(() => {
    const outermost: Namespace = { rtable: [], ctes: [], names: [], columns: [], oldAlias: undefined, newAlias: undefined, uniqueUsing: false, usingNames: [], functionName, argNames };
    const tree = parseNodeTree(body);
    const deparser = new Deparser(lookup, { ...contextOf([outermost]), isIndented: Array.isArray(tree), indentLevel: 1 });
    if (!Array.isArray(tree)) {
      if (!isNode(tree)) throw new NodeTreeError('a body without its query');
      queryDef(deparser, tree, [outermost], { colNamesVisible: false });
      return deparser.text;
    }
    deparser.add('BEGIN ATOMIC\n');
    for (const statement of Array.isArray(tree[0]) ? tree[0] : []) {
      if (!isNode(statement)) throw new NodeTreeError('a statement that is none');
      queryDef(deparser, statement, [outermost], { colNamesVisible: false });
      deparser.add(';\n');
    }
    return deparser.add('END').text;
  });
}

function refused(write: () => string): Deparsed {
  try {
    return { sql: write() };
  } catch (error) {
    if (!(error instanceof NodeTreeError)) throw error;
    return { sql: undefined, unknown: error.message };
  }
}

function expression(lookup: DeparseLookup, tree: TreeValue, { relOid }: DeparseOptions): string {
  return new Deparser(lookup, contextOf(relOid === undefined ? [] : [relationAs(lookup, relOid, [lookup.catalog.relations.get(relOid)?.name])])).expr(tree, false).text;
}

function contextOf(namespaces: readonly Namespace[]): Context {
  return {
    namespaces, resultNames: undefined, targetList: [], windowClause: [], varPrefix: false, isIndented: true, indentLevel: 0, colNamesVisible: true, inGroupBy: false, varInOrderBy: false,
  };
}

/** deparse_context_for(): the columns of one relation, once under each name. */
function relationAs(lookup: DeparseLookup, relOid: number, names: (string | undefined)[]): Namespace {
  const columns = new ColumnNames();
  columns.colnames = lookup.catalog.columns(relOid).map((column) => (column.dropped ? undefined : column.name));
  const rte: TreeNode = { type: 'RANGETBLENTRY', fields: new Map<string, TreeValue>([['rtekind', '0'], ['relid', String(relOid)], ['alias', null]]) };
  return { rtable: names.map(() => rte), ctes: [], names, columns: names.map(() => columns), oldAlias: undefined, newAlias: undefined, uniqueUsing: false, usingNames: [] };
}
