/**
 * Expression trees back to SQL, as pg_get_expr() prints them: get_rule_expr() and its helpers, utils/adt/ruleutils.c, PG 13–18, for
 * the nodes that defaults, checks, generated columns, index expressions and predicates are made of. A node that is not known is
 * refused by name, never guessed.
 */
import type { StoredOutput } from '../rows/types/typeInfo.js';
import { quoteIdentifier } from '../util/quote.js';
import type { Catalog } from './catalog.js';
import { sqlSyntaxCall } from './deparseCalls.js';
import { isNode, NodeTreeError, parseNodeTree, type TreeNode, type TreeValue } from './nodeTree.js';
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
  try {
    return deparse(lookup, parseNodeTree(text), options);
  } catch (error) {
    if (!(error instanceof NodeTreeError)) throw error;
    return { sql: undefined, unknown: error.message };
  }
}

/** Deparses one expression of a tree. */
export function deparse(lookup: DeparseLookup, tree: TreeValue, options: DeparseOptions): Deparsed {
  const deparser = new Deparser(lookup, options.relOid ?? 0);
  try {
    deparser.expr(tree, false);
    return { sql: deparser.text };
  } catch (error) {
    if (!(error instanceof NodeTreeError)) throw error;
    return { sql: undefined, unknown: error.message };
  }
}

/** A constant without the cast that names its type: what partition bounds show. */
export function deparseBareConst(lookup: DeparseLookup, node: TreeNode): string {
  const deparser = new Deparser(lookup, 0);
  deparser.constant(node, -1);
  return deparser.text;
}

export const CoercionForm = { call: '0', explicitCast: '1', implicitCast: '2', sqlSyntax: '3' } as const;
const INT4OID = 23;
const BOOLOID = 16;
const NUMERICOID = 1700;
const UNKNOWNOID = 705;
const RECORDOID = 2249;
const PG_CATALOG = 11;
const PUBLIC = 2200;
const PRETTYINDENT_VAR = 4;
const SYSTEM_COLUMNS: Record<number, string> = { [-1]: 'ctid', [-2]: 'xmin', [-3]: 'cmin', [-4]: 'xmax', [-5]: 'cmax', [-6]: 'tableoid' };

const VALUE_FUNCTIONS: Record<string, string> = {
  0: 'CURRENT_DATE', 1: 'CURRENT_TIME', 2: 'CURRENT_TIME', 3: 'CURRENT_TIMESTAMP', 4: 'CURRENT_TIMESTAMP', 5: 'LOCALTIME', 6: 'LOCALTIME', 7: 'LOCALTIMESTAMP',
  8: 'LOCALTIMESTAMP', 9: 'CURRENT_ROLE', 10: 'CURRENT_USER', 11: 'USER', 12: 'SESSION_USER', 13: 'CURRENT_CATALOG', 14: 'CURRENT_SCHEMA',
};
const BOOLEAN_TESTS: Record<string, string> = { 0: 'TRUE', 1: 'NOT TRUE', 2: 'FALSE', 3: 'NOT FALSE', 4: 'UNKNOWN', 5: 'NOT UNKNOWN' };
/** Node names that changed with the generated node functions of 16. */
const RENAMED: Record<string, string> = {
  COLLATE: 'COLLATEEXPR', CASE: 'CASEEXPR', WHEN: 'CASEWHEN', ARRAY: 'ARRAYEXPR', ROW: 'ROWEXPR', COALESCE: 'COALESCEEXPR', MINMAX: 'MINMAXEXPR',
};
/** The field that holds the type of an expression: exprType(), nodes/nodeFuncs.c. */
const TYPE_FIELDS: Record<string, string> = {
  VAR: 'vartype', CONST: 'consttype', FUNCEXPR: 'funcresulttype', OPEXPR: 'opresulttype', NULLIFEXPR: 'opresulttype', RELABELTYPE: 'resulttype',
  COERCEVIAIO: 'resulttype', ARRAYCOERCEEXPR: 'resulttype', CONVERTROWTYPEEXPR: 'resulttype', FIELDSELECT: 'resulttype', COERCETODOMAIN: 'resulttype',
  CASEEXPR: 'casetype', COALESCEEXPR: 'coalescetype', MINMAXEXPR: 'minmaxtype', ARRAYEXPR: 'array_typeid', ROWEXPR: 'row_typeid', SQLVALUEFUNCTION: 'type',
  SUBSCRIPTINGREF: 'refrestype', COERCETODOMAINVALUE: 'typeId', CASETESTEXPR: 'typeId',
};

export class Deparser {
  private buf = '';
  private indentLevel = 0;

  constructor(private readonly lookup: DeparseLookup, private readonly relOid: number) {}

  get text(): string { return this.buf; }

  add(text: string): this {
    this.buf += text;
    return this;
  }

  /** get_rule_expr(): one indivisible term. `showImplicit`: implicit casts are shown. */
  expr(value: TreeValue | undefined, showImplicit: boolean): this {
    if (value === null || value === undefined) return this;
    if (Array.isArray(value)) return this.joined(value, ', ', showImplicit);
    if (!isNode(value)) throw new NodeTreeError('not an expression');
    this.node(value, nodeType(value), showImplicit);
    return this;
  }

  private joined(list: TreeValue[], separator: string, showImplicit: boolean): this {
    list.forEach((element, i) => this.add(i > 0 ? separator : '').expr(element, showImplicit));
    return this;
  }

  private node(node: TreeNode, type: string, showImplicit: boolean): void {
    switch (type) {
      case 'VAR': return this.variable(node);
      case 'CONST': return this.constant(node, 0);
      case 'FUNCEXPR': return this.call(node, showImplicit);
      case 'NAMEDARGEXPR': return void this.add(`${quoteIdentifier(token(node, 'name'))} => `).expr(node.fields.get('arg'), showImplicit);
      case 'OPEXPR': return this.operator(node);
      case 'DISTINCTEXPR': {
        const [left, right] = list(node, 'args');
        return void this.add('(').expr(left, true).add(' IS DISTINCT FROM ').expr(right, true).add(')');
      }
      case 'NULLIFEXPR': return this.listCall('NULLIF', node, 'args');
      case 'SCALARARRAYOPEXPR': {
        const [left, right] = list(node, 'args');
        const quantifier = token(node, 'useOr') === 'true' ? 'ANY' : 'ALL';
        return void this.add('(').expr(left, true).add(` ${this.operatorName(oid(node, 'opno'))} ${quantifier} (`).expr(right, true).add('))');
      }
      case 'BOOLEXPR': return this.boolean(node);
      case 'FIELDSELECT': return this.field(node);
      case 'SUBSCRIPTINGREF': return this.subscript(node, showImplicit);
      case 'RELABELTYPE': return this.coercion(node, 'relabelformat', int(node, 'resulttypmod'), showImplicit);
      case 'COERCEVIAIO': return this.coercion(node, 'coerceformat', -1, showImplicit);
      case 'ARRAYCOERCEEXPR': return this.coercion(node, 'coerceformat', int(node, 'resulttypmod'), showImplicit);
      case 'CONVERTROWTYPEEXPR': return this.coercion(node, 'convertformat', -1, showImplicit);
      case 'COERCETODOMAIN': return this.coercion(node, 'coercionformat', int(node, 'resulttypmod'), showImplicit);
      case 'COERCETODOMAINVALUE': return void this.add('VALUE');
      case 'COLLATEEXPR': return void this.add('(').expr(node.fields.get('arg'), showImplicit).add(` COLLATE ${this.collation(oid(node, 'collOid'))})`);
      case 'CASEEXPR': return this.caseExpr(node);
      case 'ARRAYEXPR': {
        this.add('ARRAY[').expr(node.fields.get('elements'), true).add(']');
        if (list(node, 'elements').length === 0) this.add(`::${this.lookup.types.formatType(oid(node, 'array_typeid'), -1)}`);
        return;
      }
      case 'ROWEXPR': return this.row(node);
      case 'COALESCEEXPR': return this.listCall('COALESCE', node, 'args');
      case 'MINMAXEXPR': return this.listCall(token(node, 'op') === '0' ? 'GREATEST' : 'LEAST', node, 'args');
      case 'SQLVALUEFUNCTION': return this.valueFunction(node);
      case 'NULLTEST': return void this.add('(').expr(node.fields.get('arg'), true).add(token(node, 'nulltesttype') === '0' ? ' IS NULL)' : ' IS NOT NULL)');
      case 'BOOLEANTEST': return void this.add('(').expr(node.fields.get('arg'), false).add(` IS ${BOOLEAN_TESTS[token(node, 'booltesttype')]})`);
      default: throw new NodeTreeError(node.type);
    }
  }

  /** get_variable(), one relation in scope: columns stand without its name. */
  private variable(node: TreeNode): void {
    const attnum = int(node, 'varattno');
    const relation = this.lookup.catalog.relations.get(this.relOid);
    const column = this.lookup.catalog.columns(this.relOid).find((c) => c.attnum === attnum);
    if (attnum < 0) this.add(SYSTEM_COLUMNS[attnum] ?? '');
    else if (attnum === 0 && relation) this.add(`${quoteIdentifier(relation.name)}.*`);
    else if (column) this.add(quoteIdentifier(column.name));
    else throw new NodeTreeError(`VAR of column ${attnum}`);
  }

  /** get_const_expr(); `showType` -1: never with a cast, 0: where it is needed to be read as the same type. */
  constant(node: TreeNode, showType: -1 | 0): void {
    const typeOid = oid(node, 'consttype');
    const cast = (): string => `::${this.lookup.types.formatType(typeOid, int(node, 'consttypmod'))}`;
    const value = node.fields.get('constvalue');
    if (token(node, 'constisnull') === 'true') {
      this.add(`NULL${showType >= 0 ? cast() : ''}`);
      return;
    }
    if (!(value instanceof Uint8Array)) throw new NodeTreeError('CONST without a value');
    const length = int(node, 'constlen');
    const text = this.lookup.printer(typeOid)(value, 0, length > 0 ? length : value.length);
    let needsCast = typeOid !== BOOLOID && typeOid !== UNKNOWNOID;
    if (typeOid === BOOLOID) {
      this.add(text === 't' ? 'true' : 'false');
    } else if ((typeOid === INT4OID && !text.startsWith('-')) || (typeOid === NUMERICOID && /^\d/.test(text) && /[eE.]/.test(text))) {
      this.add(text);
      needsCast = typeOid === NUMERICOID && int(node, 'consttypmod') >= 0;
    } else {
      this.add(`'${text.replaceAll("'", "''")}'`);
    }
    if (showType === 0 && needsCast) this.add(cast());
    const collation = oid(node, 'constcollid');
    if (showType === 0 && collation !== 0 && collation !== this.lookup.types.typeCollation(typeOid)) this.add(` COLLATE ${this.collation(collation)}`);
  }

  collation(collationOid: number): string {
    return this.lookup.types.regName('regcollation', collationOid) ?? String(collationOid);
  }

  /** get_func_expr() */
  private call(node: TreeNode, showImplicit: boolean): void {
    const args = list(node, 'args');
    const format = token(node, 'funcformat');
    if (format === CoercionForm.implicitCast && !showImplicit) return void this.expr(args[0], false);
    if (format === CoercionForm.implicitCast || format === CoercionForm.explicitCast) return this.castTo(args[0], oid(node, 'funcresulttype'), lengthCoercion(args));
    const procOid = oid(node, 'funcid');
    const proc = this.lookup.types.proc(procOid);
    if (!proc) throw new NodeTreeError(`FUNCEXPR of function ${procOid}`);
    if (format === CoercionForm.sqlSyntax && sqlSyntaxCall(this, proc.name, args)) return;
    const variadic = token(node, 'funcvariadic') === 'true';
    this.add(`${this.qualified(proc.namespaceOid, proc.name)}(`);
    args.forEach((arg, i) => this.add(`${i > 0 ? ', ' : ''}${variadic && i === args.length - 1 ? 'VARIADIC ' : ''}`).expr(arg, true));
    this.add(')');
  }

  private qualified(namespaceOid: number, name: string): string {
    if (namespaceOid === PG_CATALOG || namespaceOid === PUBLIC) return quoteIdentifier(name);
    return `${quoteIdentifier(this.lookup.catalog.namespaces.get(namespaceOid) ?? '')}.${quoteIdentifier(name)}`;
  }

  private listCall(name: string, node: TreeNode, field: string): void {
    this.add(`${name}(`).expr(node.fields.get(field), true).add(')');
  }

  private operator(node: TreeNode): void {
    const args = list(node, 'args');
    const name = this.operatorName(oid(node, 'opno'));
    this.add('(');
    if (args.length === 2) this.expr(args[0], true).add(` ${name} `).expr(args[1], true);
    else this.add(`${name} `).expr(args[0], true);
    this.add(')');
  }

  /** generate_operator_name(): plain where the default search path finds it. */
  operatorName(operatorOid: number): string {
    const operator = this.lookup.types.operator(operatorOid);
    if (!operator) throw new NodeTreeError(`operator ${operatorOid}`);
    const { name, namespaceOid } = operator;
    if (namespaceOid === PG_CATALOG || namespaceOid === PUBLIC) return name;
    return `OPERATOR(${quoteIdentifier(this.lookup.catalog.namespaces.get(namespaceOid) ?? '')}.${name})`;
  }

  private boolean(node: TreeNode): void {
    const args = list(node, 'args');
    const op = token(node, 'boolop').toUpperCase();
    if (op === 'NOT') this.add('(NOT ').expr(args[0], false);
    else this.add('(').joined(args, ` ${op} `, false);
    this.add(')');
  }

  private field(node: TreeNode): void {
    const arg = node.fields.get('arg');
    const simple = isNode(arg) && ['SUBSCRIPTINGREF', 'FIELDSELECT'].includes(nodeType(arg));
    const attribute = this.lookup.types.type(exprType(arg))?.attributes?.[int(node, 'fieldnum') - 1];
    if (!attribute) throw new NodeTreeError('FIELDSELECT of an unknown row type');
    this.add(simple ? '' : '(').expr(arg, true).add(simple ? '' : ')').add(`.${quoteIdentifier(attribute.name)}`);
  }

  private subscript(node: TreeNode, showImplicit: boolean): void {
    const container = node.fields.get('refexpr');
    if (node.fields.get('refassgnexpr')) throw new NodeTreeError('SUBSCRIPTINGREF that assigns');
    const simple = isNode(container) && ['VAR', 'FIELDSELECT'].includes(nodeType(container));
    this.add(simple ? '' : '(').expr(container, showImplicit).add(simple ? '' : ')');
    const lower = list(node, 'reflowerindexpr');
    list(node, 'refupperindexpr').forEach((upper, i) => {
      this.add('[');
      if (lower.length > 0) this.expr(lower[i], false).add(':');
      this.expr(upper, false).add(']');
    });
  }

  private coercion(node: TreeNode, formatField: string, typmod: number, showImplicit: boolean): void {
    const arg = node.fields.get('arg');
    if (token(node, formatField) === CoercionForm.implicitCast && !showImplicit) this.expr(arg, false);
    else this.castTo(arg, oid(node, 'resulttype'), typmod);
  }

  /** get_coercion_expr(): a bare constant of the type itself needs no parentheses. */
  private castTo(arg: TreeValue | undefined, typeOid: number, typmod: number): void {
    if (isNode(arg) && nodeType(arg) === 'CONST' && oid(arg, 'consttype') === typeOid && int(arg, 'consttypmod') === -1) this.constant(arg, -1);
    else this.add('(').expr(arg, false).add(')');
    this.add(`::${this.lookup.types.formatType(typeOid, typmod)}`);
  }

  /** appendContextKeyword() under PRETTYFLAG_INDENT: a line of its own. */
  private keyword(word: string, before: number, after: number): void {
    this.indentLevel += before;
    this.buf = `${this.buf.replace(/ +$/, '')}\n${' '.repeat(Math.max(0, this.indentLevel))}${word}`;
    this.indentLevel += after;
  }

  private caseExpr(node: TreeNode): void {
    const arg = node.fields.get('arg');
    this.keyword('CASE', 0, PRETTYINDENT_VAR);
    if (arg) this.add(' ').expr(arg, true);
    for (const when of list(node, 'args')) {
      if (!isNode(when)) throw new NodeTreeError('CASE without WHEN');
      this.keyword('WHEN ', 0, 0);
      this.expr(arg ? whenValue(when.fields.get('expr')) : when.fields.get('expr'), false).add(' THEN ').expr(when.fields.get('result'), true);
    }
    this.keyword('ELSE ', 0, 0);
    this.expr(node.fields.get('defresult'), true).keyword('END', -PRETTYINDENT_VAR, 0);
  }

  private row(node: TreeNode): void {
    const typeOid = oid(node, 'row_typeid');
    this.add('ROW(').expr(node.fields.get('args'), true).add(')');
    if (typeOid !== RECORDOID && token(node, 'row_format') === CoercionForm.explicitCast) this.add(`::${this.lookup.types.formatType(typeOid, -1)}`);
  }

  private valueFunction(node: TreeNode): void {
    const name = VALUE_FUNCTIONS[token(node, 'op')];
    if (!name) throw new NodeTreeError(`SQLVALUEFUNCTION ${token(node, 'op')}`);
    const withPrecision = ['2', '4', '6', '8'].includes(token(node, 'op'));
    this.add(withPrecision ? `${name}(${int(node, 'typmod')})` : name);
  }
}

/** A simple CASE compares by an operator whose left side stands for the tested value: the right side is what was written. */
function whenValue(value: TreeValue | undefined): TreeValue | undefined {
  if (!isNode(value) || nodeType(value) !== 'OPEXPR') return value;
  const args = list(value, 'args');
  let left: TreeValue | undefined = args[0];
  while (isNode(left) && left.fields.has('arg')) left = left.fields.get('arg');
  return args.length === 2 && isNode(left) && nodeType(left) === 'CASETESTEXPR' ? args[1] : value;
}

/** exprIsLengthCoercion(): the modifier that a length coercion function's second argument gives; -1: none. */
function lengthCoercion(args: TreeValue[]): number {
  const second = args[1];
  if (args.length < 2 || args.length > 3 || !isNode(second) || nodeType(second) !== 'CONST' || oid(second, 'consttype') !== INT4OID) return -1;
  const value = second.fields.get('constvalue');
  return value instanceof Uint8Array ? new DataView(value.buffer, value.byteOffset).getInt32(0, true) : -1;
}

export function nodeType(node: TreeNode): string {
  return RENAMED[node.type] ?? node.type;
}

/** exprType(); 0 where the node does not say. */
export function exprType(value: TreeValue | undefined): number {
  const field = isNode(value) ? TYPE_FIELDS[nodeType(value)] : undefined;
  return field === undefined ? 0 : oid(value as TreeNode, field);
}

/** A node's token (`:opno 96`) as text. Throws NodeTreeError where it has none. */
export function token(node: TreeNode, field: string): string {
  const value = node.fields.get(field);
  if (typeof value !== 'string') throw new NodeTreeError(`${node.type} without ${field}`);
  return value;
}

export function oid(node: TreeNode, field: string): number {
  return Number(token(node, field));
}

export function int(node: TreeNode, field: string): number {
  return Number(token(node, field));
}

/** The list in a field, empty where the field is `<>`. */
export function list(node: TreeNode, field: string): TreeValue[] {
  const value = node.fields.get(field);
  return Array.isArray(value) ? value : [];
}
