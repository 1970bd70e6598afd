/** jsonpath: jsonPathToCstring(), printJsonPathItem(), jspInitByBuffer(), utils/adt/jsonpath.c, PG 13–18 (item methods from .bigint() on since 17). */
import { uint32At } from '../bytes.js';
import { plainHeaderSize, varsizeAny } from '../varlena.js';
import { escapeJson } from './jsonb.js';
import { numericText } from './numeric.js';
import { valueError } from './valueError.js';
import type { OutputContext, OutputFunction } from './typeInfo.js';

const JSONPATH_LAX = 0x8000_0000;

/** JsonPathItemType. Arguments of an item follow its type, padded to 4 bytes, and the place of the next item. */
const enum Jpi {
  Null, String, Numeric, Bool, And, Or, Not, IsUnknown, Equal, NotEqual, Less, Greater, LessOrEqual, GreaterOrEqual, Add, Sub, Mul, Div, Mod, Plus, Minus,
  AnyArray, AnyKey, IndexArray, Any, Key, Current, Root, Variable, Filter, Exists, Type, Size, Abs, Floor, Ceiling, Double, Datetime, KeyValue, Subscript,
  Last, StartsWith, LikeRegex, Bigint, Boolean, Date, Decimal, Integer, Number, StringFunc, Time, TimeTz, Timestamp, TimestampTz,
}

const OPERATORS: Partial<Record<Jpi, string>> = {
  [Jpi.And]: '&&', [Jpi.Or]: '||', [Jpi.Equal]: '==', [Jpi.NotEqual]: '!=', [Jpi.Less]: '<', [Jpi.Greater]: '>', [Jpi.LessOrEqual]: '<=',
  [Jpi.GreaterOrEqual]: '>=', [Jpi.Add]: '+', [Jpi.Sub]: '-', [Jpi.Mul]: '*', [Jpi.Div]: '/', [Jpi.Mod]: '%', [Jpi.StartsWith]: 'starts with',
};

/** Item methods without arguments. */
const METHODS: Partial<Record<Jpi, string>> = {
  [Jpi.Type]: 'type', [Jpi.Size]: 'size', [Jpi.Abs]: 'abs', [Jpi.Floor]: 'floor', [Jpi.Ceiling]: 'ceiling', [Jpi.Double]: 'double', [Jpi.KeyValue]: 'keyvalue',
  [Jpi.Bigint]: 'bigint', [Jpi.Boolean]: 'boolean', [Jpi.Date]: 'date', [Jpi.Integer]: 'integer', [Jpi.Number]: 'number', [Jpi.StringFunc]: 'string',
};

/** Item methods with one argument that may be left out. */
const METHODS_WITH_ARGUMENT: Partial<Record<Jpi, string>> = {
  [Jpi.Datetime]: 'datetime', [Jpi.Time]: 'time', [Jpi.TimeTz]: 'time_tz', [Jpi.Timestamp]: 'timestamp', [Jpi.TimestampTz]: 'timestamp_tz',
};

const REGEX_FLAGS = [[0x01, 'i'], [0x02, 's'], [0x04, 'm'], [0x08, 'x'], [0x10, 'q']] as const;
const UINT32_MAX = 0xffff_ffff;

/** operationPriority() */
function priorityOf(type: Jpi): number {
  switch (type) {
    case Jpi.Or: return 0;
    case Jpi.And: return 1;
    case Jpi.Equal: case Jpi.NotEqual: case Jpi.Less: case Jpi.Greater: case Jpi.LessOrEqual: case Jpi.GreaterOrEqual: case Jpi.StartsWith: return 2;
    case Jpi.Add: case Jpi.Sub: return 3;
    case Jpi.Mul: case Jpi.Div: case Jpi.Mod: return 4;
    case Jpi.Plus: case Jpi.Minus: return 5;
    default: return 6;
  }
}

class PathPrinter {
  /** Items that may still be printed: each takes at least 5 bytes and is printed once, which bounds what damaged places can lead to. */
  private itemsLeft: number;

  constructor(private readonly bytes: Uint8Array, private readonly dataAt: number, private readonly end: number, private readonly context: OutputContext) {
    this.itemsLeft = Math.ceil((end - dataAt) / 5);
  }

  /** printJsonPathItem(): the item at `at` and those that follow it. */
  print(at: number, inKey: boolean, printBrackets: boolean): string {
    const argumentsAt = this.dataAt + ((at + 1 - this.dataAt + 3) & ~3);
    if (at < this.dataAt || argumentsAt + 4 > this.end || this.itemsLeft-- <= 0) throw valueError('jsonpath', 'an item lies outside the value, or is met twice');
    const type: Jpi = this.bytes[at]!;
    const next = uint32At(this.bytes, argumentsAt);
    const text = this.item(type, at, argumentsAt + 4, next !== 0, inKey, printBrackets);
    return next === 0 ? text : text + this.print(at + next, true, true);
  }

  private item(type: Jpi, at: number, argsAt: number, hasNext: boolean, inKey: boolean, printBrackets: boolean): string {
    const dot = inKey ? '.' : '';
    const operator = OPERATORS[type];
    if (operator !== undefined) {
      return bracketed(`${this.operand(at, this.word(argsAt), type)} ${operator} ${this.operand(at, this.word(argsAt + 4), type)}`, printBrackets);
    }
    const method = METHODS[type];
    if (method !== undefined) return `.${method}()`;
    const methodWithArgument = METHODS_WITH_ARGUMENT[type];
    if (methodWithArgument !== undefined) return `.${methodWithArgument}(${this.optional(at, argsAt)})`;
    switch (type) {
      case Jpi.Null: return 'null';
      case Jpi.String: return this.string(argsAt);
      case Jpi.Numeric: return this.numeric(argsAt, hasNext);
      case Jpi.Bool: return this.bytes[argsAt] !== 0 ? 'true' : 'false';
      case Jpi.Not: return `!(${this.print(at + this.word(argsAt), false, false)})`;
      case Jpi.IsUnknown: return `(${this.print(at + this.word(argsAt), false, false)}) is unknown`;
      case Jpi.Plus: case Jpi.Minus: return bracketed(`${type === Jpi.Plus ? '+' : '-'}${this.operand(at, this.word(argsAt), type)}`, printBrackets);
      case Jpi.AnyArray: return '[*]';
      case Jpi.AnyKey: return `${dot}*`;
      case Jpi.IndexArray: return this.subscripts(at, argsAt);
      case Jpi.Any: return `${dot}**${anyBounds(this.word(argsAt), this.word(argsAt + 4))}`;
      case Jpi.Key: return dot + this.string(argsAt);
      case Jpi.Current: return '@';
      case Jpi.Root: return '$';
      case Jpi.Variable: return `$${this.string(argsAt)}`;
      case Jpi.Filter: return `?(${this.print(at + this.word(argsAt), false, false)})`;
      case Jpi.Exists: return `exists (${this.print(at + this.word(argsAt), false, false)})`;
      case Jpi.Last: return 'last';
      case Jpi.LikeRegex: return bracketed(this.likeRegex(at, argsAt), printBrackets);
      case Jpi.Decimal: return `.decimal(${this.optional(at, argsAt)}${this.word(argsAt + 4) !== 0 ? ',' : ''}${this.optional(at, argsAt + 4)})`;
      default: throw valueError('jsonpath', `unrecognized jsonpath item type: ${type}`);
    }
  }

  private word(at: number): number {
    return uint32At(this.bytes, at);
  }

  private operand(at: number, offset: number, parent: Jpi): string {
    const type: Jpi = this.bytes[at + offset]!;
    return this.print(at + offset, false, priorityOf(type) <= priorityOf(parent));
  }

  private optional(at: number, argAt: number): string {
    const offset = this.word(argAt);
    return offset === 0 ? '' : this.print(at + offset, false, false);
  }

  private string(argsAt: number): string {
    return this.quoted(argsAt + 4, this.word(argsAt));
  }

  private quoted(at: number, length: number): string {
    if (at + length > this.end) throw valueError('jsonpath', "a string reaches past the value's end");
    return escapeJson(this.context.encoding.decode(this.bytes, at, length));
  }

  /** Since 15 a number that something follows stands in parentheses, so that `1.type()` can be read again. */
  private numeric(argsAt: number, hasNext: boolean): string {
    const header = plainHeaderSize(this.bytes[argsAt]!);
    const text = numericText(this.bytes, argsAt + header, varsizeAny(this.bytes, argsAt) - header);
    return hasNext && this.context.major >= 15 ? `(${text})` : text;
  }

  private subscripts(at: number, argsAt: number): string {
    const parts: string[] = [];
    const count = this.word(argsAt);
    if (argsAt + 4 + count * 8 > this.end) throw valueError('jsonpath', `${count} subscripts do not fit its bytes`);
    for (let i = 0; i < count; i++) {
      const from = this.word(argsAt + 4 + i * 8), to = this.word(argsAt + 8 + i * 8);
      const text = this.print(at + from, false, false);
      parts.push(to === 0 ? text : `${text} to ${this.print(at + to, false, false)}`);
    }
    return `[${parts.join(',')}]`;
  }

  private likeRegex(at: number, argsAt: number): string {
    const flags = this.word(argsAt);
    const letters = REGEX_FLAGS.map(([bit, letter]) => (flags & bit ? letter : '')).join('');
    const text = `${this.operand(at, this.word(argsAt + 4), Jpi.LikeRegex)} like_regex ${this.quoted(argsAt + 12, this.word(argsAt + 8))}`;
    return letters === '' ? text : `${text} flag "${letters}"`;
  }
}

function bracketed(text: string, printBrackets: boolean): string {
  return printBrackets ? `(${text})` : text;
}

function anyBounds(first: number, last: number): string {
  if (first === 0 && last === UINT32_MAX) return '';
  if (first === last) return first === UINT32_MAX ? '{last}' : `{${first}}`;
  if (first === UINT32_MAX) return `{last to ${last}}`;
  return last === UINT32_MAX ? `{${first} to last}` : `{${first} to ${last}}`;
}

export const jsonpathOut: OutputFunction = (bytes, at, length, _type, output) => {
  const path = new PathPrinter(bytes, at + 4, at + length, output.context).print(at + 4, false, true);
  return uint32At(bytes, at) >= JSONPATH_LAX ? path : `strict ${path}`;
};
