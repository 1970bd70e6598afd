/** Numbers with units, for people. */

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
