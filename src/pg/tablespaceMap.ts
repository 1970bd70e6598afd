/**
 * tablespace_map: where each tablespace's directory was when the backup was taken.
 * do_pg_backup_start(), access/transam/xlog.c writes it; read_tablespace_map(), access/transam/xlogrecovery.c (13, 14: xlog.c) reads it.
 */
import { inputError } from '../util/errors.js';
import type { PgMajor } from './version.js';

export interface TablespaceMapEntry {
  oid: number;
  path: string;
}

/**
 * Reads `OID PATH` lines. A backslash escapes a line feed or carriage return in a path and, from 14 on, itself; in 13 any other backslash
 * stands for itself. Throws `backup.tablespace_map` on a line that is no entry or an unterminated last line.
 */
export function parseTablespaceMap(text: string, major: PgMajor, file = 'tablespace_map'): TablespaceMapEntry[] {
  const invalid = (what: string) =>
    inputError('backup.tablespace_map', `${file}: ${what}`, { file }, 'take tablespace_map from the backup itself, byte for byte');
  const entries: TablespaceMapEntry[] = [];
  let line = '';
  let escaped = false;
  for (const ch of text) {
    const isBreak = ch === '\n' || ch === '\r';
    if (!escaped && isBreak) {
      if (line === '') continue;
      const match = /^(\d{1,10}) ([^]+)$/.exec(line);
      const oid = match ? Number(match[1]) : 0;
      if (!match || oid === 0 || oid > 0xffff_ffff) throw invalid(`invalid entry ${JSON.stringify(line)}`);
      entries.push({ oid, path: match[2]! });
      line = '';
    } else if (!escaped && ch === '\\') {
      escaped = true;
    } else {
      if (escaped && major === 13 && !isBreak) line += '\\';
      // in 13 a second backslash may itself precede a line break
      escaped = escaped && major === 13 && ch === '\\';
      if (!escaped) line += ch;
    }
  }
  if (line !== '' || escaped) throw invalid('its last line is not terminated');
  return entries;
}
