/** A function's or procedure's definition from its row of pg_proc: pg_get_functiondef(), utils/adt/ruleutils.c, PG 13–18. */
import { quoteIdentifier } from '../util/quote.js';
import type { CatalogRow } from './catalogRow.js';
import { deparse, deparseBody, type DeparseLookup } from './deparse.js';
import { parseNodeTree } from './ruleutils/nodeTree.js';

const INTERNAL_LANGUAGE = 12;
const C_LANGUAGE = 13;
const DEFAULT_COST = 100;
const DEFAULT_ROWS = 1000;
/** GUC_LIST_QUOTE: their values are lists of identifiers. */
const LIST_SETTINGS = new Set(['search_path', 'temp_tablespaces', 'session_preload_libraries', 'shared_preload_libraries', 'local_preload_libraries', 'unix_socket_directories', 'restrict_nonsystem_relation_kind', 'createrole_self_grant']);
const VARHDRSZ_ARRAY = 20;

export interface FunctionDefinition {
  /** Qualified, with the types of its input arguments: what DROP FUNCTION takes. */
  signature: string;
  /** CREATE OR REPLACE …; null for an aggregate, which has none. */
  sql: string | null;
  /** What of it could not be deparsed; empty: all of it is there. */
  unknown: string;
}

/** Reads the definition. `languages`: pg_language.lanname by OID. */
export function functionDefinition(lookup: DeparseLookup, row: CatalogRow, languages: ReadonlyMap<number, string>): FunctionDefinition {
  const { major } = lookup.catalog.snapshot;
  const name = [lookup.catalog.namespaces.get(row.oid('pronamespace')) ?? '', row.name('proname')].map((part) => quoteIdentifier(part, major)).join('.');
  const inputs = row.numbers('proargtypes', 4, false);
  const signature = `${name}(${inputs.map((type) => lookup.types.formatType(type)).join(', ')})`;
  const kind = row.char('prokind');
  if (kind === 'a') return { signature, sql: null, unknown: 'aggregate' };
  const isProcedure = kind === 'p';
  const args = readArguments(lookup, row, inputs);
  const unknown = args.unknown;
  let sql = `CREATE OR REPLACE ${isProcedure ? 'PROCEDURE' : 'FUNCTION'} ${name}(${args.list.join(', ')})\n`;
  if (!isProcedure) {
    const result = args.table.length > 0 ? `TABLE(${args.table.join(', ')})` : `${row.bool('proretset') ? 'SETOF ' : ''}${lookup.types.formatType(row.oid('prorettype'))}`;
    sql += ` RETURNS ${result}\n`;
  }
  const transforms = row.numbers('protrftypes', 4, false);
  if (transforms.length > 0) sql += ` TRANSFORM ${transforms.map((type) => `FOR TYPE ${lookup.types.formatType(type)}`).join(', ')}\n`;
  sql += ` LANGUAGE ${quoteIdentifier(languages.get(row.oid('prolang')) ?? '')}\n`;
  const options = optionsOf(lookup, row);
  if (options !== '') sql += `${options}\n`;
  for (const setting of row.texts('proconfig')) sql += settingLine(setting ?? '');
  const body = bodyOf(lookup, row, isProcedure);
  return { signature, sql: `${sql}${body.sql}`, unknown: [unknown, body.unknown].filter((each) => each !== '').join(', ') };
}

function readArguments(lookup: DeparseLookup, row: CatalogRow, inputs: readonly number[]): { list: string[]; table: string[]; unknown: string } {
  const all = row.isNull('proallargtypes') ? inputs : row.numbers('proallargtypes', 4, false);
  const modes = row.isNull('proargmodes') ? undefined : Buffer.from(row.varlena('proargmodes')!.subarray(VARHDRSZ_ARRAY)).toString('latin1');
  const names = row.texts('proargnames');
  const defaultsText = row.text('proargdefaults');
  const tree = defaultsText === null ? [] : parseNodeTree(defaultsText);
  const defaults = Array.isArray(tree) ? tree : [tree];
  // procedures mark their inputs since OUT arguments belong to their signature
  const inMode = row.char('prokind') === 'p' && lookup.catalog.snapshot.major >= 14 ? 'IN ' : '';
  const MODES: Record<string, string> = { i: inMode, o: 'OUT ', b: 'INOUT ', v: 'VARIADIC ', t: '' };
  const list: string[] = [], table: string[] = [];
  let input = 0, unknown = '';
  all.forEach((type, i) => {
    const mode = modes?.[i] ?? 'i';
    let text = `${MODES[mode] ?? ''}${names[i] ? `${quoteIdentifier(names[i])} ` : ''}${lookup.types.formatType(type)}`;
    if ('ibv'.includes(mode)) {
      input++;
      const value = defaults[input - 1 - (inputs.length - defaults.length)];
      if (value !== undefined && input > inputs.length - defaults.length) {
        const deparsed = deparse(lookup, value, {});
        if (deparsed.sql === undefined) unknown = deparsed.unknown;
        text += ` DEFAULT ${deparsed.sql ?? `NULL /* ${deparsed.unknown} is not written */`}`;
      }
    }
    (mode === 't' ? table : list).push(text);
  });
  return { list, table, unknown };
}

function optionsOf(lookup: DeparseLookup, row: CatalogRow): string {
  const VOLATILITY: Record<string, string> = { i: ' IMMUTABLE', s: ' STABLE' };
  const PARALLEL: Record<string, string> = { s: ' PARALLEL SAFE', r: ' PARALLEL RESTRICTED' };
  let text = row.char('prokind') === 'w' ? ' WINDOW' : '';
  text += VOLATILITY[row.char('provolatile')] ?? '';
  text += PARALLEL[row.char('proparallel')] ?? '';
  if (row.bool('proisstrict')) text += ' STRICT';
  if (row.bool('prosecdef')) text += ' SECURITY DEFINER';
  if (row.bool('proleakproof')) text += ' LEAKPROOF';
  const cost = row.float4('procost'), rows = row.float4('prorows');
  const language = row.oid('prolang');
  if (cost !== (language === INTERNAL_LANGUAGE || language === C_LANGUAGE ? 1 : DEFAULT_COST)) text += ` COST ${percentG(cost)}`;
  if (rows > 0 && rows !== DEFAULT_ROWS) text += ` ROWS ${percentG(rows)}`;
  const support = row.oid('prosupport');
  if (support !== 0) text += ` SUPPORT ${lookup.types.regName('regproc', support) ?? String(support)}`;
  return text;
}

/** C's %g: six significant digits, without trailing zeros. */
function percentG(value: number): string {
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 6) return String(Number(value.toPrecision(6)));
  return value.toExponential(5).replace(/\.?0+e/, 'e').replace(/e([+-])(\d)$/, 'e$10$2');
}

/** simple_quote_literal(), which takes backslashes as plain characters' own escape form. */
function settingLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? `E${quoted}` : quoted;
}

function settingLine(setting: string): string {
  const equals = setting.indexOf('=');
  if (equals < 0) return '';
  const name = setting.slice(0, equals), value = setting.slice(equals + 1);
  const values = LIST_SETTINGS.has(name.toLowerCase()) ? [...value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*?))\s*(?:,|$)/g)].filter((m) => m[0] !== '').map((m) => m[1]?.replaceAll('""', '"') ?? m[2]!) : [value];
  return ` SET ${quoteIdentifier(name)} TO ${values.map(settingLiteral).join(', ')}\n`;
}

function bodyOf(lookup: DeparseLookup, row: CatalogRow, isProcedure: boolean): { sql: string; unknown: string } {
  if (row.has('prosqlbody') && !row.isNull('prosqlbody')) {
    const body = deparseBody(lookup, row.text('prosqlbody') ?? '', { functionName: row.name('proname'), argNames: row.texts('proargnames') });
    return body.sql === undefined ? { sql: `/* ${body.unknown} is not written */\n`, unknown: `SQL body: ${body.unknown}` } : { sql: `${body.sql}\n`, unknown: '' };
  }
  const source = row.text('prosrc') ?? '';
  const library = row.text('probin');
  let tag = `$${isProcedure ? 'procedure' : 'function'}`;
  while (source.includes(tag)) tag += 'x';
  tag += '$';
  return { sql: `AS ${library === null ? '' : `'${library.replaceAll("'", "''")}', `}${tag}${source}${tag}\n`, unknown: '' };
}
