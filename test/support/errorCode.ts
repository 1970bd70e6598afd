import { expect } from 'vitest';
import { WalscopeError } from '../../src/util/errors.js';

/** The code of the input error (exit 3) that something threw: one line that says what to do next. Throws on what is no WalscopeError. */
export function inputErrorCode(error: unknown): string {
  if (!(error instanceof WalscopeError)) throw error;
  expect(error.message).not.toContain('\n');
  expect(error.options.hint).toBeTruthy();
  expect(error.exitCode).toBe(3);
  return error.code;
}

/** The code of the input error that `work` throws, or `nothing thrown`. */
export function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return inputErrorCode(error);
  }
  return 'nothing thrown';
}
