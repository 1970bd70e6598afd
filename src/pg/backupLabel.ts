/**
 * backup_label: what a base backup says about itself.
 * build_backup_content(), access/transam/xlogbackup.c (13, 14: do_pg_start_backup() and do_pg_stop_backup(), xlog.c);
 * read_backup_label(), access/transam/xlogrecovery.c.
 */
import { inputError, type WalscopeError } from '../util/errors.js';
import { parseLsn, type Lsn } from '../util/lsn.js';

export interface BackupLabel {
  /** Where recovery begins: the checkpoint's redo pointer. */
  startLsn: Lsn;
  startWalFile: string;
  checkpointLsn: Lsn;
  /** `streamed` (pg_basebackup, and the non-exclusive functions), `pg_start_backup` (exclusive, to 14) or `pg_rewind`. */
  backupMethod: string;
  backupFrom: 'primary' | 'standby';
  /** As printed, in the server's log time zone: `2026-04-06 10:00:00 CEST`. */
  startTime?: string;
  label?: string;
  startTimeline: number;
  /** PG 17+, incremental backups only. */
  incrementalFromLsn?: Lsn;
  incrementalFromTimeline?: number;
}

type Fields = Map<string, string>;

function invalid(file: string, what: string): WalscopeError {
  return inputError('backup.label', `${file}: not a backup label: ${what}`, { file }, 'take backup_label from the backup itself, byte for byte');
}

/** `KEY: value` lines; the value runs to the line's end (a label may hold anything but a line feed). */
function readFields(text: string): Fields {
  const fields: Fields = new Map();
  for (const line of text.split('\n')) {
    const match = /^([A-Z][A-Z ]*): ?(.*?)\r?$/.exec(line);
    if (match && !fields.has(match[1]!)) fields.set(match[1]!, match[2]!);
  }
  return fields;
}

function startLocation(fields: Fields, file: string): { lsn: Lsn; walFile: string; timeline: number } {
  const match = /^([0-9A-F]+\/[0-9A-F]+) \(file ([0-9A-F]{24})\)$/i.exec(fields.get('START WAL LOCATION') ?? '');
  const lsn = match ? parseLsn(match[1]!) : undefined;
  if (!match || lsn === undefined) throw invalid(file, `no valid "START WAL LOCATION" line`);
  return { lsn, walFile: match[2]!.toUpperCase(), timeline: parseInt(match[2]!.slice(0, 8), 16) };
}

function lsnField(fields: Fields, key: string, file: string): Lsn | undefined {
  const text = fields.get(key);
  if (text === undefined) return undefined;
  const lsn = parseLsn(text);
  if (lsn === undefined) throw invalid(file, `"${key}" is no WAL location`);
  return lsn;
}

function timelineField(fields: Fields, key: string, file: string): number | undefined {
  const text = fields.get(key);
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0xffff_ffff) throw invalid(file, `"${key}" is no timeline`);
  return Number(text);
}

/**
 * Reads a backup_label. Throws `backup.label` where the mandatory lines are missing or the timeline disagrees with the WAL file's name.
 * `file` is for messages.
 */
export function parseBackupLabel(text: string, file = 'backup_label'): BackupLabel {
  const fields = readFields(text);
  const start = startLocation(fields, file);
  const checkpointLsn = lsnField(fields, 'CHECKPOINT LOCATION', file);
  if (checkpointLsn === undefined) throw invalid(file, 'no "CHECKPOINT LOCATION" line');
  const startTimeline = timelineField(fields, 'START TIMELINE', file);
  if (startTimeline !== undefined && startTimeline !== start.timeline) {
    throw invalid(file, `its start timeline is ${startTimeline}, but its WAL file ${start.walFile} is of timeline ${start.timeline}`);
  }
  return {
    startLsn: start.lsn,
    startWalFile: start.walFile,
    checkpointLsn,
    backupMethod: fields.get('BACKUP METHOD') ?? '',
    // PostgreSQL, too, takes everything but "standby" as a primary's
    backupFrom: fields.get('BACKUP FROM') === 'standby' ? 'standby' : 'primary',
    startTime: fields.get('START TIME'),
    label: fields.get('LABEL'),
    startTimeline: start.timeline,
    incrementalFromLsn: lsnField(fields, 'INCREMENTAL FROM LSN', file),
    incrementalFromTimeline: timelineField(fields, 'INCREMENTAL FROM TLI', file),
  };
}
