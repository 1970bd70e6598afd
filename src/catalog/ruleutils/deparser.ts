/**
 * Expressions back to SQL: get_rule_expr() and its helpers, utils/adt/ruleutils.c, PG 13–18, without PRETTYFLAG_PAREN. A node that is
 * not known is refused by name, never guessed.
 */
import { quoteIdentifier } from '../../util/quote.js';
import { isSearched } from '../catalogOids.js';
import type { DeparseLookup } from '../deparse.js';
import { aggregate, windowFunction } from './aggregates.js';
import { call } from './calls.js';
import { fieldName, variable } from './variables.js';
import { exprType, flag, int, isA, list, node, nodeType, oid, texts, token } from './nodes.js';
import { isNode, NodeTreeError, type TreeNode, type TreeValue } from './nodeTree.js';
import { Indent, Printer, type Context } from './printer.js';
import { subLink } from './query.js';
import { jsonConstructor, jsonExpr, jsonIsPredicate, jsonFormat } from './json.js';
import { tableFunction } from './tableFunctions.js';
import { xmlExpr } from './xml.js';

export const CoercionForm = { call: '0', explicitCast: '1', implicitCast: '2', sqlSyntax: '3' } as const;
const INT4OID = 23;
const BOOLOID = 16;
const NUMERICOID = 1700;
const UNKNOWNOID = 705;
const RECORDOID = 2249;
/** typlen of cstring. */
const CSTRING = -2;

const VALUE_FUNCTIONS: Record<string, string> = {
  0: 'CURRENT_DATE', 1: 'CURRENT_TIME', 2: 'CURRENT_TIME', 3: 'CURRENT_TIMESTAMP', 4: 'CURRENT_TIMESTAMP', 5: 'LOCALTIME', 6: 'LOCALTIME', 7: 'LOCALTIMESTAMP',
  8: 'LOCALTIMESTAMP', 9: 'CURRENT_ROLE', 10: 'CURRENT_USER', 11: 'USER', 12: 'SESSION_USER', 13: 'CURRENT_CATALOG', 14: 'CURRENT_SCHEMA',
};
const BOOLEAN_TESTS: Record<string, string> = { 0: 'TRUE', 1: 'NOT TRUE', 2: 'FALSE', 3: 'NOT FALSE', 4: 'UNKNOWN', 5: 'NOT UNKNOWN' };
/** Where the form of a coercion stands, and its modifier where it has one. */
const COERCIONS: Record<string, { format: string; typmod?: string }> = {
  RELABELTYPE: { format: 'relabelformat', typmod: 'resulttypmod' }, COERCEVIAIO: { format: 'coerceformat' }, ARRAYCOERCEEXPR: { format: 'coerceformat', typmod: 'resulttypmod' },
  CONVERTROWTYPEEXPR: { format: 'convertformat' }, COERCETODOMAIN: { format: 'coercionformat', typmod: 'resulttypmod' },
};

export class Deparser extends Printer {
  constructor(readonly lookup: DeparseLookup, context: Context) {
    super(context);
  }

  get major(): number { return this.lookup.catalog.snapshot.major; }

  quoted(name: string): string {
    return quoteIdentifier(name, this.major);
  }

  formatType(typeOid: number, typmod: number): string {
    return this.lookup.types.formatType(typeOid, typmod);
  }

  typeOf(value: TreeValue | undefined): number {
    return exprType(value, (typeOid) => this.lookup.types.arrayOf(typeOid));
  }

  /** get_rule_expr(): one indivisible term; a list: terms with commas. `showImplicit`: implicit casts are shown. */
  expr(value: TreeValue | undefined, showImplicit: boolean): this {
    if (value === null || value === undefined) return this;
    if (Array.isArray(value)) return this.joined(value, ', ', showImplicit);
    if (!isNode(value)) throw new NodeTreeError('not an expression');
    this.node(value, nodeType(value), showImplicit);
    return this;
  }

  /** get_rule_list_toplevel(): where a bare `t.*` would be taken apart. */
  topLevel(values: readonly (TreeValue | undefined)[], showImplicit: boolean, separator = ', '): this {
    values.forEach((value, i) => {
      if (i > 0) this.add(separator);
      if (isA(value, 'VAR')) variable(this, value, 0, true);
      else this.expr(value, showImplicit);
    });
    return this;
  }

  private joined(values: readonly TreeValue[], separator: string, showImplicit: boolean): this {
    values.forEach((element, i) => this.add(i > 0 ? separator : '').expr(element, showImplicit));
    return this;
  }

  private node(of: TreeNode, type: string, showImplicit: boolean): void {
    switch (type) {
      case 'VAR': return void variable(this, of, 0, false);
      case 'CONST': return this.constant(of, 0);
      case 'PARAM': return this.parameter(of);
      case 'AGGREF': return aggregate(this, of);
      case 'WINDOWFUNC': return windowFunction(this, of);
      case 'GROUPINGFUNC': return this.listCall('GROUPING', of);
      case 'MERGESUPPORTFUNC': return void this.add('MERGE_ACTION()');
      case 'SUBLINK': return subLink(this, of);
      case 'FUNCEXPR': return call(this, of, showImplicit);
      case 'NAMEDARGEXPR': return void this.add(`${this.quoted(token(of, 'name'))} => `).expr(of.fields.get('arg'), showImplicit);
      case 'OPEXPR': return this.operator(of);
      case 'DISTINCTEXPR': {
        const [left, right] = list(of, 'args');
        return void this.add('(').expr(left, true).add(' IS DISTINCT FROM ').expr(right, true).add(')');
      }
      case 'NULLIFEXPR': return this.listCall('NULLIF', of);
      case 'SCALARARRAYOPEXPR': return this.arrayOperator(of);
      case 'ROWCOMPAREEXPR':
        this.add('(ROW(').topLevel(list(of, 'largs'), true).add(`) ${this.operatorName(Number(texts(of, 'opnos')[0]))} ROW(`);
        return void this.topLevel(list(of, 'rargs'), true).add('))');
      case 'BOOLEXPR': return this.boolean(of);
      case 'FIELDSELECT': {
        const arg = of.fields.get('arg');
        const simple = isA(arg, 'SUBSCRIPTINGREF', 'FIELDSELECT');
        this.add(simple ? '' : '(').expr(arg, true).add(simple ? '' : ')');
        return void this.add(`.${this.quoted(fieldName(this, arg, int(of, 'fieldnum')))}`);
      }
      case 'SUBSCRIPTINGREF': return this.subscript(of, showImplicit);
      case 'RELABELTYPE': case 'COERCEVIAIO': case 'ARRAYCOERCEEXPR': case 'CONVERTROWTYPEEXPR': case 'COERCETODOMAIN': return this.coercion(of, COERCIONS[type]!, showImplicit);
      case 'COERCETODOMAINVALUE': return void this.add('VALUE');
      case 'SETTODEFAULT': return void this.add('DEFAULT');
      case 'COLLATEEXPR': return void this.add('(').expr(of.fields.get('arg'), showImplicit).add(` COLLATE ${this.collation(oid(of, 'collOid'))})`);
      case 'CASEEXPR': return this.caseExpr(of);
      case 'ARRAYEXPR':
        this.add('ARRAY[').expr(of.fields.get('elements'), true).add(']');
        if (list(of, 'elements').length === 0) this.add(`::${this.formatType(oid(of, 'array_typeid'), -1)}`);
        return;
      case 'ROWEXPR': return this.row(of);
      case 'COALESCEEXPR': return this.listCall('COALESCE', of);
      case 'MINMAXEXPR': return this.listCall(token(of, 'op') === '0' ? 'GREATEST' : 'LEAST', of);
      case 'SQLVALUEFUNCTION': return this.valueFunction(of);
      case 'XMLEXPR': return xmlExpr(this, of);
      case 'NULLTEST': return this.nullTest(of);
      case 'BOOLEANTEST': return void this.add('(').expr(of.fields.get('arg'), false).add(` IS ${BOOLEAN_TESTS[token(of, 'booltesttype')]})`);
      case 'INFERENCEELEM': return this.inferenceElement(of);
      case 'CURRENTOFEXPR': return void this.add(`CURRENT OF ${this.quoted(token(of, 'cursor_name'))}`);
      case 'JSONVALUEEXPR': return void this.expr(of.fields.get('raw_expr'), false).add(jsonFormat(node(of, 'format')));
      case 'JSONCONSTRUCTOREXPR': return jsonConstructor(this, of);
      case 'JSONISPREDICATE': return jsonIsPredicate(this, of);
      case 'JSONEXPR': return jsonExpr(this, of, showImplicit);
      case 'TABLEFUNC': return tableFunction(this, of, showImplicit);
      default: throw new NodeTreeError(of.type);
    }
  }

  /** get_const_expr(); `showType` -1: never with a cast, 0: where it is needed to be read as the same type, 1: always. */
  constant(of: TreeNode, showType: -1 | 0 | 1): void {
    const typeOid = oid(of, 'consttype');
    const typmod = int(of, 'consttypmod');
    const isNull = flag(of, 'constisnull');
    let needsCast = true;
    if (isNull) this.add('NULL');
    else {
      const text = this.constantText(of);
      const isPlain = typeOid === BOOLOID || (typeOid === INT4OID && !text.startsWith('-')) || (typeOid === NUMERICOID && /^\d.*[eE.]/.test(text));
      this.add(typeOid === BOOLOID ? (text === 't' ? 'true' : 'false') : isPlain ? text : `'${text.replaceAll("'", "''")}'`);
      needsCast = !isPlain && typeOid !== UNKNOWNOID;
      if (isPlain && typeOid === NUMERICOID) needsCast = typmod >= 0;
    }
    if (showType < 0) return;
    if (needsCast || showType > 0) this.add(`::${this.formatType(typeOid, typmod)}`);
    const collation = oid(of, 'constcollid');
    if (collation !== 0 && collation !== this.lookup.types.typeCollation(typeOid)) this.add(` COLLATE ${this.collation(collation)}`);
  }

  /** A constant as its type's output function prints it. */
  constantText(of: TreeNode): string {
    const value = of.fields.get('constvalue');
    if (!(value instanceof Uint8Array)) throw new NodeTreeError('CONST without a value');
    const length = int(of, 'constlen');
    // a cstring, which literals of no type are, ends with a zero byte
    return this.lookup.printer(oid(of, 'consttype'))(value, 0, length > 0 ? length : length === CSTRING ? value.length - 1 : value.length);
  }

  collation(collationOid: number): string {
    return this.lookup.types.regName('regcollation', collationOid) ?? String(collationOid);
  }

  /** get_parameter(): an argument of the function whose body this is. */
  private parameter(of: TreeNode): void {
    const number = int(of, 'paramid');
    const { namespaces } = this.context;
    const outermost = namespaces.at(-1);
    const name = token(of, 'paramkind') === '0' ? outermost?.argNames?.[number - 1] : undefined;
    if (!name) return void this.add(`$${number}`);
    // plain where no table's column can be meant
    if (namespaces.some((each) => each.names.length > 0) && outermost?.functionName !== undefined) this.add(`${this.quoted(outermost.functionName)}.`);
    this.add(this.quoted(name));
  }

  private listCall(name: string, of: TreeNode): void {
    this.add(`${name}(`).expr(of.fields.get('args'), true).add(')');
  }

  private operator(of: TreeNode): void {
    const args = list(of, 'args');
    const name = this.operatorName(oid(of, 'opno'));
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
    if (isSearched(namespaceOid)) return name;
    return `OPERATOR(${this.quoted(this.lookup.catalog.namespaces.get(namespaceOid) ?? '')}.${name})`;
  }

  private arrayOperator(of: TreeNode): void {
    const [left, right] = list(of, 'args');
    this.add('(').expr(left, true).add(` ${this.operatorName(oid(of, 'opno'))} ${flag(of, 'useOr') ? 'ANY' : 'ALL'} (`).expr(right, true);
    // ANY of a sub-select that gives one array, which must not be read as ANY of its rows
    if (isA(right, 'SUBLINK') && token(right, 'subLinkType') === '4') this.add(`::${this.formatType(this.typeOf(right), -1)}`);
    this.add('))');
  }

  private boolean(of: TreeNode): void {
    const args = list(of, 'args');
    const op = token(of, 'boolop').toUpperCase();
    if (op === 'NOT') this.add('(NOT ').expr(args[0], false);
    else this.add('(').joined(args, ` ${op} `, false);
    this.add(')');
  }

  private subscript(of: TreeNode, showImplicit: boolean): void {
    const container = of.fields.get('refexpr');
    if (of.fields.get('refassgnexpr')) throw new NodeTreeError('SUBSCRIPTINGREF that assigns');
    const simple = isA(container, 'VAR', 'FIELDSELECT');
    this.add(simple ? '' : '(').expr(container, showImplicit).add(simple ? '' : ')');
    this.subscripts(of);
  }

  /** printSubscripts() */
  subscripts(of: TreeNode): void {
    const lower = list(of, 'reflowerindexpr');
    list(of, 'refupperindexpr').forEach((upper, i) => {
      this.add('[');
      if (i < lower.length) this.expr(lower[i], false).add(':');
      this.expr(upper, false).add(']');
    });
  }

  private coercion(of: TreeNode, fields: { format: string; typmod?: string }, showImplicit: boolean): void {
    const arg = of.fields.get('arg');
    if (token(of, fields.format) === CoercionForm.implicitCast && !showImplicit) this.expr(arg, false);
    else this.castTo(arg, oid(of, 'resulttype'), fields.typmod === undefined ? -1 : int(of, fields.typmod));
  }

  /** get_coercion_expr(): a bare constant of the type itself needs no parentheses. */
  castTo(arg: TreeValue | undefined, typeOid: number, typmod: number): void {
    if (isA(arg, 'CONST') && oid(arg, 'consttype') === typeOid && int(arg, 'consttypmod') === -1) this.constant(arg, -1);
    else this.add('(').expr(arg, false).add(')');
    this.add(`::${this.formatType(typeOid, typmod)}`);
  }

  private caseExpr(of: TreeNode): void {
    const arg = of.fields.get('arg');
    const space = this.context.isIndented ? '' : ' ';
    this.keyword('CASE', 0, Indent.var);
    if (arg) this.add(' ').expr(arg, true);
    for (const when of list(of, 'args')) {
      if (!isNode(when)) throw new NodeTreeError('CASE without WHEN');
      this.add(space).keyword('WHEN ', 0, 0);
      this.expr(arg ? whenValue(when.fields.get('expr')) : when.fields.get('expr'), false).add(' THEN ').expr(when.fields.get('result'), true);
    }
    this.add(space).keyword('ELSE ', 0, 0);
    this.expr(of.fields.get('defresult'), true).add(space).keyword('END', -Indent.var, 0);
  }

  /** A named row type may have lost columns since, or got some. */
  private row(of: TreeNode): void {
    const typeOid = oid(of, 'row_typeid');
    const args = list(of, 'args');
    const attributes = typeOid === RECORDOID ? undefined : this.lookup.types.type(typeOid)?.attributes;
    const shown = attributes ? attributes.flatMap((attribute, i) => (attribute.dropped ? [] : [args[i]])) : args;
    this.add('ROW(');
    shown.forEach((arg, i) => {
      this.add(i > 0 ? ', ' : '');
      if (arg === undefined) this.add('NULL');
      else this.topLevel([arg], true);
    });
    this.add(')');
    if (token(of, 'row_format') === CoercionForm.explicitCast) this.add(`::${this.formatType(typeOid, -1)}`);
  }

  private nullTest(of: TreeNode): void {
    const arg = of.fields.get('arg');
    const isNull = token(of, 'nulltesttype') === '0';
    // IS NULL of a row looks at its columns
    const isScalarTest = !flag(of, 'argisrow') && this.lookup.types.isRowType(this.typeOf(arg));
    this.add('(').expr(arg, true).add(isScalarTest ? ` IS ${isNull ? 'NOT ' : ''}DISTINCT FROM NULL)` : ` IS ${isNull ? '' : 'NOT '}NULL)`);
  }

  private valueFunction(of: TreeNode): void {
    const name = VALUE_FUNCTIONS[token(of, 'op')];
    if (!name) throw new NodeTreeError(`SQLVALUEFUNCTION ${token(of, 'op')}`);
    const withPrecision = ['2', '4', '6', '8'].includes(token(of, 'op'));
    this.add(withPrecision ? `${name}(${int(of, 'typmod')})` : name);
  }

  /** A column or expression of ON CONFLICT (…). */
  private inferenceElement(of: TreeNode): void {
    const inner = of.fields.get('expr');
    const simple = isA(inner, 'VAR') || (isA(inner, 'FUNCEXPR') && token(inner, 'funcformat') === CoercionForm.call);
    this.with({ varPrefix: false }, () => this.add(simple ? '' : '(').expr(inner, false).add(simple ? '' : ')'));
    if (oid(of, 'infercollid') !== 0) this.add(` COLLATE ${this.collation(oid(of, 'infercollid'))}`);
    const opclass = this.lookup.types.operatorClasses.name(oid(of, 'inferopclass'));
    if (opclass !== '') this.add(` ${opclass}`);
  }

  /** generate_relation_name(): qualified where the default search path does not find it, or a WITH query has its name. */
  relationName(relOid: number): string {
    const relation = this.lookup.catalog.relations.get(relOid);
    if (!relation) throw new NodeTreeError(`relation ${relOid}`);
    const plain = this.lookup.types.regName('regclass', relOid)!;
    const isHidden = this.context.namespaces.some(({ ctes }) => ctes.some((cte) => token(cte, 'ctename') === relation.name));
    return isHidden ? `${this.quoted(this.lookup.catalog.schemaOf(relation))}.${this.quoted(relation.name)}` : plain;
  }
}

/** strip_implicit_coercions() */
export function withoutImplicitCasts(value: TreeValue | undefined): TreeValue | undefined {
  if (!isNode(value)) return value;
  const coercion = COERCIONS[nodeType(value)];
  if (coercion && token(value, coercion.format) === CoercionForm.implicitCast) return withoutImplicitCasts(value.fields.get('arg'));
  if (isA(value, 'FUNCEXPR') && token(value, 'funcformat') === CoercionForm.implicitCast) return withoutImplicitCasts(list(value, 'args')[0]);
  return value;
}

/** A simple CASE compares by an operator whose left side stands for the tested value: the right side is what was written. */
function whenValue(value: TreeValue | undefined): TreeValue | undefined {
  if (!isA(value, 'OPEXPR')) return value;
  const args = list(value, 'args');
  return args.length === 2 && isA(withoutImplicitCasts(args[0]), 'CASETESTEXPR') ? args[1] : value;
}
