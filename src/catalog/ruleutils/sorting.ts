/** ORDER BY, GROUP BY and windows: get_rule_sortgroupclause() and its neighbours, utils/adt/ruleutils.c, PG 13–18. */
import type { Deparser } from './deparser.js';
import { flag, int, isA, list, nodes, numbers, oid, optional, token } from './nodes.js';
import { isNode, NodeTreeError, type TreeNode, type TreeValue } from './nodeTree.js';
import { Indent } from './printer.js';
import { variable } from './variables.js';

/** Writes what a clause sorts or groups by, by its number where `forceNumber`; gives the expression. */
export function sortGroupClause(out: Deparser, ref: number, targetList: readonly TreeNode[], forceNumber: boolean): TreeValue | undefined {
  const tle = targetList.find((each) => int(each, 'ressortgroupref') === ref);
  if (!tle) throw new NodeTreeError(`a sort clause for entry ${ref}`);
  const value = tle.fields.get('expr');
  if (forceNumber) out.add(token(tle, 'resno'));
  else if (isA(value, 'CONST')) out.constant(value, 1);
  else if (isA(value, 'VAR')) out.with({ varInOrderBy: true }, () => void variable(out, value, 0, false));
  else {
    // what looks like a function could be read as CUBE or ROLLUP
    const needsParentheses = isA(value, 'FUNCEXPR', 'AGGREF', 'WINDOWFUNC', 'JSONCONSTRUCTOREXPR');
    out.add(needsParentheses ? '(' : '').expr(value, true).add(needsParentheses ? ')' : '');
  }
  return value;
}

/** Writes sort or group clauses with commas. */
export function clauseList(out: Deparser, clauses: readonly TreeNode[], targetList: readonly TreeNode[]): void {
  clauses.forEach((clause, i) => {
    out.add(i > 0 ? ', ' : '');
    sortGroupClause(out, int(clause, 'tleSortGroupRef'), targetList, false);
  });
}

/** get_rule_orderby(): with the direction, or the operator where it is no type's usual one. */
export function orderBy(out: Deparser, clauses: readonly TreeNode[], targetList: readonly TreeNode[], forceNumber: boolean): void {
  clauses.forEach((clause, i) => {
    out.add(i > 0 ? ', ' : '');
    const value = sortGroupClause(out, int(clause, 'tleSortGroupRef'), targetList, forceNumber);
    const { less, greater } = out.lookup.types.operatorClasses.defaultOrder(out.typeOf(value));
    const operator = oid(clause, 'sortop');
    const nullsFirst = flag(clause, 'nulls_first');
    if (operator === less) out.add(nullsFirst ? ' NULLS FIRST' : '');
    else if (operator === greater) out.add(` DESC${nullsFirst ? '' : ' NULLS LAST'}`);
    else out.add(` USING ${out.operatorName(operator)} NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`);
  });
}

const GroupingSetKind = { empty: '0', simple: '1', rollup: '2', cube: '3', sets: '4' } as const;
const GROUPING_WORDS: Record<string, string> = { [GroupingSetKind.rollup]: 'ROLLUP(', [GroupingSetKind.cube]: 'CUBE(', [GroupingSetKind.sets]: 'GROUPING SETS (' };

/** get_rule_groupingset() */
export function groupingSet(out: Deparser, set: TreeNode, targetList: readonly TreeNode[], omitParentheses: boolean): void {
  const kind = token(set, 'kind');
  if (kind === GroupingSetKind.empty) return void out.add('()');
  if (kind === GroupingSetKind.simple) {
    const refs = numbers(set, 'content');
    const bare = omitParentheses && refs.length === 1;
    out.add(bare ? '' : '(');
    refs.forEach((ref, i) => {
      out.add(i > 0 ? ', ' : '');
      sortGroupClause(out, ref, targetList, false);
    });
    out.add(bare ? '' : ')');
    return;
  }
  out.add(GROUPING_WORDS[kind]!);
  list(set, 'content').forEach((each, i) => {
    if (!isNode(each)) throw new NodeTreeError('GROUPINGSET of what is none');
    out.add(i > 0 ? ', ' : '');
    groupingSet(out, each, targetList, kind !== GroupingSetKind.sets);
  });
  out.add(')');
}

/** WINDOW name AS (…): windows without a name stand where they are used. */
export function windowClause(out: Deparser, query: TreeNode): void {
  const named = nodes(query, 'windowClause').filter((each) => optional(each, 'name') !== undefined);
  named.forEach((clause, i) => {
    if (i === 0) out.keyword(' WINDOW ', -Indent.std, Indent.std, 1);
    else out.add(', ');
    out.add(`${out.quoted(token(clause, 'name'))} AS `);
    windowSpec(out, clause, nodes(query, 'targetList'));
  });
}

/** get_rule_windowspec() */
export function windowSpec(out: Deparser, clause: TreeNode, targetList: readonly TreeNode[]): void {
  const reference = optional(clause, 'refname');
  const partition = nodes(clause, 'partitionClause'), order = nodes(clause, 'orderClause');
  const parts: (() => void)[] = [];
  if (reference !== undefined) parts.push(() => void out.add(out.quoted(reference)));
  if (partition.length > 0 && reference === undefined) parts.push(() => clauseList(out.add('PARTITION BY '), partition, targetList));
  if (order.length > 0 && !flag(clause, 'copiedOrder')) parts.push(() => orderBy(out.add('ORDER BY '), order, targetList, false));
  if ((int(clause, 'frameOptions') & Frame.nonDefault) !== 0) parts.push(() => frame(out, clause));
  out.add('(');
  parts.forEach((write, i) => {
    out.add(i > 0 ? ' ' : '');
    write();
  });
  out.add(')');
}

/** FRAMEOPTION_*, nodes/parsenodes.h */
const Frame = {
  nonDefault: 0x1, range: 0x2, rows: 0x4, groups: 0x8, between: 0x10, startUnboundedPreceding: 0x20, endUnboundedFollowing: 0x100, startCurrentRow: 0x200, endCurrentRow: 0x400,
  startOffsetPreceding: 0x800, endOffsetPreceding: 0x1000, startOffsetFollowing: 0x2000, endOffsetFollowing: 0x4000, excludeCurrentRow: 0x8000, excludeGroup: 0x10000, excludeTies: 0x20000,
} as const;

/** get_window_frame_options() */
function frame(out: Deparser, clause: TreeNode): void {
  const options = int(clause, 'frameOptions');
  const has = (bit: number): boolean => (options & bit) !== 0;
  out.add(has(Frame.range) ? 'RANGE ' : has(Frame.rows) ? 'ROWS ' : 'GROUPS ');
  if (has(Frame.between)) out.add('BETWEEN ');
  if (has(Frame.startUnboundedPreceding)) out.add('UNBOUNDED PRECEDING');
  else if (has(Frame.startCurrentRow)) out.add('CURRENT ROW');
  else out.expr(clause.fields.get('startOffset'), false).add(has(Frame.startOffsetPreceding) ? ' PRECEDING' : ' FOLLOWING');
  if (has(Frame.between)) {
    out.add(' AND ');
    if (has(Frame.endUnboundedFollowing)) out.add('UNBOUNDED FOLLOWING');
    else if (has(Frame.endCurrentRow)) out.add('CURRENT ROW');
    else out.expr(clause.fields.get('endOffset'), false).add(has(Frame.endOffsetPreceding) ? ' PRECEDING' : ' FOLLOWING');
  }
  if (has(Frame.excludeCurrentRow)) out.add(' EXCLUDE CURRENT ROW');
  else if (has(Frame.excludeGroup)) out.add(' EXCLUDE GROUP');
  else if (has(Frame.excludeTies)) out.add(' EXCLUDE TIES');
}
