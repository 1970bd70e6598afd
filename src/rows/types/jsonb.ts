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

/** One JsonbContainer that is being read: where it lies, and the cursors over its entries. Offsets count from its data's beginning. */
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

/** What JsonbIteratorNext() tells of a container: an array that is `isScalar` holds a lone scalar. */
export type JsonbContainer = Readonly<Pick<Frame, 'count' | 'isObject' | 'isScalar'>>;

/** Goes through containers in JsonbIteratorNext()'s order, with a stack of its own: PostgreSQL lets them nest deeper than JavaScript lets functions call. */
export abstract class JsonbWalker {
  private readonly stack: Frame[] = [];

  constructor(protected readonly bytes: Uint8Array) {}

  /** The value without its varlena header. Throws a located error where it is none. */
  protected walk(at: number, end: number): void {
    this.open(at, end);
    for (let frame = this.stack.at(-1); frame; frame = this.stack.at(-1)) {
      if (frame.next < frame.count) this.child(frame);
      else {
        this.stack.pop();
        this.endContainer(frame);
      }
    }
  }

  protected abstract beginContainer(container: JsonbContainer): void;
  protected abstract endContainer(container: JsonbContainer): void;
  /** Before the `i`th element or pair. */
  protected abstract beginItem(i: number): void;
  /** Between a pair's key and value. */
  protected abstract afterKey(): void;
  protected abstract text(at: number, length: number): void;
  /** A numeric without its varlena header. */
  protected abstract numeric(at: number, length: number): void;
  protected abstract word(word: 'null' | 'true' | 'false'): void;

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
    this.beginContainer(frame);
  }

  private entry(frame: Frame, child: number): number {
    return uint32At(this.bytes, frame.at + 4 + child * 4);
  }

  private child(frame: Frame): void {
    const i = frame.next++;
    this.beginItem(i);
    if (frame.isObject) {
      const key = this.entry(frame, i);
      const keyEnd = nextOffset(key, frame.keyOffset);
      this.value(frame, key, frame.keyOffset, keyEnd);
      frame.keyOffset = keyEnd;
      this.afterKey();
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
      case JENTRY_ISSTRING: this.text(at, end - at); return;
      case JENTRY_ISNUMERIC: this.number(aligned, end); return;
      case JENTRY_ISBOOL_FALSE: this.word('false'); return;
      case JENTRY_ISBOOL_TRUE: this.word('true'); return;
      case JENTRY_ISNULL: this.word('null'); return;
      case JENTRY_ISCONTAINER: this.open(aligned, end); return;
      default: throw valueError('jsonb', `unknown entry type 0x${entry.toString(16)}`);
    }
  }

  private number(at: number, end: number): void {
    const header = plainHeaderSize(this.bytes[at]!), size = varsizeAny(this.bytes, at);
    if (size < header || at + size > end) throw valueError('jsonb', "a number reaches past the value's end");
    this.numeric(at + header, size - header);
  }
}

class JsonbPrinter extends JsonbWalker {
  private readonly parts: string[] = [];

  constructor(bytes: Uint8Array, private readonly decode: TextDecoding['decode']) {
    super(bytes);
  }

  print(at: number, end: number): string {
    this.walk(at, end);
    return this.parts.join('');
  }

  protected beginContainer({ isObject, isScalar }: JsonbContainer): void {
    if (!isScalar) this.parts.push(isObject ? '{' : '[');
  }

  protected endContainer({ isObject, isScalar }: JsonbContainer): void {
    if (!isScalar) this.parts.push(isObject ? '}' : ']');
  }

  protected beginItem(i: number): void {
    if (i > 0) this.parts.push(', ');
  }

  protected afterKey(): void {
    this.parts.push(': ');
  }

  protected text(at: number, length: number): void {
    this.parts.push(escapeJson(this.decode(this.bytes, at, length)));
  }

  protected numeric(at: number, length: number): void {
    this.parts.push(numericText(this.bytes, at, length));
  }

  protected word(word: string): void {
    this.parts.push(word);
  }
}

/** JBE_ADVANCE_OFFSET(): most entries hold a length, some the end itself. */
function nextOffset(entry: number, offset: number): number {
  const field = entry & JENTRY_OFFLENMASK;
  return entry >= JENTRY_HAS_OFF ? field : offset + field;
}

export const jsonbOut: OutputFunction = (bytes, at, length, _type, output) =>
  new JsonbPrinter(bytes, output.context.encoding.decode).print(at, at + length);
