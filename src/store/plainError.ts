/** Errors that cross threads. */
import { WalscopeError, type ErrorPlace, type ExitCode } from '../util/errors.js';

/** A failure as it crosses threads. */
export interface PlainError {
  code: string;
  message: string;
  exitCode: ExitCode;
  hint?: string;
  place?: ErrorPlace;
}

/** An expected failure as plain data; a bug of ours is thrown on. */
export function plainError(error: unknown): PlainError {
  if (error instanceof WalscopeError) return { code: error.code, message: error.message, exitCode: error.exitCode, hint: error.options.hint, place: error.options.place };
  throw error;
}

export function reviveError(error: PlainError): WalscopeError {
  return new WalscopeError(error.code, error.message, { exitCode: error.exitCode, hint: error.hint, place: error.place });
}
