import { inputError, type WalscopeError } from '../../util/errors.js';

/** A value whose bytes are no value of its type: damaged input, to which the caller adds table, row and column. */
export function valueError(typeName: string, what: string): WalscopeError {
  return inputError('row.value', `invalid ${typeName} value: ${what}`);
}
