/** Numbers with units, for people. */
import { ExitCode, WalscopeError } from '../util/errors.js';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `8192 B`, `1.2 MB`: as pg_size_pretty, with one decimal below ten. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 10240 || (unit > 0 && value >= 1024)) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]!}`;
}

/** A whole number with its thousands set apart: `1,234,567`. (`toLocaleString` would load ICU's tables first, which takes 10 ms.) */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `512MB`, `2 GB`, `1048576`: units of 1024 as in postgresql.conf. Usage error for anything else. */
export function parseBytes(text: string, option: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB)?\s*$/i.exec(text);
  const unit = UNITS.findIndex((name) => name.toLowerCase() === (match?.[2] ?? 'B').toLowerCase());
  if (!match || unit < 0) throw new WalscopeError('usage.bytes', `${option}: "${text}" is not a size`, { exitCode: ExitCode.usage, hint: `write ${option} 512MB` });
  return Math.round(Number(match[1]) * 1024 ** unit);
}
