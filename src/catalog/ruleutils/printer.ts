/** Text with PostgreSQL's line breaks and indentation: appendContextKeyword(), utils/adt/ruleutils.c, PG 13–18. */
import type { Namespace } from './names.js';
import type { TreeNode } from './nodeTree.js';

export const Indent = { std: 8, join: 4, var: 4 } as const;
const INDENT_LIMIT = 40;

/** deparse_context, what changes from one query level to the next. */
export interface Context {
  /** The innermost first. */
  namespaces: readonly Namespace[];
  /** A view's columns: their names come before those in the query. */
  resultNames: readonly string[] | undefined;
  targetList: readonly TreeNode[];
  windowClause: readonly TreeNode[];
  /** Columns stand with their table. */
  varPrefix: boolean;
  /** PRETTYFLAG_INDENT */
  isIndented: boolean;
  indentLevel: number;
  /** Something outside sees the names of the output columns. */
  colNamesVisible: boolean;
  inGroupBy: boolean;
  varInOrderBy: boolean;
}

export class Printer {
  private buf = '';

  constructor(public context: Context) {}

  get text(): string { return this.buf; }

  add(text: string): this {
    this.buf += text;
    return this;
  }

  /** A keyword, on a line of its own where lines are broken. */
  keyword(word: string, before: number, after: number, plus = 0): this {
    const { context } = this;
    if (!context.isIndented) return this.add(word);
    context.indentLevel += before;
    const { indentLevel } = context;
    const amount = indentLevel < INDENT_LIMIT ? Math.max(0, indentLevel) : (INDENT_LIMIT + Math.trunc((indentLevel - INDENT_LIMIT) / (Indent.std / 2))) % INDENT_LIMIT;
    this.buf = `${this.buf.replace(/ +$/, '')}\n${' '.repeat(amount + plus)}${word}`;
    context.indentLevel = Math.max(0, indentLevel + after);
    return this;
  }

  /** Deeper where lines are broken. */
  indent(levels: number): void {
    if (this.context.isIndented) this.context.indentLevel += levels;
  }

  /** What `write` adds, taken out again. */
  captured(write: () => void): string {
    const saved = this.buf;
    this.buf = '';
    write();
    const text = this.buf;
    this.buf = saved;
    return text;
  }

  /** Adds an element of a list: each but the first on a line of its own. */
  addOnOwnLine(text: string, isFirst: boolean): void {
    if (!this.context.isIndented) return void this.add(text);
    if (text.startsWith('\n')) this.buf = this.buf.replace(/ +$/, '');
    else if (!isFirst) this.keyword('', -Indent.std, Indent.std, Indent.var);
    this.add(text);
  }

  /** Runs `write` with other settings. */
  with(changes: Partial<Context>, write: () => void): void {
    const saved = this.context;
    const inner = { ...saved, ...changes };
    this.context = inner;
    write();
    if (changes.namespaces === undefined) saved.indentLevel = inner.indentLevel;
    this.context = saved;
  }
}
