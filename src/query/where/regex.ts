/**
 * PostgreSQL's regular expressions (`~`, SIMILAR TO) as JavaScript's, where both mean the same; everything else is refused by name.
 * Whether a text matches at all does not depend on greediness, so only the syntax has to be carried over.
 * Follows the ARE syntax of regex/regc_lex.c and similar_escape_internal() (utils/adt/regexp.c), PG 13–18.
 */
import { ValueError } from './source.js';
import { changeCase } from './text.js';

const CLASSES: Record<string, { ascii: string; unicode: string }> = {
  alpha: { ascii: 'A-Za-z', unicode: '\\p{L}' },
  digit: { ascii: '0-9', unicode: '\\p{Nd}' },
  alnum: { ascii: 'A-Za-z0-9', unicode: '\\p{L}\\p{Nd}' },
  upper: { ascii: 'A-Z', unicode: '\\p{Lu}' },
  lower: { ascii: 'a-z', unicode: '\\p{Ll}' },
  space: { ascii: ' \\t\\n\\v\\f\\r', unicode: '\\s' },
  blank: { ascii: ' \\t', unicode: ' \\t' },
  punct: { ascii: '!-\\/:-@\\[-`\\{-~', unicode: '\\p{P}\\p{S}' },
  xdigit: { ascii: '0-9A-Fa-f', unicode: '0-9A-Fa-f' },
  cntrl: { ascii: '\\x00-\\x1f\\x7f', unicode: '\\p{Cc}' },
};
const CHARACTER_ESCAPES: Record<string, string> = { n: '\\n', t: '\\t', r: '\\r', f: '\\f', v: '\\v', a: '\\x07', e: '\\x1b', 0: '\\x00' };
const UNSAFE = /[\\^$.*+?()[\]{}|/]/;

function refuse(what: string): ValueError {
  return new ValueError(`regular expression: ${what} is not supported here`);
}

function bad(pattern: string, what: string): ValueError {
  return new ValueError(`invalid regular expression: ${what} in "${pattern}"`);
}

/**
 * Compiles an advanced regular expression. `asciiOnly`: the C collation, whose classes know ASCII alone.
 * Throws ValueError for syntax that is wrong, or that JavaScript would read otherwise.
 */
export function compileRegex(pattern: string, ignoreCase: boolean, asciiOnly: boolean): (text: string) => boolean {
  if (pattern.startsWith('***')) throw refuse('a *** director');
  if (/^\(\?[a-z]+\)/.test(pattern)) throw refuse('an embedded option (?…)');
  // JavaScript ignores the case of all letters or of none: for ASCII alone, pattern and text are both made lower
  const foldsAscii = ignoreCase && asciiOnly;
  const translated = new Translator(pattern, asciiOnly, foldsAscii).run();
  try {
    const compiled = new RegExp(translated, ignoreCase && !asciiOnly ? 'sui' : 'su');
    return foldsAscii ? (text) => compiled.test(changeCase(text, 'lower', true)) : (text) => compiled.test(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw bad(pattern, 'syntax');
    throw error;
  }
}

class Translator {
  private at = 0;
  private out = '';
  private depth = 0;
  /** Whether something precedes that a quantifier can apply to. */
  private hasAtom = false;

  constructor(private readonly pattern: string, private readonly asciiOnly: boolean, private readonly foldsAscii: boolean) {}

  /** A character of the pattern that stands for itself. */
  private literal(c: string): string {
    const folded = this.foldsAscii ? changeCase(c, 'lower', true) : c;
    return UNSAFE.test(folded) ? `\\${folded}` : folded;
  }

  private classOf(name: string): string {
    // a text that has been made lower has no capitals left to find
    return CLASSES[this.foldsAscii && name === 'upper' ? 'lower' : name]![this.asciiOnly ? 'ascii' : 'unicode'];
  }

  run(): string {
    while (this.at < this.pattern.length) this.step();
    if (this.depth !== 0) throw bad(this.pattern, 'parentheses () not balanced');
    return this.out;
  }

  private step(): void {
    const c = String.fromCodePoint(this.pattern.codePointAt(this.at)!);
    switch (c) {
      case '\\': return this.escape();
      case '[': return this.bracket();
      case '(': return this.group();
      case ')':
        // a parenthesis that closes nothing is an ordinary one in PostgreSQL's basic flavour alone
        if (--this.depth < 0) throw bad(this.pattern, 'parentheses () not balanced');
        return this.emit(')', true);
      case '|': case '^': return this.emit(c, false);
      case '$': return this.emit('$', false);
      case '*': case '+': case '?': return this.quantifier(c);
      case '{': return this.bound();
      case '.': return this.emit('.', true);
      default: return this.emit(this.literal(c), true, c.length);
    }
  }

  private emit(text: string, isAtom: boolean, length = 1): void {
    this.out += text;
    this.hasAtom = isAtom;
    this.at += length;
  }

  private quantifier(text: string, length = text.length): void {
    if (!this.hasAtom) throw bad(this.pattern, 'quantifier operand invalid');
    this.at += length;
    this.out += text;
    if (this.pattern[this.at] === '?') {
      this.out += '?';
      this.at++;
    }
    this.hasAtom = false;
  }

  private bound(): void {
    const match = /^\{(\d+)(,(\d*))?\}/.exec(this.pattern.slice(this.at));
    if (!match) {
      if (/^\{\d/.test(this.pattern.slice(this.at))) throw bad(this.pattern, 'invalid repetition count(s)');
      return this.emit('\\{', true);
    }
    if (Number(match[1]) > 255 || Number(match[3] || 0) > 255 || (match[3] && Number(match[3]) < Number(match[1]))) {
      throw bad(this.pattern, 'invalid repetition count(s)');
    }
    this.quantifier(match[0]);
  }

  private group(): void {
    this.depth++;
    const head = /^\((\?[:=!]|\?<[=!])?/.exec(this.pattern.slice(this.at))!;
    if (head[1]?.startsWith('?<')) throw refuse('a look-behind');
    if (!head[1] && this.pattern[this.at + 1] === '?') throw bad(this.pattern, 'quantifier operand invalid');
    this.emit(head[1] ? head[0] : '(?:', false, head[0].length);
  }

  private escape(): void {
    const c = this.pattern[this.at + 1];
    if (c === undefined) throw bad(this.pattern, 'invalid escape \\ sequence');
    if (/[1-9]/.test(c)) throw refuse('a back reference');
    const shorthand = this.shorthand(c);
    if (shorthand !== undefined) return this.emit(/[dws]/.test(c) ? `[${shorthand}]` : `[^${shorthand}]`, true, 2);
    if (c in CHARACTER_ESCAPES) return this.emit(CHARACTER_ESCAPES[c]!, true, 2);
    if (c === 'A') return this.emit('^', false, 2);
    if (c === 'Z') return this.emit('$', false, 2);
    const word = `[${this.shorthand('w')!}]`;
    if (c === 'm') return this.emit(`(?<!${word})(?=${word})`, false, 2);
    if (c === 'M') return this.emit(`(?<=${word})(?!${word})`, false, 2);
    if (c === 'y') return this.emit(`(?:(?<!${word})(?=${word})|(?<=${word})(?!${word}))`, false, 2);
    const hex = /^\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))/.exec(this.pattern.slice(this.at));
    if (hex) return this.emit(`\\u{${parseInt(hex[1] ?? hex[2]!, 16).toString(16)}}`, true, hex[0].length);
    if (/[A-Za-z0-9]/.test(c)) throw refuse(`the escape \\${c}`);
    const character = String.fromCodePoint(this.pattern.codePointAt(this.at + 1)!);
    this.emit(this.literal(character), true, 1 + character.length);
  }

  /** The inside of the class that \d, \w or \s stands for. */
  private shorthand(c: string): string | undefined {
    switch (c.toLowerCase()) {
      case 'd': return this.classOf('digit');
      case 's': return this.classOf('space');
      case 'w': return `${this.classOf('alnum')}_`;
      default: return undefined;
    }
  }

  /** The hyphen of a range. Made lower, a range from a capital to something else would be another one. */
  private rangeHyphen(from: string, to: string): string {
    if (this.foldsAscii && /[A-Z]/.test(from) !== /[A-Z]/.test(to)) throw refuse(`the range ${from}-${to} without regard to case`);
    return '-';
  }

  private bracket(): void {
    const p = this.pattern;
    let i = this.at + 1;
    let out = '[';
    if (p[i] === '^') {
      out += '^';
      i++;
    }
    for (let isFirst = true; ; isFirst = false) {
      const c = p[i];
      if (c === undefined) throw bad(p, 'brackets [] not balanced');
      if (c === ']' && !isFirst) break;
      if (c === '[' && (p[i + 1] === ':' || p[i + 1] === '.' || p[i + 1] === '=')) {
        const match = /^\[:([a-z]+):\]/.exec(p.slice(i));
        if (!match) throw refuse('a collating element [. .] or [= =]');
        if (!(match[1]! in CLASSES)) throw bad(p, 'invalid character class');
        out += this.classOf(match[1]!);
        i += match[0].length;
      } else if (c === '\\') {
        const next = p[i + 1] ?? '';
        const shorthand = /[dsw]/.test(next) ? this.shorthand(next) : CHARACTER_ESCAPES[next];
        if (shorthand === undefined && /[A-Za-z0-9]/.test(next)) throw refuse(`the escape \\${next} in brackets`);
        if (next === '') throw bad(p, 'invalid escape \\ sequence');
        out += shorthand ?? (/[\]\\[^{}()|/-]/.test(next) ? `\\${next}` : next);
        i += 2;
      } else {
        const character = String.fromCodePoint(p.codePointAt(i)!);
        // a hyphen keeps its meaning: a range between two, itself at either end
        if (c === '-') out += isFirst || p[i + 1] === ']' ? '\\-' : this.rangeHyphen(p[i - 1]!, p[i + 1] ?? '');
        else out += this.literal(character);
        i += character.length;
      }
    }
    this.emit(`${out}]`, true, i + 1 - this.at);
  }
}

/** similar_to_escape(): a SIMILAR TO pattern as an advanced regular expression over the whole text. */
export function similarToRegex(pattern: string, escape = '\\'): string {
  let out = '^(?:';
  let inBracket = false;
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i]!;
    if (c === escape) {
      const next = characters[++i];
      if (next === undefined) throw new ValueError('SIMILAR TO pattern must not end with escape character');
      if (next === '"') throw refuse('an escape-double-quote separator');
      out += `\\${next}`;
    } else if (inBracket) {
      out += c === '\\' ? '\\\\' : c;
      if (c === ']') inBracket = false;
    } else if (c === '[') {
      inBracket = true;
      out += c;
    } else if (c === '%') {
      out += '.*';
    } else if (c === '_') {
      out += '.';
    } else if (c === '(') {
      out += '(?:';
    } else {
      out += c === '\\' || c === '.' || c === '^' || c === '$' ? `\\${c}` : c;
    }
  }
  return `${out})$`;
}
