/** Since 18, columns after GROUP BY refer to an entry that holds the grouped expressions: flatten_group_exprs(), optimizer/util/var.c. */
import { flag, int, list, nodeType, nodes, token } from './nodes.js';
import { RteKind } from './names.js';
import { isNode, type TreeNode, type TreeValue } from './nodeTree.js';

/** The query with those references replaced by what was grouped. */
export function withoutGroupEntry(query: TreeNode): TreeNode {
  if (!flag(query, 'hasGroupRTE')) return query;
  const rtable = nodes(query, 'rtable');
  const place = rtable.findIndex((rte) => token(rte, 'rtekind') === RteKind.group);
  const expressions = list(rtable[place]!, 'groupexprs');
  const fields = new Map(query.fields);
  for (const field of ['targetList', 'havingQual']) fields.set(field, replaced(query.fields.get(field) ?? null, place + 1, expressions, 0));
  return { type: query.type, fields };
}

function replaced(value: TreeValue, rtindex: number, expressions: readonly TreeValue[], level: number): TreeValue {
  if (Array.isArray(value)) return value.map((each) => replaced(each, rtindex, expressions, level));
  if (!isNode(value)) return value;
  if (nodeType(value) === 'VAR' && int(value, 'varlevelsup') === level && int(value, 'varno') === rtindex) return raised(expressions[int(value, 'varattno') - 1]!, level, 0);
  const inner = nodeType(value) === 'QUERY' ? level + 1 : level;
  return { type: value.type, fields: new Map([...value.fields].map(([field, each]) => [field, replaced(each, rtindex, expressions, inner)])) };
}

/** IncrementVarSublevelsUp(): an expression that is put into a sub-select. */
function raised(value: TreeValue, by: number, level: number): TreeValue {
  if (by === 0) return value;
  if (Array.isArray(value)) return value.map((each) => raised(each, by, level));
  if (!isNode(value)) return value;
  const inner = nodeType(value) === 'QUERY' ? level + 1 : level;
  const fields = new Map([...value.fields].map(([field, each]) => [field, raised(each, by, inner)]));
  for (const field of ['varlevelsup', 'agglevelsup', 'ctelevelsup']) {
    const own = fields.get(field);
    if (typeof own === 'string' && Number(own) >= level && (nodeType(value) !== 'VAR' || field === 'varlevelsup')) fields.set(field, String(Number(own) + by));
  }
  return { type: value.type, fields };
}
