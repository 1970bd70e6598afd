/** Functions that SQL writes in a syntax of their own: get_func_sql_syntax(), utils/adt/ruleutils.c, PG 14–18. */
import { quoteIdentifier } from '../util/quote.js';
import { exprType, type Deparser } from './deparse.js';
import { isNode, type TreeValue } from './nodeTree.js';

/** The text of a constant of type text. */
function constantText(value: TreeValue | undefined): string | undefined {
  const bytes = isNode(value) ? value.fields.get('constvalue') : undefined;
  const VARHDRSZ = 4;
  return bytes instanceof Uint8Array ? new TextDecoder().decode(bytes.subarray(VARHDRSZ)) : undefined;
}

const TEXTOID = 25;
const TRIM_SIDES: Record<string, string> = { btrim: 'BOTH', ltrim: 'LEADING', rtrim: 'TRAILING' };

/** Writes the call where the function has a syntax of its own; false where it has none. */
export function sqlSyntaxCall(out: Deparser, name: string, args: TreeValue[]): boolean {
  const [first, second, third, fourth] = args;
  switch (name) {
    case 'timezone':
      if (second === undefined) out.add('(').expr(first, false).add(' AT LOCAL)');
      else out.add('(').expr(second, false).add(' AT TIME ZONE ').expr(first, false).add(')');
      return true;
    case 'overlaps':
      out.add('((').expr(first, false).add(', ').expr(second, false).add(') OVERLAPS (').expr(third, false).add(', ').expr(fourth, false).add('))');
      return true;
    case 'extract': {
      const field = constantText(first);
      if (field === undefined) return false;
      out.add(`EXTRACT(${quoteIdentifier(field)} FROM `).expr(second, false).add(')');
      return true;
    }
    case 'position':
      out.add('POSITION((').expr(second, false).add(') IN (').expr(first, false).add('))');
      return true;
    case 'overlay':
      out.add('OVERLAY(').expr(first, false).add(' PLACING ').expr(second, false).add(' FROM ').expr(third, false);
      if (fourth !== undefined) out.add(' FOR ').expr(fourth, false);
      out.add(')');
      return true;
    case 'substring':
      if (third !== undefined && exprType(second) === TEXTOID) {
        out.add('SUBSTRING(').expr(first, false).add(' SIMILAR ').expr(second, false).add(' ESCAPE ').expr(third, false).add(')');
        return true;
      }
      out.add('SUBSTRING(').expr(first, false).add(' FROM ').expr(second, false);
      if (third !== undefined) out.add(' FOR ').expr(third, false);
      out.add(')');
      return true;
    case 'btrim':
    case 'ltrim':
    case 'rtrim':
      out.add(`TRIM(${TRIM_SIDES[name]!}`);
      if (second !== undefined) out.add(' ').expr(second, false);
      out.add(' FROM ').expr(first, false).add(')');
      return true;
    case 'pg_collation_for':
      out.add('COLLATION FOR (').expr(first, false).add(')');
      return true;
    case 'system_user':
      out.add('SYSTEM_USER');
      return true;
    default:
      return false;
  }
}
