/** The text of a `--where` expression, and errors that point into it as psql's do. */
import { ExitCode, WalscopeError } from '../../util/errors.js';

/** A value that an input function or an operator refuses; the place in the expression is added where it is known. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}

/** The expression's text; offsets are in UTF-16 code units from its start. */
export class WhereSource {
  constructor(readonly text: string) {}

  /**
   * A usage error (exit 2): the message, the line that holds `at`, and a caret under it. `code`: `where.syntax`, `where.column`,
   * `where.type`, `where.value` or `where.unsupported`.
   */
  fail(code: string, message: string, at?: number, hint?: string): WalscopeError {
    return new WalscopeError(code, at === undefined ? message : `${message}\n${this.pointTo(at)}`, { exitCode: ExitCode.usage, hint });
  }

  private pointTo(at: number): string {
    const place = Math.min(Math.max(at, 0), this.text.length);
    const lineStart = this.text.lastIndexOf('\n', place - 1) + 1;
    const lineEnd = this.text.indexOf('\n', place);
    const line = this.text.slice(lineStart, lineEnd === -1 ? undefined : lineEnd);
    const lineNumber = this.text.slice(0, lineStart).split('\n').length;
    const prefix = `LINE ${lineNumber}: `;
    // tabs are kept, so that the caret stands under its character whatever their width
    const indent = line.slice(0, place - lineStart).replace(/[^\t]/g, ' ');
    return `${prefix}${line}\n${' '.repeat(prefix.length)}${indent}^`;
  }
}
