/**
 * json and jsonb as values: printing as jsonb does, paths, containment and equality.
 * Follows utils/adt/{jsonb,jsonb_op,jsonb_util,jsonfuncs}.c, PG 13–18.
 */
import { parseJsonText, type JsonTree } from '../../util/jsonText.js';
import { compareUtf8 } from './text.js';
import { compareDecimals, formatDecimal, parseDecimal, type Decimal } from './decimal.js';
import { ValueError } from './source.js';

export type JsonNode = JsonTree<Decimal>;

/** json_in(), jsonb_in(). Throws ValueError. */
export function parseJson(text: string, type = 'json'): JsonNode {
  return parseJsonText(text, parseDecimal, (reason) => new ValueError(reason === '' ? `invalid input syntax for type ${type}: "${text}"` : reason));
}

/** jsonb_out(): keys by length, then by bytes. */
export function formatJsonb(node: JsonNode): string {
  switch (node.kind) {
    case 'array': return `[${node.items.map(formatJsonb).join(', ')}]`;
    case 'object': {
      const keys = [...node.members.keys()].sort(compareKeys);
      return `{${keys.map((key) => `${escapeJson(key)}: ${formatJsonb(node.members.get(key)!)}`).join(', ')}}`;
    }
    case 'string': return escapeJson(node.value as string);
    case 'number': return formatDecimal(node.value as Decimal);
    default: return String(node.value);
  }
}

function compareKeys(a: string, b: string): number {
  return Buffer.byteLength(a) - Buffer.byteLength(b) || compareUtf8(a, b);
}

/** escape_json(): control characters but the common ones as \u00XX; everything above stays. */
function escapeJson(text: string): string {
  return JSON.stringify(text).replace(/\\u([dD][89a-fA-F][0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** `->` of jsonb: there a lone scalar is stored as an array of one, and answers to its index. */
export function jsonbMember(node: JsonNode, key: string | bigint): JsonNode | undefined {
  if (typeof key === 'bigint' && node.kind !== 'array' && node.kind !== 'object') return key === 0n || key === -1n ? node : undefined;
  return jsonMember(node, key);
}

/** `->`: an object's member or an array's item (negative from the end); undefined where there is none. */
export function jsonMember(node: JsonNode, key: string | bigint): JsonNode | undefined {
  if (typeof key === 'string') return node.kind === 'object' ? node.members.get(key) : undefined;
  if (node.kind !== 'array') return undefined;
  return node.items[Number(key < 0n ? BigInt(node.items.length) + key : key)];
}

/** jsonb_get_element(): `#>` and subscripts follow a path; a step into an array is read as its index, as strtoint() does. */
export function jsonPath(node: JsonNode, path: readonly (string | null)[]): JsonNode | null {
  let here: JsonNode | undefined = node;
  for (const step of path) {
    if (step === null || here === undefined) return null;
    if (here.kind === 'array') here = /^[ \t-\r]*[+-]?\d+$/.test(step) ? jsonMember(here, BigInt(step)) : undefined;
    else here = jsonMember(here, step);
  }
  return here ?? null;
}

/** What `->>` gives: a string's own text, NULL for JSON's null, else `print`'s text. */
export function jsonText(node: JsonNode, print: (node: JsonNode) => string): string | null {
  if (node.kind === 'null') return null;
  return node.kind === 'string' ? (node.value as string) : print(node);
}

/** jsonb_eq() */
export function jsonEquals(a: JsonNode, b: JsonNode): boolean {
  if (a.kind === 'array') {
    return b.kind === 'array' && a.items.length === b.items.length && a.items.every((item, i) => jsonEquals(item, b.items[i]!));
  }
  if (a.kind === 'object') {
    if (b.kind !== 'object' || a.members.size !== b.members.size) return false;
    for (const [key, value] of a.members) {
      const other = b.members.get(key);
      if (!other || !jsonEquals(value, other)) return false;
    }
    return true;
  }
  if (b.kind !== a.kind) return false;
  return a.kind === 'number' ? compareDecimals(a.value as Decimal, b.value as Decimal) === 0 : a.value === b.value;
}

/** `@>`: JsonbDeepContains(); an array also contains a lone scalar, at the top alone. */
export function jsonContains(a: JsonNode, b: JsonNode): boolean {
  if (a.kind === 'array' && b.kind !== 'array' && b.kind !== 'object') return a.items.some((item) => jsonEquals(item, b));
  return deepContains(a, b);
}

function deepContains(a: JsonNode, b: JsonNode): boolean {
  if (b.kind === 'object') {
    if (a.kind !== 'object') return false;
    for (const [key, value] of b.members) {
      const own = a.members.get(key);
      if (!own || !deepContains(own, value)) return false;
    }
    return true;
  }
  if (b.kind === 'array') return a.kind === 'array' && b.items.every((wanted) => a.items.some((item) => deepContains(item, wanted)));
  return jsonEquals(a, b);
}

/** `?`: a key of an object, a string in an array, or the string itself. */
export function jsonExists(node: JsonNode, key: string): boolean {
  if (node.kind === 'object') return node.members.has(key);
  if (node.kind === 'array') return node.items.some((item) => item.kind === 'string' && item.value === key);
  return node.kind === 'string' && node.value === key;
}

/** jsonb_typeof() */
export function jsonTypeof(node: JsonNode): string {
  return node.kind === 'bool' ? 'boolean' : node.kind;
}
