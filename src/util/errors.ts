/** The exit codes of the command line, as its contract lists them. */
export const ExitCode = {
  done: 0,
  bug: 1,
  usage: 2,
  input: 3,
  outsideCoverage: 4,
  partial: 5,
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Where in the input a fault lies; every field is optional because not every fault has every place. */
export interface ErrorPlace {
  file?: string;
  /** Byte offset in `file`. */
  offset?: number;
  /** Printed form, `0/3A2F10`. */
  lsn?: string;
  rmgr?: string;
  block?: string;
}

/**
 * Bad input or a question that cannot be answered: one line that says what is wrong and what to do.
 * `code` is stable and machine-readable (`wal.crc`, `moment.future`, …). A bug of ours is a plain Error instead.
 */
export class WalscopeError extends Error {
  override readonly name = 'WalscopeError';
  constructor(
    readonly code: string,
    message: string,
    readonly options: {
      exitCode?: ExitCode;
      /** What the user can do next, a clause without a full stop. */
      hint?: string;
      place?: ErrorPlace;
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
  }

  get exitCode(): ExitCode {
    return this.options.exitCode ?? ExitCode.input;
  }

  toJSON(): Record<string, unknown> {
    return { code: this.code, message: this.message, hint: this.options.hint, exitCode: this.exitCode, ...this.options.place };
  }
}

/** Damaged or unreadable input (exit 3). */
export function inputError(code: string, message: string, place?: ErrorPlace, hint?: string): WalscopeError {
  return new WalscopeError(code, message, { exitCode: ExitCode.input, place, hint });
}

/** An assertion about our own code: failing it is a bug (exit 1), never bad input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
