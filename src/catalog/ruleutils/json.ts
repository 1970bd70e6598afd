/** SQL/JSON: get_json_constructor(), get_json_expr_options() and their neighbours, utils/adt/ruleutils.c, PG 16–18. */
import { aggregate, windowFunction } from './aggregates.js';
import type { Deparser } from './deparser.js';
import { flag, int, isA, list, node, oid, texts, token } from './nodes.js';
import { isNode, NodeTreeError, type TreeNode, type TreeValue } from './nodeTree.js';

const BOOLOID = 16;
const JSONBOID = 3802;
const FormatType = { default: '0', json: '1', jsonb: '2' } as const;
const ENCODINGS: Record<string, string> = { 1: 'UTF8', 2: 'UTF16', 3: 'UTF32' };
const Constructor = { object: '1', array: '2', objectAgg: '3', arrayAgg: '4', parse: '5', scalar: '6', serialize: '7' } as const;
const CONSTRUCTOR_WORDS: Record<string, string> = {
  [Constructor.object]: 'JSON_OBJECT', [Constructor.array]: 'JSON_ARRAY', [Constructor.objectAgg]: 'JSON_OBJECTAGG', [Constructor.arrayAgg]: 'JSON_ARRAYAGG',
  [Constructor.parse]: 'JSON', [Constructor.scalar]: 'JSON_SCALAR', [Constructor.serialize]: 'JSON_SERIALIZE',
};
const BEHAVIORS = [' NULL', ' ERROR', ' EMPTY', ' TRUE', ' FALSE', ' UNKNOWN', ' EMPTY ARRAY', ' EMPTY OBJECT', ' DEFAULT '] as const;
/** JsonBehaviorType */
export const Behavior = { null: 0, false: 4, emptyArray: 6, default: 8 } as const;
export const JsonOp = { exists: '0', query: '1', value: '2' } as const;
const JSON_WORDS: Record<string, string> = { [JsonOp.exists]: 'JSON_EXISTS(', [JsonOp.query]: 'JSON_QUERY(', [JsonOp.value]: 'JSON_VALUE(' };
const WRAPPERS: Record<string, string> = { 2: ' WITH CONDITIONAL WRAPPER', 3: ' WITH UNCONDITIONAL WRAPPER' };
const ITEM_TYPES: Record<string, string> = { 1: ' OBJECT', 2: ' ARRAY', 3: ' SCALAR' };

/** get_json_format() */
export function jsonFormat(format: TreeNode): string {
  const type = token(format, 'format_type');
  if (type === FormatType.default) return '';
  const encoding = ENCODINGS[token(format, 'encoding')];
  return `${type === FormatType.jsonb ? ' FORMAT JSONB' : ' FORMAT JSON'}${encoding === undefined ? '' : ` ENCODING ${encoding}`}`;
}

/** get_json_returning() */
function returning(out: Deparser, of: TreeNode, isJsonByDefault: boolean): string {
  const result = of.fields.get('returning');
  if (!isNode(result) || oid(result, 'typid') === 0) return '';
  const typeOid = oid(result, 'typid');
  const format = node(result, 'format');
  const ownFormat = typeOid === JSONBOID ? FormatType.jsonb : FormatType.json;
  return ` RETURNING ${out.formatType(typeOid, int(result, 'typmod'))}${isJsonByDefault && token(format, 'format_type') === ownFormat ? '' : jsonFormat(format)}`;
}

/** get_json_constructor(): JSON_OBJECT(), JSON_ARRAYAGG() and the like. */
export function jsonConstructor(out: Deparser, of: TreeNode): void {
  const type = token(of, 'type');
  const name = CONSTRUCTOR_WORDS[type];
  if (name === undefined) throw new NodeTreeError(`JSONCONSTRUCTOREXPR ${type}`);
  const isObject = type === Constructor.object || type === Constructor.objectAgg;
  const isArray = type === Constructor.array || type === Constructor.arrayAgg;
  let options = flag(of, 'absent_on_null') ? (isObject ? ' ABSENT ON NULL' : '') : isArray ? ' NULL ON NULL' : '';
  if (flag(of, 'unique')) options += ' WITH UNIQUE KEYS';
  if (type !== Constructor.parse && type !== Constructor.scalar) options += returning(out, of, true);
  const inner = of.fields.get('func');
  if (type === Constructor.objectAgg || type === Constructor.arrayAgg) {
    if (isA(inner, 'AGGREF')) aggregate(out, inner, { name, options, isObject });
    else windowFunction(out, node(of, 'func'), { name, options, isObject });
    return;
  }
  out.add(`${name}(`);
  list(of, 'args').forEach((arg, i) => out.add(i === 0 ? '' : isObject && i % 2 === 1 ? ' : ' : ', ').expr(arg, true));
  out.add(`${options})`);
}

export function jsonIsPredicate(out: Deparser, of: TreeNode): void {
  out.add('(').expr(of.fields.get('expr'), true).add(` IS JSON${ITEM_TYPES[token(of, 'item_type')] ?? ''}${flag(of, 'unique_keys') ? ' WITH UNIQUE KEYS' : ''})`);
}

/** get_json_path_spec() */
export function jsonPath(out: Deparser, path: TreeValue | undefined, showImplicit: boolean): void {
  if (isA(path, 'CONST')) out.constant(path, -1);
  else out.expr(path, showImplicit);
}

/** JSON_EXISTS(), JSON_QUERY() and JSON_VALUE() */
export function jsonExpr(out: Deparser, of: TreeNode, showImplicit: boolean): void {
  const op = token(of, 'op');
  const word = JSON_WORDS[op];
  if (word === undefined) throw new NodeTreeError(`JSONEXPR ${op}`);
  out.add(word).expr(of.fields.get('formatted_expr'), showImplicit).add(', ');
  jsonPath(out, of.fields.get('path_spec'), showImplicit);
  const values = list(of, 'passing_values'), names = texts(of, 'passing_names');
  values.forEach((value, i) => out.add(i === 0 ? ' PASSING ' : ', ').expr(value, showImplicit).add(` AS ${out.quoted(names[i]!)}`));
  if (op !== JsonOp.exists || oid(node(of, 'returning'), 'typid') !== BOOLOID) out.add(returning(out, of, op === JsonOp.query));
  jsonOptions(out, of, op === JsonOp.exists ? Behavior.false : Behavior.null);
  out.add(')');
}

/** get_json_expr_options() */
export function jsonOptions(out: Deparser, of: TreeNode, usual: number): void {
  if (token(of, 'op') === JsonOp.query) out.add(`${WRAPPERS[token(of, 'wrapper')] ?? ' WITHOUT WRAPPER'}${flag(of, 'omit_quotes') ? ' OMIT QUOTES' : ' KEEP QUOTES'}`);
  const [onEmpty, onError] = [of.fields.get('on_empty'), of.fields.get('on_error')];
  if (isNode(onEmpty) && int(onEmpty, 'btype') !== usual) jsonBehavior(out, onEmpty, 'EMPTY');
  if (isNode(onError) && int(onError, 'btype') !== usual) jsonBehavior(out, onError, 'ERROR');
}

/** get_json_behavior() */
export function jsonBehavior(out: Deparser, behavior: TreeNode, on: 'EMPTY' | 'ERROR'): void {
  const type = int(behavior, 'btype');
  out.add(BEHAVIORS[type] ?? '');
  if (type === Behavior.default) out.expr(behavior.fields.get('expr'), false);
  out.add(` ON ${on}`);
}
