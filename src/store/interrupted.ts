import { ExitCode, WalscopeError } from '../util/errors.js';

/** What ^C makes of work that only reads. */
export function interrupted(): WalscopeError {
  return new WalscopeError('interrupted', 'interrupted', { exitCode: ExitCode.interrupted, hint: 'nothing was changed; run it again' });
}
