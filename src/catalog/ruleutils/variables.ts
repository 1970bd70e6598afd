/** Columns in expressions, and fields of rows: get_variable(), get_name_for_var_field(), utils/adt/ruleutils.c, PG 13–18. */
import type { Deparser } from './deparser.js';
import { entry, namespaceOf, rowAttributes, RteKind, type Namespace } from './names.js';
import { int, isA, list, node, nodes, oid, optional, sameTree, texts, token } from './nodes.js';
import { isNode, NodeTreeError, type TreeNode, type TreeValue } from './nodeTree.js';

const RECORDOID = 2249;
const SYSTEM_COLUMNS: Record<number, string> = { [-1]: 'ctid', [-2]: 'xmin', [-3]: 'cmin', [-4]: 'xmax', [-5]: 'cmax', [-6]: 'tableoid' };
/** VarReturningType */
const Returning = { old: '1', new: '2' } as const;

interface Place {
  namespace: Namespace;
  rte: TreeNode;
  rtindex: number;
  attnum: number;
  /** Levels up to its namespace. */
  level: number;
}

/** The entry and the column that a Var was written as. */
function placeOf(out: Deparser, of: TreeNode, levelsUp: number): Place {
  const level = int(of, 'varlevelsup') + levelsUp;
  const namespace = out.context.namespaces[level];
  if (!namespace) throw new NodeTreeError(`VAR of ${level} levels up`);
  const isSyntactic = Number(optional(of, 'varnosyn') ?? 0) > 0;
  const rtindex = int(of, isSyntactic ? 'varnosyn' : 'varno');
  return { namespace, rte: entry(namespace, rtindex), rtindex, attnum: int(of, isSyntactic ? 'varattnosyn' : 'varattno'), level };
}

/** Writes a column; gives its name, undefined for a whole row. */
export function variable(out: Deparser, of: TreeNode, levelsUp: number, isTopLevel: boolean): string | undefined {
  const { namespace, rte, rtindex, attnum } = placeOf(out, of, levelsUp);
  const returning = optional(of, 'varreturningtype');
  const tableName = returning === Returning.old ? namespace.oldAlias : returning === Returning.new ? namespace.newAlias : namespace.names[rtindex - 1];
  const isUnnamedJoin = token(rte, 'rtekind') === RteKind.join && !isNode(rte.fields.get('alias'));
  if (isUnnamedJoin && attnum > 0) {
    const aliasVar = list(rte, 'joinaliasvars')[attnum - 1];
    if (isA(aliasVar, 'VAR')) return variable(out, aliasVar, int(of, 'varlevelsup') + levelsUp, isTopLevel);
  }
  const name = attnum === 0 ? undefined : attnum < 0 ? SYSTEM_COLUMNS[attnum] : (namespace.columns[rtindex - 1]!.colnames[attnum - 1] ?? '?dropped?column?');
  const needsPrefix = out.context.varPrefix || name === undefined || returning === Returning.old || returning === Returning.new || isOutputName(out, of, name);
  if (tableName !== undefined && needsPrefix) out.add(`${out.quoted(tableName)}.`);
  if (name !== undefined) out.add(out.quoted(name));
  else out.add(isTopLevel ? `*::${out.formatType(oid(of, 'vartype'), int(of, 'vartypmod'))}` : '*');
  return name;
}

/** In ORDER BY a bare name is an output column's first. */
function isOutputName(out: Deparser, of: TreeNode, name: string): boolean {
  const { context } = out;
  if (!context.varInOrderBy || context.inGroupBy) return false;
  return outputNames(out).some(({ entry: tle, name: outputName }) => outputName === name && !sameTree(of, tle.fields.get('expr')));
}

function outputNames({ context }: Deparser): { entry: TreeNode; name: string | undefined }[] {
  return context.targetList.filter((tle) => token(tle, 'resjunk') !== 'true').map((tle, i) => ({ entry: tle, name: context.resultNames?.[i] ?? optional(tle, 'resname') }));
}

/** The name of a field of a row. */
export function fieldName(out: Deparser, value: TreeValue | undefined, fieldNumber: number, levelsUp = 0): string {
  if (isA(value, 'ROWEXPR')) {
    const name = texts(value, 'colnames')[fieldNumber - 1];
    if (name !== undefined) return name;
  }
  if (!isA(value, 'VAR') || oid(value, 'vartype') !== RECORDOID) return attributeName(out, value, fieldNumber);
  const place = placeOf(out, value, levelsUp);
  const { rte, attnum } = place;
  if (attnum === 0) return columnName(out, rte, fieldNumber);
  switch (token(rte, 'rtekind')) {
    case RteKind.subquery: return outputField(out, node(rte, 'subquery'), attnum, fieldNumber, place.level);
    case RteKind.join: {
      const aliasVar = list(rte, 'joinaliasvars')[attnum - 1];
      return isA(aliasVar, 'VAR') ? fieldName(out, aliasVar, fieldNumber, place.level) : attributeName(out, aliasVar, fieldNumber);
    }
    case RteKind.cte: {
      const level = int(rte, 'ctelevelsup') + place.level;
      const cte = out.context.namespaces[level]?.ctes.find((each) => token(each, 'ctename') === token(rte, 'ctename'));
      if (!cte) throw new NodeTreeError(`WITH query ${token(rte, 'ctename')}`);
      return outputField(out, node(cte, 'ctequery'), attnum, fieldNumber, level);
    }
    default: return attributeName(out, value, fieldNumber);
  }
}

/** A field of an output column of a sub-select that stands `level` levels up. */
function outputField(out: Deparser, query: TreeNode, attnum: number, fieldNumber: number, level: number): string {
  const returning = nodes(query, 'returningList');
  const tle = (returning.length > 0 ? returning : nodes(query, 'targetList')).find((each) => int(each, 'resno') === attnum);
  if (!tle) throw new NodeTreeError(`column ${attnum} of a sub-select`);
  const inner = tle.fields.get('expr');
  if (!isA(inner, 'VAR')) return attributeName(out, inner, fieldNumber);
  const parents = out.context.namespaces.slice(level);
  let name = '';
  out.with({ namespaces: [namespaceOf(out.lookup, query, parents), ...parents] }, () => {
    name = fieldName(out, inner, fieldNumber);
  });
  return name;
}

/** get_rte_attribute_name() */
function columnName(out: Deparser, rte: TreeNode, attnum: number): string {
  const alias = rte.fields.get('alias');
  const written = isNode(alias) ? texts(alias, 'colnames')[attnum - 1] : undefined;
  if (written !== undefined) return written;
  if (token(rte, 'rtekind') === RteKind.relation) return out.lookup.catalog.columns(oid(rte, 'relid'))[attnum - 1]?.name ?? '';
  return texts(node(rte, 'eref'), 'colnames')[attnum - 1] ?? '';
}

/** The field's name by the row's type: get_expr_result_tupdesc(), utils/fmgr/funcapi.c. */
function attributeName(out: Deparser, value: TreeValue | undefined, fieldNumber: number): string {
  if (isA(value, 'ROWEXPR')) return texts(value, 'colnames')[fieldNumber - 1] ?? `f${fieldNumber}`;
  const attribute = rowAttributes(out.lookup, value)?.[fieldNumber - 1];
  if (attribute) return attribute.name;
  const named = isA(value, 'FUNCEXPR') ? out.lookup.types.outputNames(oid(value, 'funcid'))[fieldNumber - 1] : undefined;
  if (named === undefined) throw new NodeTreeError('FIELDSELECT of an unknown row type');
  return named;
}
