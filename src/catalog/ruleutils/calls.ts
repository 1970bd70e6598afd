/** Calls of functions, and those that SQL writes in a syntax of their own: get_func_expr(), get_func_sql_syntax(), utils/adt/ruleutils.c, PG 13–18. */
import { PG_CATALOG, PUBLIC } from '../catalogOids.js';
import { CoercionForm, type Deparser } from './deparser.js';
import { exprType, flag, isA, list, oid, token } from './nodes.js';
import { isNode, NodeTreeError, type TreeNode, type TreeValue } from './nodeTree.js';

const INT4OID = 23;

/** A function call, a cast that is one, or a function with a syntax of its own. */
export function call(out: Deparser, of: TreeNode, showImplicit: boolean): void {
  const args = list(of, 'args');
  const format = token(of, 'funcformat');
  if (format === CoercionForm.implicitCast && !showImplicit) return void out.expr(args[0], false);
  if (format === CoercionForm.implicitCast || format === CoercionForm.explicitCast) return out.castTo(args[0], oid(of, 'funcresulttype'), lengthCoercion(args));
  const procOid = oid(of, 'funcid');
  if (format === CoercionForm.sqlSyntax && sqlSyntaxCall(out, out.lookup.types.proc(procOid)?.name ?? '', args)) return;
  out.add(`${functionName(out, procOid)}(`);
  args.forEach((arg, i) => out.add(`${i > 0 ? ', ' : ''}${flag(of, 'funcvariadic') && i === args.length - 1 ? 'VARIADIC ' : ''}`).expr(arg, true));
  out.add(')');
}

/** generate_function_name(): plain where the default search path finds it by its arguments. */
export function functionName(out: Deparser, procOid: number): string {
  const { types, catalog } = out.lookup;
  const proc = types.proc(procOid);
  if (!proc) throw new NodeTreeError(`function ${procOid}`);
  // CUBE and ROLLUP are words of GROUP BY
  const isWord = out.context.inGroupBy && (proc.name === 'cube' || proc.name === 'rollup');
  const isVisible = !isWord && (proc.namespaceOid === PG_CATALOG || (proc.namespaceOid === PUBLIC && !types.isHiddenFunction(procOid)));
  return isVisible ? out.quoted(proc.name) : `${out.quoted(catalog.namespaces.get(proc.namespaceOid) ?? '')}.${out.quoted(proc.name)}`;
}

/** exprIsLengthCoercion(): the modifier that a length coercion function's second argument gives; -1: none. */
function lengthCoercion(args: readonly TreeValue[]): number {
  const second = args[1];
  if (args.length < 2 || args.length > 3 || !isA(second, 'CONST') || oid(second, 'consttype') !== INT4OID) return -1;
  const value = second.fields.get('constvalue');
  return value instanceof Uint8Array ? new DataView(value.buffer, value.byteOffset).getInt32(0, true) : -1;
}

/** The text of a constant of type text. */
function constantText(value: TreeValue | undefined): string | undefined {
  const bytes = isNode(value) ? value.fields.get('constvalue') : undefined;
  const VARHDRSZ = 4;
  return bytes instanceof Uint8Array ? new TextDecoder().decode(bytes.subarray(VARHDRSZ)) : undefined;
}

const TEXTOID = 25;
const TRIM_SIDES: Record<string, string> = { btrim: 'BOTH', ltrim: 'LEADING', rtrim: 'TRAILING' };

/** Writes the call where the function has a syntax of its own; false where it has none. */
function sqlSyntaxCall(out: Deparser, name: string, args: TreeValue[]): boolean {
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
      out.add(`EXTRACT(${out.quoted(field)} FROM `).expr(second, false).add(')');
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
    case 'is_normalized':
    case 'normalize': {
      const form = second === undefined ? undefined : constantText(second);
      if (name === 'normalize') out.add('NORMALIZE(').expr(first, false).add(`${form === undefined ? '' : `, ${form}`})`);
      else out.add('(').expr(first, false).add(` IS${form === undefined ? '' : ` ${form}`} NORMALIZED)`);
      return true;
    }
    case 'xmlexists':
      out.add('XMLEXISTS((').expr(first, false).add(') PASSING (').expr(second, false).add('))');
      return true;
    case 'system_user':
      out.add('SYSTEM_USER');
      return true;
    default:
      return false;
  }
}
