/** XMLTABLE and JSON_TABLE: get_xmltable(), get_json_table(), utils/adt/ruleutils.c, PG 13–18. */
import { CoercionForm, type Deparser } from './deparser.js';
import { Behavior, jsonBehavior, JsonOp, jsonOptions, jsonPath } from './json.js';
import { int, isA, list, node, numbers, texts, token } from './nodes.js';
import { isNode, type TreeNode, type TreeValue } from './nodeTree.js';
import { Indent } from './printer.js';

/** looks_like_function(): such an expression needs no parentheses of its own. */
export function looksLikeFunction(value: TreeValue): boolean {
  if (isA(value, 'FUNCEXPR')) return token(value, 'funcformat') === CoercionForm.call || token(value, 'funcformat') === CoercionForm.sqlSyntax;
  return isA(value, 'COALESCEEXPR', 'MINMAXEXPR', 'NULLIFEXPR', 'SQLVALUEFUNCTION', 'XMLEXPR', 'JSONEXPR');
}

/** XMLTABLE(…) or JSON_TABLE(…). */
export function tableFunction(out: Deparser, of: TreeNode, showImplicit: boolean): void {
  if (of.fields.get('functype') === '1') jsonTable(out, of, showImplicit);
  else xmlTable(out, of, showImplicit);
}

function xmlTable(out: Deparser, of: TreeNode, showImplicit: boolean): void {
  out.add('XMLTABLE(');
  const uris = list(of, 'ns_uris'), names = list(of, 'ns_names');
  if (uris.length > 0) {
    out.add('XMLNAMESPACES (');
    uris.forEach((uri, i) => {
      const name = names[i];
      out.add(i > 0 ? ', ' : '').add(typeof name === 'string' ? '' : 'DEFAULT ').expr(uri, showImplicit);
      if (typeof name === 'string') out.add(` AS ${out.quoted(name)}`);
    });
    out.add('), ');
  }
  out.add('(').expr(of.fields.get('rowexpr'), showImplicit).add(') PASSING (').expr(of.fields.get('docexpr'), showImplicit).add(')');
  const columns = texts(of, 'colnames'), types = numbers(of, 'coltypes'), typmods = numbers(of, 'coltypmods');
  const paths = list(of, 'colexprs'), defaults = list(of, 'coldefexprs'), notNulls = new Set(numbers(of, 'notnulls'));
  if (paths.length > 0) {
    out.add(' COLUMNS ');
    columns.forEach((name, i) => {
      const isOrdinality = int(of, 'ordinalitycol') === i;
      out.add(`${i > 0 ? ', ' : ''}${out.quoted(name)} ${isOrdinality ? 'FOR ORDINALITY' : out.formatType(types[i]!, typmods[i]!)}`);
      if (isOrdinality) return;
      if (defaults[i]) out.add(' DEFAULT (').expr(defaults[i], showImplicit).add(')');
      if (paths[i]) out.add(' PATH (').expr(paths[i], showImplicit).add(')');
      if (notNulls.has(i)) out.add(' NOT NULL');
    });
  }
  out.add(')');
}

function jsonTable(out: Deparser, of: TreeNode, showImplicit: boolean): void {
  const document = node(of, 'docexpr'), root = node(of, 'plan');
  out.add('JSON_TABLE(');
  out.indent(Indent.var);
  out.keyword('', 0, 0).expr(document.fields.get('formatted_expr'), showImplicit).add(', ');
  pathName(out, root);
  const values = list(document, 'passing_values'), names = texts(document, 'passing_names');
  if (values.length > 0) {
    out.add(' ').keyword('PASSING ', 0, 0);
    out.indent(Indent.var);
    values.forEach((value, i) => out.add(i > 0 ? ', ' : '').keyword('', 0, 0).expr(value, false).add(` AS ${out.quoted(names[i]!)}`));
    out.indent(-Indent.var);
  }
  jsonColumns(out, of, root, showImplicit);
  const onError = document.fields.get('on_error');
  if (isNode(onError) && int(onError, 'btype') !== Behavior.emptyArray) jsonBehavior(out, onError, 'ERROR');
  out.indent(-Indent.var);
  out.keyword(')', 0, 0);
}

function pathName(out: Deparser, scan: TreeNode): void {
  const path = node(scan, 'path');
  out.constant(node(path, 'value'), -1);
  out.add(` AS ${out.quoted(token(path, 'name'))}`);
}

/** get_json_table_columns() */
function jsonColumns(out: Deparser, of: TreeNode, scan: TreeNode, showImplicit: boolean): void {
  const names = texts(of, 'colnames'), types = numbers(of, 'coltypes'), typmods = numbers(of, 'coltypmods'), values = list(of, 'colvalexprs');
  const [first, last] = [int(scan, 'colMin'), int(scan, 'colMax')];
  out.add(' ').keyword('COLUMNS (', 0, 0);
  out.indent(Indent.var);
  for (let i = first; first >= 0 && i <= last; i++) {
    const value = values[i];
    out.add(i > first ? ', ' : '').keyword('', 0, 0);
    out.add(`${out.quoted(names[i]!)} ${isNode(value) ? out.formatType(types[i]!, typmods[i]!) : 'FOR ORDINALITY'}`);
    if (!isNode(value)) continue;
    const op = token(value, 'op');
    if (op === JsonOp.exists) out.add(' EXISTS');
    else if (op === JsonOp.query && out.lookup.types.isStringType(types[i]!)) out.add(token(node(value, 'format'), 'format_type') === '2' ? ' FORMAT JSONB' : ' FORMAT JSON');
    out.add(' PATH ');
    jsonPath(out, value.fields.get('path_spec'), showImplicit);
    jsonOptions(out, value, op === JsonOp.exists ? Behavior.false : Behavior.null);
  }
  const child = scan.fields.get('child');
  if (isNode(child)) nestedColumns(out, of, child, showImplicit, first >= 0);
  out.indent(-Indent.var);
  out.keyword(')', 0, 0);
}

/** get_json_table_nested_columns() */
function nestedColumns(out: Deparser, of: TreeNode, plan: TreeNode, showImplicit: boolean, needsComma: boolean): void {
  if (isA(plan, 'JSONTABLESIBLINGJOIN')) {
    nestedColumns(out, of, node(plan, 'lplan'), showImplicit, needsComma);
    nestedColumns(out, of, node(plan, 'rplan'), showImplicit, true);
    return;
  }
  out.add(needsComma ? ', ' : ' ').keyword('NESTED PATH ', 0, 0);
  pathName(out, plan);
  jsonColumns(out, of, plan, showImplicit);
}
