/** Fields of parse tree nodes, and what an expression's type is: exprType(), nodes/nodeFuncs.c, PG 13–18. */
import { isNode, NodeTreeError, type TreeNode, type TreeValue } from './nodeTree.js';

const BOOLOID = 16;
const INT4OID = 23;
const TEXTOID = 25;
const XMLOID = 142;

/** Node names that changed with the generated node functions of 16. */
const RENAMED: Record<string, string> = {
  COLLATE: 'COLLATEEXPR', CASE: 'CASEEXPR', WHEN: 'CASEWHEN', ARRAY: 'ARRAYEXPR', ROW: 'ROWEXPR', COALESCE: 'COALESCEEXPR', MINMAX: 'MINMAXEXPR', ROWCOMPARE: 'ROWCOMPAREEXPR',
  NOTIFY: 'NOTIFYSTMT', RTE: 'RANGETBLENTRY',
};
/** The field that holds the type of an expression. */
const TYPE_FIELDS: Record<string, string> = {
  VAR: 'vartype', CONST: 'consttype', FUNCEXPR: 'funcresulttype', OPEXPR: 'opresulttype', NULLIFEXPR: 'opresulttype', RELABELTYPE: 'resulttype',
  COERCEVIAIO: 'resulttype', ARRAYCOERCEEXPR: 'resulttype', CONVERTROWTYPEEXPR: 'resulttype', FIELDSELECT: 'resulttype', FIELDSTORE: 'resulttype', COERCETODOMAIN: 'resulttype',
  CASEEXPR: 'casetype', COALESCEEXPR: 'coalescetype', MINMAXEXPR: 'minmaxtype', ARRAYEXPR: 'array_typeid', ROWEXPR: 'row_typeid', SQLVALUEFUNCTION: 'type',
  SUBSCRIPTINGREF: 'refrestype', COERCETODOMAINVALUE: 'typeId', CASETESTEXPR: 'typeId', SETTODEFAULT: 'typeId', PARAM: 'paramtype', AGGREF: 'aggtype', WINDOWFUNC: 'wintype',
};
const FIXED_TYPES: Record<string, number> = {
  BOOLEXPR: BOOLOID, SCALARARRAYOPEXPR: BOOLOID, DISTINCTEXPR: BOOLOID, NULLTEST: BOOLOID, BOOLEANTEST: BOOLOID, ROWCOMPAREEXPR: BOOLOID, JSONISPREDICATE: BOOLOID,
  GROUPINGFUNC: INT4OID, MERGESUPPORTFUNC: TEXTOID,
};
/** Nodes that have the type of what they are about. */
const TYPE_OF_FIELD: Record<string, string> = { COLLATEEXPR: 'arg', NAMEDARGEXPR: 'arg', INFERENCEELEM: 'expr', JSONVALUEEXPR: 'formatted_expr' };
const XmlOp = { serialize: '6', document: '7' } as const;
export const SubLinkType = { exists: '0', all: '1', any: '2', rowCompare: '3', expr: '4', multiExpr: '5', array: '6' } as const;

export function nodeType(node: TreeNode): string {
  return RENAMED[node.type] ?? node.type;
}

/** True for a node of that type. */
export function isA(value: TreeValue | undefined, ...types: string[]): value is TreeNode {
  return isNode(value) && types.includes(nodeType(value));
}

/** exprType(); 0 where the node does not say. `arrayOf` gives the array of a type. */
export function exprType(value: TreeValue | undefined, arrayOf: (typeOid: number) => number = () => 0): number {
  if (!isNode(value)) return 0;
  const type = nodeType(value);
  const field = TYPE_FIELDS[type];
  if (field !== undefined) return oid(value, field);
  const inner = TYPE_OF_FIELD[type];
  if (inner !== undefined) return exprType(value.fields.get(inner), arrayOf);
  switch (type) {
    case 'SUBLINK': {
      const kind = token(value, 'subLinkType');
      if (kind !== SubLinkType.expr && kind !== SubLinkType.array) return BOOLOID;
      const [first] = list(node(value, 'subselect'), 'targetList');
      const own = exprType(isNode(first) ? first.fields.get('expr') : undefined, arrayOf);
      return kind === SubLinkType.array ? arrayOf(own) : own;
    }
    case 'XMLEXPR': return token(value, 'op') === XmlOp.document ? BOOLOID : token(value, 'op') === XmlOp.serialize ? oid(value, 'type') : XMLOID;
    case 'JSONCONSTRUCTOREXPR':
    case 'JSONEXPR': return oid(node(value, 'returning'), 'typid');
    default: return FIXED_TYPES[type] ?? 0;
  }
}

/** A node's token (`:opno 96`) as text. Throws NodeTreeError where it has none. */
export function token(of: TreeNode, field: string): string {
  const value = of.fields.get(field);
  if (typeof value !== 'string') throw new NodeTreeError(`${of.type} without ${field}`);
  return value;
}

/** A name or text that may be missing. */
export function optional(of: TreeNode, field: string): string | undefined {
  const value = of.fields.get(field);
  return typeof value === 'string' ? value : undefined;
}

/** True where a flag is set; a flag that this major does not have is not. */
export function flag(of: TreeNode, field: string): boolean {
  return of.fields.get(field) === 'true';
}

export function oid(of: TreeNode, field: string): number {
  return Number(token(of, field));
}

export function int(of: TreeNode, field: string): number {
  return Number(token(of, field));
}

/** The node in a field. Throws NodeTreeError where there is none. */
export function node(of: TreeNode, field: string): TreeNode {
  const value = of.fields.get(field);
  if (!isNode(value)) throw new NodeTreeError(`${of.type} without ${field}`);
  return value;
}

/** The list in a field, empty where the field is `<>` or of another major. */
export function list(of: TreeNode, field: string): TreeValue[] {
  const value = of.fields.get(field);
  return Array.isArray(value) ? value : [];
}

/** The list of nodes in a field. */
export function nodes(of: TreeNode, field: string): TreeNode[] {
  return list(of, field).filter(isNode);
}

/** The list of names, or of numbers, in a field. */
export function texts(of: TreeNode, field: string): string[] {
  return list(of, field).map((each) => (typeof each === 'string' ? each : ''));
}

export function numbers(of: TreeNode, field: string): number[] {
  return texts(of, field).map(Number);
}

/** equal(), nodes/equalfuncs.c: two trees that say the same, wherever they stood in the source. */
export function sameTree(a: TreeValue | undefined, b: TreeValue | undefined): boolean {
  if (isNode(a) && isNode(b)) {
    return a.type === b.type && a.fields.size === b.fields.size && [...a.fields].every(([field, value]) => field === 'location' || sameTree(value, b.fields.get(field)));
  }
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, i) => sameTree(each, b[i]));
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}
