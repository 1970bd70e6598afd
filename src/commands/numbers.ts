/** Numbers on the command line. */
import { ExitCode, WalscopeError } from '../util/errors.js';

export interface NumberBounds {
  from: number;
  to: number;
  /** What the hint suggests. */
  example: number;
}

/** A whole number, within bounds where there are any; a usage error where it is none. */
export function wholeNumber(text: string, option: string, bounds?: NumberBounds): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (bounds ? value >= bounds.from && value <= bounds.to : !Number.isNaN(value)) return value;
  throw new WalscopeError('usage.number', `${option} needs a number${bounds ? ` from ${bounds.from} to ${bounds.to}` : ''}, not "${text}"`, { exitCode: ExitCode.usage, hint: `write ${option} ${bounds?.example ?? 10}` });
}
