/** Aggregates and window functions: get_agg_expr_helper(), get_windowfunc_expr_helper(), utils/adt/ruleutils.c, PG 13–18. */
import { functionName } from './calls.js';
import type { Deparser } from './deparser.js';
import { flag, list, nodes, oid, token } from './nodes.js';
import { NodeTreeError, type TreeNode } from './nodeTree.js';
import { orderBy, windowSpec } from './sorting.js';

/** What JSON_OBJECTAGG() and JSON_ARRAYAGG() are printed with instead of the function's own name. */
export interface JsonAggregate {
  name: string;
  options: string;
  isObject: boolean;
}

/** An aggregate with its DISTINCT, ORDER BY, WITHIN GROUP and FILTER. */
export function aggregate(out: Deparser, of: TreeNode, json?: JsonAggregate): void {
  const order = nodes(of, 'aggorder');
  out.add(`${json?.name ?? functionName(out, oid(of, 'aggfnoid'))}(${list(of, 'aggdistinct').length > 0 ? 'DISTINCT ' : ''}`);
  const entries = nodes(of, 'args');
  if (token(of, 'aggkind') === 'n') {
    if (flag(of, 'aggstar')) out.add('*');
    else {
      // what JSON_OBJECTAGG takes besides key and value is printed as options
      const args = entries.filter((tle) => !flag(tle, 'resjunk')).slice(0, json?.isObject ? 2 : undefined);
      args.forEach((tle, i) => {
        const isVariadic = json === undefined && flag(of, 'aggvariadic') && i === args.length - 1;
        out.add(`${i > 0 ? (json?.isObject ? ' : ' : ', ') : ''}${isVariadic ? 'VARIADIC ' : ''}`).expr(tle.fields.get('expr'), true);
      });
    }
    if (order.length > 0) {
      out.add(' ORDER BY ');
      orderBy(out, order, entries, false);
    }
  } else {
    out.expr(of.fields.get('aggdirectargs'), true).add(') WITHIN GROUP (ORDER BY ');
    orderBy(out, order, entries, false);
  }
  out.add(json?.options ?? '');
  filter(out, of);
  out.add(')');
}

function filter(out: Deparser, of: TreeNode): void {
  const condition = of.fields.get('aggfilter');
  if (condition) out.add(') FILTER (WHERE ').expr(condition, false);
}

/** A call with OVER: the window by its name, or as it is defined. */
export function windowFunction(out: Deparser, of: TreeNode, json?: JsonAggregate): void {
  const args = list(of, 'args');
  out.add(`${json?.name ?? functionName(out, oid(of, 'winfnoid'))}(`);
  if (flag(of, 'winstar')) out.add('*');
  else if (json?.isObject) out.expr(args[0], false).add(' : ').expr(args[1], false);
  else out.expr(args, true);
  out.add(json?.options ?? '');
  filter(out, of);
  out.add(') OVER ');
  const clause = out.context.windowClause.find((each) => token(each, 'winref') === token(of, 'winref'));
  if (!clause) throw new NodeTreeError('WINDOWFUNC without its window');
  const name = clause.fields.get('name');
  if (typeof name === 'string') out.add(out.quoted(name));
  else windowSpec(out, clause, out.context.targetList);
}
