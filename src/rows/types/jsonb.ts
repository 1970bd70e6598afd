/** jsonb: JsonbToCString(), utils/adt/{jsonb,jsonb_util}.c, utils/jsonb.h, PG 13–18. */
import { uint32At } from '../bytes.js';
import { valueError } from './valueError.js';
import { numericText } from './numeric.js';
import { varsizeAny, plainHeaderSize } from '../varlena.js';
import type { TextDecoding } from './encoding.js';
import type { OutputFunction } from './typeInfo.js';

const JB_CMASK = 0x0fff_ffff;
const JB_FSCALAR = 0x1000_0000;
const JB_FOBJECT = 0x2000_0000;
const JENTRY_OFFLENMASK = 0x0fff_ffff;
const JENTRY_TYPEMASK = 0x7000_0000;
const JENTRY_HAS_OFF = 0x8000_0000;
const JENTRY_ISSTRING = 0x0000_0000;
const JENTRY_ISNUMERIC = 0x1000_0000;
const JENTRY_ISBOOL_FALSE = 0x2000_0000;
const JENTRY_ISBOOL_TRUE = 0x3000_0000;
const JENTRY_ISNULL = 0x4000_0000;
const JENTRY_ISCONTAINER = 0x5000_0000;

// eslint-disable-next-line no-control-regex
const NEEDS_ESCAPE = /["\\\u0000-\u001f]/;
// eslint-disable-next-line no-control-regex
const ESCAPED = /["\\\u0000-\u001f]/g;
const NAMED_ESCAPES: Record<string, string> = { '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/** escape_json(), utils/adt/json.c: the text in double quotes. */
export function escapeJson(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return `"${text}"`;
  return `"${text.replace(ESCAPED, (c) => NAMED_ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;
}

/** One JsonbContainer: its children's entries and where their data begins. */
class Container {
  readonly count: number;
  readonly isObject: boolean;
  readonly isScalar: boolean;
  private readonly dataAt: number;

  constructor(private readonly bytes: Uint8Array, private readonly at: number, private readonly end: number) {
    const header = uint32At(bytes, at);
    this.count = header & JB_CMASK;
    this.isObject = (header & JB_FOBJECT) !== 0;
    this.isScalar = (header & JB_FSCALAR) !== 0;
    this.dataAt = at + 4 + 4 * this.count * (this.isObject ? 2 : 1);
    if (this.dataAt > end) throw valueError('jsonb', `a container of ${this.count} entries reaches past the value's end`);
  }

  /** Prints all children into `[…]` or `{…}`. Offsets advance from child to child, as getJsonbOffset() would find them. */
  text(decode: TextDecoding['decode']): string {
    const children = this.isObject ? this.count * 2 : this.count;
    const parts: string[] = [];
    let offset = 0;
    for (let i = 0; i < children; i++) {
      const entry = uint32At(this.bytes, this.at + 4 + i * 4);
      const field = entry & JENTRY_OFFLENMASK;
      const next = entry >= JENTRY_HAS_OFF ? field : offset + field;
      parts.push(this.childText(entry, this.dataAt + offset, this.dataAt + next, decode));
      offset = next;
    }
    if (!this.isObject) return this.isScalar ? parts.join('') : `[${parts.join(', ')}]`;
    let text = '{';
    for (let i = 0; i < this.count; i++) text += `${i === 0 ? '' : ', '}${parts[i]!}: ${parts[this.count + i]!}`;
    return `${text}}`;
  }

  private childText(entry: number, at: number, end: number, decode: TextDecoding['decode']): string {
    if (end < at || end > this.end) throw valueError('jsonb', "an entry reaches past the value's end");
    // Numbers and containers are 4-byte aligned within the container's data.
    const aligned = this.dataAt + ((at - this.dataAt + 3) & ~3);
    switch (entry & JENTRY_TYPEMASK) {
      case JENTRY_ISSTRING: return escapeJson(decode(this.bytes, at, end - at));
      case JENTRY_ISNUMERIC: {
        const header = plainHeaderSize(this.bytes[aligned]!);
        return numericText(this.bytes, aligned + header, varsizeAny(this.bytes, aligned) - header);
      }
      case JENTRY_ISBOOL_FALSE: return 'false';
      case JENTRY_ISBOOL_TRUE: return 'true';
      case JENTRY_ISNULL: return 'null';
      case JENTRY_ISCONTAINER: return new Container(this.bytes, aligned, end).text(decode);
      default: throw valueError('jsonb', `unknown entry type 0x${entry.toString(16)}`);
    }
  }
}

export const jsonbOut: OutputFunction = (bytes, at, length, _type, output) =>
  new Container(bytes, at, at + length).text(output.context.encoding.decode);
