/**
 * backup_manifest: the files of a base backup with their checksums, and the WAL that it needs.
 * backend/backup/backup_manifest.c (13, 14: replication/) writes it; common/parse_manifest.c reads it.
 */
import { createHash } from 'node:crypto';
import { inputError, type WalscopeError } from '../util/errors.js';
import { parseLsn, type Lsn } from '../util/lsn.js';

export interface ManifestFile {
  /** Relative to the data directory; tablespaces as `pg_tblspc/OID/…`. */
  path: string;
  bytes: number;
  /** `CRC32C`, `SHA256`, …; absent where the backup was taken without checksums. */
  checksumAlgorithm?: string;
  /** Hexadecimal. */
  checksum?: string;
}

export interface ManifestWalRange {
  timeline: number;
  startLsn: Lsn;
  endLsn: Lsn;
}

export interface BackupManifest {
  version: 1 | 2;
  /** From version 2 on (PG 17). */
  systemIdentifier?: bigint;
  files: ManifestFile[];
  walRanges: ManifestWalRange[];
}

type Invalid = (what: string) => WalscopeError;

/**
 * Reads a manifest and checks the SHA-256 of its lines against its last one.
 * Throws `backup.manifest` where it is damaged or of a version we do not know.
 */
export function parseBackupManifest(bytes: Uint8Array, file = 'backup_manifest'): BackupManifest {
  const invalid: Invalid = (what) =>
    inputError('backup.manifest', `${file}: ${what}`, { file }, 'the backup may be damaged: check it with pg_verifybackup');
  // The digest covers every line but the last; the last one ends with a line feed.
  const lastLineAt = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1;
  if (bytes.length === 0 || bytes[bytes.length - 1] !== 0x0a || lastLineAt === 0) throw invalid('the manifest is cut off');
  const parsed = parseJson(bytes, invalid);
  const expected = parsed['Manifest-Checksum'];
  if (typeof expected !== 'string') throw invalid('the manifest has no checksum');
  if (createHash('sha256').update(bytes.subarray(0, lastLineAt)).digest('hex') !== expected.toLowerCase()) {
    throw invalid('the manifest does not match its own checksum');
  }
  const version = parsed['PostgreSQL-Backup-Manifest-Version'];
  if (version !== 1 && version !== 2) throw invalid(`manifest version ${JSON.stringify(version)} is not known`);
  const { Files: files, 'WAL-Ranges': ranges } = parsed;
  if (!Array.isArray(files) || !Array.isArray(ranges)) throw invalid('the manifest lists no files or no WAL ranges');
  return {
    version,
    systemIdentifier: version === 2 ? systemIdentifier(bytes, invalid) : undefined,
    files: files.map((f) => manifestFile(f, invalid)),
    walRanges: ranges.map((r) => walRange(r, invalid)),
  };
}

function parseJson(bytes: Uint8Array, invalid: Invalid): Record<string, unknown> {
  try {
    return object(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), invalid);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) throw invalid('the manifest is no JSON');
    throw error;
  }
}

function object(value: unknown, invalid: Invalid): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('an object was expected');
  return value as Record<string, unknown>;
}

/** A 64-bit number, which JSON.parse would round: read from the text, where it stands on a line of its own. */
function systemIdentifier(bytes: Uint8Array, invalid: Invalid): bigint {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 4096));
  const match = /"System-Identifier"\s*:\s*(\d{1,20})/.exec(head);
  if (!match) throw invalid('the manifest has no system identifier');
  return BigInt(match[1]!);
}

function manifestFile(value: unknown, invalid: Invalid): ManifestFile {
  const entry = object(value, invalid);
  const bytes = entry['Size'];
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) throw invalid('a file has no valid size');
  const algorithm = entry['Checksum-Algorithm'];
  const checksum = entry['Checksum'];
  return {
    path: manifestPath(entry, invalid),
    bytes,
    checksumAlgorithm: typeof algorithm === 'string' ? algorithm : undefined,
    checksum: typeof checksum === 'string' ? checksum : undefined,
  };
}

function manifestPath(entry: Record<string, unknown>, invalid: Invalid): string {
  const path = entry['Path'];
  if (typeof path === 'string') return path;
  const encoded = entry['Encoded-Path'];
  if (typeof encoded !== 'string' || !/^([0-9a-f]{2})*$/i.test(encoded)) throw invalid('a file has no valid path');
  return Buffer.from(encoded, 'hex').toString('latin1');
}

function walRange(value: unknown, invalid: Invalid): ManifestWalRange {
  const entry = object(value, invalid);
  const timeline = entry['Timeline'];
  const startLsn = parseLsn(String(entry['Start-LSN']));
  const endLsn = parseLsn(String(entry['End-LSN']));
  if (typeof timeline !== 'number' || startLsn === undefined || endLsn === undefined) throw invalid('a WAL range is not valid');
  return { timeline, startLsn, endLsn };
}
