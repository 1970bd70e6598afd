/** Sizes as options give them. */
import { ExitCode, WalscopeError } from './errors.js';

const UNITS: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Reads `512MB`, `1g`, `65536`: binary multiples, as PostgreSQL's settings. A usage error for anything else. */
export function parseByteSize(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)i?b?$/i.exec(text.trim());
  if (!match) throw new WalscopeError('usage.size', `${option}: "${text}" is not a size`, { exitCode: ExitCode.usage, hint: 'write it as 256MB or 1GB' });
  return Math.floor(Number(match[1]) * UNITS[match[2]!.toLowerCase()]!);
}
