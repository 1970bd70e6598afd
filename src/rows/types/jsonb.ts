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

/** One JsonbContainer that is being printed: where it lies, and the cursors over its entries. Offsets count from its data's beginning. */
interface Frame {
  at: number;
  dataAt: number;
  end: number;
  count: number;
  isObject: boolean;
  isScalar: boolean;
  /** The child, or the pair of an object, that comes next. */
  next: number;
  /** Where the next child's data begins (an object's next value's); the entry before it says. */
  offset: number;
  /** Where an object's next key begins. */
  keyOffset: number;
}

/** Prints containers with a stack of its own: PostgreSQL lets them nest deeper than JavaScript lets functions call. */
class JsonbPrinter {
  private readonly parts: string[] = [];
  private readonly stack: Frame[] = [];

  constructor(private readonly bytes: Uint8Array, private readonly decode: TextDecoding['decode']) {}

  print(at: number, end: number): string {
    this.open(at, end);
    for (let frame = this.stack.at(-1); frame; frame = this.stack.at(-1)) {
      if (frame.next === frame.count) this.close(frame);
      else this.child(frame);
    }
    return this.parts.join('');
  }

  private open(at: number, end: number): void {
    const header = uint32At(this.bytes, at);
    const count = header & JB_CMASK;
    const isObject = (header & JB_FOBJECT) !== 0, isScalar = (header & JB_FSCALAR) !== 0;
    const dataAt = at + 4 + 4 * count * (isObject ? 2 : 1);
    if (dataAt > end) throw valueError('jsonb', `a container of ${count} entries reaches past the value's end`);
    const frame: Frame = { at, dataAt, end, count, isObject, isScalar, next: 0, offset: 0, keyOffset: 0 };
    // An object's values come after all of its keys.
    if (isObject) for (let i = 0; i < count; i++) frame.offset = nextOffset(this.entry(frame, i), frame.offset);
    this.stack.push(frame);
    if (!isScalar) this.parts.push(isObject ? '{' : '[');
  }

  private close(frame: Frame): void {
    this.stack.pop();
    if (!frame.isScalar) this.parts.push(frame.isObject ? '}' : ']');
  }

  private entry(frame: Frame, child: number): number {
    return uint32At(this.bytes, frame.at + 4 + child * 4);
  }

  private child(frame: Frame): void {
    const i = frame.next++;
    if (i > 0) this.parts.push(', ');
    if (frame.isObject) {
      const key = this.entry(frame, i);
      const keyEnd = nextOffset(key, frame.keyOffset);
      this.value(frame, key, frame.keyOffset, keyEnd);
      frame.keyOffset = keyEnd;
      this.parts.push(': ');
    }
    const entry = this.entry(frame, frame.isObject ? frame.count + i : i);
    const begin = frame.offset;
    frame.offset = nextOffset(entry, begin);
    this.value(frame, entry, begin, frame.offset);
  }

  private value(frame: Frame, entry: number, begin: number, until: number): void {
    const at = frame.dataAt + begin, end = frame.dataAt + until;
    if (end < at || end > frame.end) throw valueError('jsonb', "an entry reaches past the value's end");
    // Numbers and containers are 4-byte aligned within the container's data.
    const aligned = frame.dataAt + ((begin + 3) & ~3);
    switch (entry & JENTRY_TYPEMASK) {
      case JENTRY_ISSTRING: this.parts.push(escapeJson(this.decode(this.bytes, at, end - at))); return;
      case JENTRY_ISNUMERIC: this.parts.push(this.numeric(aligned, end)); return;
      case JENTRY_ISBOOL_FALSE: this.parts.push('false'); return;
      case JENTRY_ISBOOL_TRUE: this.parts.push('true'); return;
      case JENTRY_ISNULL: this.parts.push('null'); return;
      case JENTRY_ISCONTAINER: this.open(aligned, end); return;
      default: throw valueError('jsonb', `unknown entry type 0x${entry.toString(16)}`);
    }
  }

  private numeric(at: number, end: number): string {
    const header = plainHeaderSize(this.bytes[at]!), size = varsizeAny(this.bytes, at);
    if (size < header || at + size > end) throw valueError('jsonb', "a number reaches past the value's end");
    return numericText(this.bytes, at + header, size - header);
  }
}

/** JBE_ADVANCE_OFFSET(): most entries hold a length, some the end itself. */
function nextOffset(entry: number, offset: number): number {
  const field = entry & JENTRY_OFFLENMASK;
  return entry >= JENTRY_HAS_OFF ? field : offset + field;
}

export const jsonbOut: OutputFunction = (bytes, at, length, _type, output) =>
  new JsonbPrinter(bytes, output.context.encoding.decode).print(at, at + length);
