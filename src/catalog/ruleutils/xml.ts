/** XMLELEMENT() and its kin: get_rule_expr() for XmlExpr, utils/adt/ruleutils.c, PG 13–18. */
import type { Deparser } from './deparser.js';
import { flag, int, isA, list, oid, optional, texts, token } from './nodes.js';
import { NodeTreeError, type TreeNode, type TreeValue } from './nodeTree.js';

const XmlOp = { concat: '0', element: '1', forest: '2', parse: '3', pi: '4', root: '5', serialize: '6', document: '7' } as const;
const WORDS: Record<string, string> = {
  [XmlOp.concat]: 'XMLCONCAT(', [XmlOp.element]: 'XMLELEMENT(', [XmlOp.forest]: 'XMLFOREST(', [XmlOp.parse]: 'XMLPARSE(', [XmlOp.pi]: 'XMLPI(', [XmlOp.root]: 'XMLROOT(',
  [XmlOp.serialize]: 'XMLSERIALIZE(', [XmlOp.document]: '',
};
const STANDALONE: Record<string, string> = { 0: ', STANDALONE YES', 1: ', STANDALONE NO', 2: ', STANDALONE NO VALUE' };

/** map_xml_name_to_sql_identifier(), utils/adt/xml.c */
function sqlName(xmlName: string): string {
  return xmlName.replace(/_x([0-9A-F]{4})_/g, (_, hex: string) => String.fromCodePoint(parseInt(hex, 16)));
}

export function xmlExpr(out: Deparser, of: TreeNode): void {
  const op = token(of, 'op');
  const args = list(of, 'args');
  const word = WORDS[op];
  if (word === undefined) throw new NodeTreeError(`XMLEXPR ${op}`);
  out.add(word);
  if (op === XmlOp.parse || op === XmlOp.serialize) out.add(token(of, 'xmloption') === '0' ? 'DOCUMENT ' : 'CONTENT ');
  let needsComma = false;
  const name = optional(of, 'name');
  if (name !== undefined) {
    out.add(`NAME ${out.quoted(sqlName(name))}`);
    needsComma = true;
  }
  const named = list(of, 'named_args');
  if (named.length > 0) {
    const isForest = op === XmlOp.forest;
    if (!isForest) out.add(`${needsComma ? ', ' : ''}XMLATTRIBUTES(`);
    const names = texts(of, 'arg_names');
    named.forEach((arg, i) => {
      if (i > 0 || (isForest && needsComma)) out.add(', ');
      out.expr(arg, true).add(` AS ${out.quoted(sqlName(names[i]!))}`);
    });
    if (!isForest) out.add(')');
    needsComma = true;
  }
  if (args.length > 0) {
    out.add(needsComma ? ', ' : '');
    xmlArguments(out, op, args);
  }
  if (op === XmlOp.serialize) out.add(` AS ${out.formatType(oid(of, 'type'), int(of, 'typmod'))}${of.fields.has('indent') ? (flag(of, 'indent') ? ' INDENT' : ' NO INDENT') : ''}`);
  out.add(op === XmlOp.document ? ' IS DOCUMENT' : ')');
}

function constant(value: TreeValue | undefined): { isNull: boolean; number: number } {
  if (!isA(value, 'CONST')) throw new NodeTreeError('XMLEXPR without a constant');
  const bytes = value.fields.get('constvalue');
  return { isNull: flag(value, 'constisnull'), number: bytes instanceof Uint8Array ? bytes[0]! : 0 };
}

function xmlArguments(out: Deparser, op: string, args: readonly TreeValue[]): void {
  const [first, second, third] = args;
  switch (op) {
    case XmlOp.parse: return void out.expr(first, true).add(constant(second).number !== 0 ? ' PRESERVE WHITESPACE' : ' STRIP WHITESPACE');
    case XmlOp.root: {
      out.expr(first, true).add(', VERSION ');
      if (isA(second, 'CONST') && flag(second, 'constisnull')) out.add('NO VALUE');
      else out.expr(second, false);
      const standalone = constant(third);
      return void out.add(standalone.isNull ? '' : (STANDALONE[standalone.number] ?? ''));
    }
    default: out.expr([...args], op !== XmlOp.document);
  }
}
