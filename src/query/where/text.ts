/** Text as PostgreSQL compares and changes it: by bytes, by code points, LIKE. */
import { ValueError } from './source.js';

/** Orders two strings as the bytes of their UTF-8 do (UTF-16 units alone would misplace what lies beyond U+FFFF). */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i), y = b.charCodeAt(i);
    if (x !== y) return bytewiseRank(x) - bytewiseRank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF, so they sort after U+E000…U+FFFF. */
function bytewiseRank(unit: number): number {
  return unit < 0xd800 ? unit : unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/** char(n)'s value without the blanks that pad it. */
export function trimBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0x20) end--;
  return end === text.length ? text : text.slice(0, end);
}

/** The number of characters (code points). */
export function characterLength(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) length--;
  return length;
}

/** lower() and upper(): ASCII alone under the C collation, else character by character, never changing their number. */
export function changeCase(text: string, direction: 'lower' | 'upper', asciiOnly: boolean): string {
  const change = (s: string): string => (direction === 'lower' ? s.toLowerCase() : s.toUpperCase());
  if (asciiOnly) return text.replace(/[A-Za-z]+/g, change);
  if (Buffer.byteLength(text) === text.length) return change(text);
  let result = '';
  for (const c of text) {
    const changed = change(c);
    result += characterLength(changed) === 1 ? changed : (SIMPLE_CASES[direction].get(c) ?? c);
  }
  return result;
}

const IOTA_SUBSCRIPTS = 'ᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾳῃῳ';
const IOTA_SUBSCRIPT_CAPITALS = 'ᾈᾉᾊᾋᾌᾍᾎᾏᾘᾙᾚᾛᾜᾝᾞᾟᾨᾩᾪᾫᾬᾭᾮᾯᾼῌῼ';
/** Unicode's simple mappings where its full ones, JavaScript's, give several characters. */
const SIMPLE_CASES = {
  lower: new Map([['İ', 'i']]),
  upper: new Map([...IOTA_SUBSCRIPTS].map((c, i) => [c, IOTA_SUBSCRIPT_CAPITALS[i]!])),
};

type LikeStep = string | typeof ANY_ONE | typeof ANY_STRING;
const ANY_ONE = Symbol('_');
const ANY_STRING = Symbol('%');

/**
 * Compiles a LIKE pattern (MatchText(), utils/adt/like_match.c). `escape`: the escape character, '' for none.
 * Throws ValueError where the pattern ends with it.
 */
export function compileLike(pattern: string, escape = '\\'): (text: string) => boolean {
  const steps: LikeStep[] = [];
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i]!;
    if (c === escape) {
      const next = characters[++i];
      if (next === undefined) throw new ValueError('LIKE pattern must not end with escape character');
      steps.push(next);
    } else if (c === '%') {
      if (steps[steps.length - 1] !== ANY_STRING) steps.push(ANY_STRING);
    } else {
      steps.push(c === '_' ? ANY_ONE : c);
    }
  }
  return simpleLike(steps) ?? ((text) => matchLike([...text], steps));
}

/** The common forms, `abc`, `abc%`, `%abc` and `%abc%`, without a walk. */
function simpleLike(steps: readonly LikeStep[]): ((text: string) => boolean) | undefined {
  const opens = steps[0] === ANY_STRING, closes = steps.length > (opens ? 1 : 0) && steps[steps.length - 1] === ANY_STRING;
  const middle = steps.slice(opens ? 1 : 0, closes ? -1 : undefined);
  if (middle.some((step) => typeof step !== 'string')) return undefined;
  const literal = middle.join('');
  if (opens && closes) return (text) => text.includes(literal);
  if (opens) return (text) => text.endsWith(literal);
  return closes ? (text) => text.startsWith(literal) : (text) => text === literal;
}

/** Greedy with one point of return: the last `%`. */
function matchLike(text: readonly string[], steps: readonly LikeStep[]): boolean {
  let t = 0, s = 0, lastAny = -1, resumeAt = 0;
  while (t < text.length) {
    const step = steps[s];
    if (step === ANY_STRING) {
      lastAny = s++;
      resumeAt = t;
    } else if (step !== undefined && (step === ANY_ONE || step === text[t])) {
      s++;
      t++;
    } else if (lastAny !== -1) {
      s = lastAny + 1;
      t = ++resumeAt;
    } else {
      return false;
    }
  }
  while (steps[s] === ANY_STRING) s++;
  return s === steps.length;
}

/** like_escape()'s check: the escape string is empty or one character. */
export function checkEscape(escape: string): string {
  if (characterLength(escape) > 1) throw new ValueError('invalid escape string: it must be empty or one character');
  return escape;
}
