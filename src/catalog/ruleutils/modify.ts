/** INSERT, UPDATE, DELETE, MERGE and NOTIFY in functions, rules and WITH: get_insert_query_def() and its neighbours, utils/adt/ruleutils.c, PG 13–18. */
import { withoutImplicitCasts, CoercionForm, type Deparser } from './deparser.js';
import { fromClause, onlyMarker, tableAlias } from './fromClause.js';
import { entry, RteKind } from './names.js';
import { flag, int, isA, list, node, nodes, numbers, oid, optional, SubLinkType, token } from './nodes.js';
import { isNode, NodeTreeError, type TreeNode, type TreeValue } from './nodeTree.js';
import { Indent } from './printer.js';
import { subQuery, targetList, valuesDef, withClause } from './query.js';

const Command = { update: '2', insert: '3', delete: '4' } as const;
const OVERRIDING: Record<string, string> = { 1: 'OVERRIDING USER VALUE', 2: 'OVERRIDING SYSTEM VALUE' };

/** Anything but SELECT. */
export function modifyingQuery(out: Deparser, query: TreeNode): void {
  const command = token(query, 'commandType');
  // since 15 MERGE stands in between
  const [merge, utility, nothing] = out.major >= 15 ? ['5', '6', '7'] : [undefined, '5', '6'];
  switch (command) {
    case Command.insert: return insert(out, query);
    case Command.update: return update(out, query);
    case Command.delete: return remove(out, query);
    case merge: return mergeInto(out, query);
    case utility: return notify(out, query);
    case nothing: return void out.add('NOTHING');
    default: throw new NodeTreeError(`QUERY of command ${command}`);
  }
}

interface Target {
  rte: TreeNode;
  rtindex: number;
}

function target(query: TreeNode): Target {
  const rtindex = int(query, 'resultRelation');
  return { rte: entry({ rtable: nodes(query, 'rtable') }, rtindex), rtindex };
}

/** `UPDATE ONLY t x`: the command, its table and the alias. */
function begin(out: Deparser, query: TreeNode, words: string, before: ' ' | ' AS ' = ' '): Target {
  const { rte, rtindex } = target(query);
  withClause(out, query);
  out.add(out.context.isIndented ? ' ' : '');
  out.indent(Indent.std);
  out.add(`${words} ${before === ' ' ? onlyMarker(rte) : ''}${out.relationName(oid(rte, 'relid'))}`);
  tableAlias(out, rte, rtindex, before);
  return { rte, rtindex };
}

function where(out: Deparser, condition: TreeValue | undefined): void {
  if (condition) out.keyword(' WHERE ', -Indent.std, Indent.std, 1).expr(condition, false);
}

/** get_returning_clause() */
function returning(out: Deparser, query: TreeNode): void {
  const entries = nodes(query, 'returningList');
  if (entries.length === 0) return;
  out.keyword(' RETURNING', -Indent.std, Indent.std, 1);
  const aliases = ([['OLD', 'returningOldAlias', 'old'], ['NEW', 'returningNewAlias', 'new']] as const)
    .flatMap(([word, field, own]) => ((optional(query, field) ?? own) === own ? [] : [`${word} AS ${out.quoted(token(query, field))}`]));
  if (aliases.length > 0) out.add(` WITH (${aliases.join(', ')})`);
  targetList(out, entries);
}

/** Columns with their indirection; gives the values. */
function insertColumns(out: Deparser, rte: TreeNode, entries: readonly TreeNode[]): (TreeValue | undefined)[] {
  return entries.filter((tle) => !flag(tle, 'resjunk')).map((tle, i) => {
    out.add(i > 0 ? ', ' : '').add(columnName(out, rte, tle));
    return indirection(out, tle.fields.get('expr'));
  });
}

/** As the column is called now. */
function columnName(out: Deparser, rte: TreeNode, tle: TreeNode): string {
  const column = out.lookup.catalog.columns(oid(rte, 'relid'))[int(tle, 'resno') - 1];
  if (!column) throw new NodeTreeError(`column ${token(tle, 'resno')} of a table`);
  return out.quoted(column.name);
}

function insert(out: Deparser, query: TreeNode): void {
  const source = (kind: string): TreeNode | undefined => nodes(query, 'rtable').find((rte) => token(rte, 'rtekind') === kind);
  const select = source(RteKind.subquery), values = source(RteKind.values);
  const { rte } = begin(out, query, 'INSERT INTO', ' AS ');
  const entries = nodes(query, 'targetList');
  out.add(entries.length > 0 ? ' (' : ' ');
  const stripped = insertColumns(out, rte, entries);
  out.add(entries.length > 0 ? ') ' : '');
  const override = OVERRIDING[token(query, 'override')];
  out.add(override === undefined ? '' : `${override} `);
  if (select) subQuery(out, node(select, 'subquery'), false);
  else if (values) valuesDef(out, list(values, 'values_lists'));
  else if (stripped.length > 0) out.keyword('VALUES (', -Indent.std, Indent.std, 2).topLevel(stripped, false).add(')');
  else out.add('DEFAULT VALUES');
  const conflict = query.fields.get('onConflict');
  if (isNode(conflict)) onConflict(out, query, conflict, rte);
  returning(out, query);
}

function onConflict(out: Deparser, query: TreeNode, conflict: TreeNode, rte: TreeNode): void {
  out.add(' ON CONFLICT');
  const arbiters = list(conflict, 'arbiterElems');
  if (arbiters.length > 0) {
    out.add('(').expr(arbiters, false).add(')');
    out.with({ varPrefix: false }, () => where(out, conflict.fields.get('arbiterWhere')));
  } else if (oid(conflict, 'constraint') !== 0) {
    out.add(` ON CONSTRAINT ${out.quoted(out.lookup.types.constraintName(oid(conflict, 'constraint')))}`);
  }
  if (token(conflict, 'action') === '1') return void out.add(' DO NOTHING');
  out.add(' DO UPDATE SET ');
  assignments(out, query, nodes(conflict, 'onConflictSet'), rte);
  where(out, conflict.fields.get('onConflictWhere'));
}

function update(out: Deparser, query: TreeNode): void {
  const { rte } = begin(out, query, 'UPDATE');
  out.add(' SET ');
  assignments(out, query, nodes(query, 'targetList'), rte);
  fromClause(out, query, ' FROM ');
  where(out, node(query, 'jointree').fields.get('quals'));
  returning(out, query);
}

function remove(out: Deparser, query: TreeNode): void {
  begin(out, query, 'DELETE FROM');
  fromClause(out, query, ' USING ');
  where(out, node(query, 'jointree').fields.get('quals'));
  returning(out, query);
}

/** get_update_query_targetlist_def(): `a = 1, (b, c) = (SELECT …)`. */
function assignments(out: Deparser, query: TreeNode, entries: readonly TreeNode[], rte: TreeNode): void {
  const sources = flag(query, 'hasSubLinks')
    ? entries.map((tle) => tle.fields.get('expr')).filter((value, i): value is TreeNode => flag(entries[i]!, 'resjunk') && isA(value, 'SUBLINK') && token(value, 'subLinkType') === SubLinkType.multiExpr) : [];
  let current: TreeNode | undefined;
  let left = 0;
  entries.filter((tle) => !flag(tle, 'resjunk')).forEach((tle, i) => {
    out.add(i > 0 ? ', ' : '');
    if (sources.length > 0 && !current && isMultiParameter(tle.fields.get('expr'))) {
      current = sources.shift()!;
      left = nodes(node(current, 'subselect'), 'targetList').filter((each) => !flag(each, 'resjunk')).length;
      out.add('(');
    }
    out.add(columnName(out, rte, tle));
    let value = indirection(out, tle.fields.get('expr'));
    if (current) {
      if (--left > 0) return;
      out.add(')');
      value = current;
      current = undefined;
    }
    out.add(' = ').expr(value, false);
  });
}

/** What an assignment to part of a column assigns, below the nodes that name the part. */
function isMultiParameter(value: TreeValue | undefined): boolean {
  if (isA(value, 'FIELDSTORE')) return isMultiParameter(list(value, 'newvals')[0]);
  if (isA(value, 'SUBSCRIPTINGREF') && value.fields.get('refassgnexpr')) return isMultiParameter(value.fields.get('refassgnexpr'));
  if (isA(value, 'COERCETODOMAIN') && token(value, 'coercionformat') === CoercionForm.implicitCast) return isMultiParameter(value.fields.get('arg'));
  const bare = withoutImplicitCasts(value);
  return isA(bare, 'PARAM') && token(bare, 'paramkind') === '3';
}

/** processIndirection(): `.field` and `[1]` behind a column that is assigned to in part; gives the value. */
function indirection(out: Deparser, value: TreeValue | undefined): TreeValue | undefined {
  if (isA(value, 'FIELDSTORE')) {
    const attribute = out.lookup.types.type(oid(value, 'resulttype'))?.attributes?.[numbers(value, 'fieldnums')[0]! - 1];
    if (!attribute) throw new NodeTreeError('FIELDSTORE of an unknown row type');
    out.add(`.${out.quoted(attribute.name)}`);
    return indirection(out, list(value, 'newvals')[0]);
  }
  if (isA(value, 'SUBSCRIPTINGREF') && value.fields.get('refassgnexpr')) {
    out.subscripts(value);
    return indirection(out, value.fields.get('refassgnexpr'));
  }
  if (isA(value, 'COERCETODOMAIN') && token(value, 'coercionformat') === CoercionForm.implicitCast) {
    const inner = value.fields.get('arg');
    const isPart = isA(inner, 'FIELDSTORE') || (isA(inner, 'SUBSCRIPTINGREF') && Boolean(inner.fields.get('refassgnexpr')));
    return isPart ? indirection(out, inner) : value;
  }
  return value;
}

/** MergeMatchKind; before 17 a flag said whether the row was matched. */
const MatchKind = { matched: '0', bySource: '1', byTarget: '2' } as const;

/** get_merge_query_def() */
function mergeInto(out: Deparser, query: TreeNode): void {
  const { rte } = begin(out, query, 'MERGE INTO');
  fromClause(out, query, ' USING ');
  const condition = query.fields.has('mergeJoinCondition') ? query.fields.get('mergeJoinCondition') : node(query, 'jointree').fields.get('quals');
  out.keyword(' ON ', -Indent.std, Indent.std, 2).expr(condition, false);
  const actions = nodes(query, 'mergeActionList');
  const kindOf = (action: TreeNode): string => optional(action, 'matchKind') ?? (flag(action, 'matched') ? MatchKind.matched : MatchKind.byTarget);
  const hasBySource = actions.some((action) => kindOf(action) === MatchKind.bySource);
  for (const action of actions) {
    const kind = kindOf(action);
    out.keyword(' WHEN ', -Indent.std, Indent.std, 2);
    out.add(kind === MatchKind.matched ? 'MATCHED' : `NOT MATCHED${kind === MatchKind.bySource ? ' BY SOURCE' : hasBySource ? ' BY TARGET' : ''}`);
    const qual = action.fields.get('qual');
    if (qual) out.keyword(' AND ', -Indent.std, Indent.std, 3).expr(qual, false);
    out.keyword(' THEN ', -Indent.std, Indent.std, 3);
    mergeAction(out, query, action, rte);
  }
  returning(out, query);
}

function mergeAction(out: Deparser, query: TreeNode, action: TreeNode, rte: TreeNode): void {
  const entries = nodes(action, 'targetList');
  switch (token(action, 'commandType')) {
    case Command.insert: {
      out.add(entries.length > 0 ? 'INSERT (' : 'INSERT');
      const stripped = insertColumns(out, rte, entries);
      const override = OVERRIDING[token(action, 'override')];
      out.add(`${entries.length > 0 ? ')' : ''}${override === undefined ? '' : ` ${override}`}`);
      if (stripped.length > 0) out.keyword(' VALUES (', -Indent.std, Indent.std, 4).topLevel(stripped, false).add(')');
      else out.add(' DEFAULT VALUES');
      return;
    }
    case Command.update:
      out.add('UPDATE SET ');
      return assignments(out, query, entries, rte);
    case Command.delete: return void out.add('DELETE');
    default: out.add('DO NOTHING');
  }
}

/** get_utility_query_def(): of commands that return nothing, rules may hold NOTIFY alone. */
function notify(out: Deparser, query: TreeNode): void {
  const statement = query.fields.get('utilityStmt');
  if (!isA(statement, 'NOTIFYSTMT')) throw new NodeTreeError('a utility statement');
  const payload = optional(statement, 'payload');
  out.keyword('', 0, Indent.std, 1).add(`NOTIFY ${out.quoted(token(statement, 'conditionname'))}${payload === undefined ? '' : `, '${payload.replaceAll("'", "''")}'`}`);
}
