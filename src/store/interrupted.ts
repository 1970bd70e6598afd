import { ExitCode, WalscopeError } from '../util/errors.js';

/** What ^C makes of a run, of one that only reads where nothing else is said. */
export function interrupted(hint = 'nothing was changed; run it again'): WalscopeError {
  return new WalscopeError('interrupted', 'interrupted', { exitCode: ExitCode.interrupted, hint });
}

/** What ^C makes of a run that keeps what it has done. */
export function interruptedToResume(): WalscopeError {
  return interrupted('run the same command again: it resumes where it stopped');
}
