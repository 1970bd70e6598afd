/** What `walscope doctor` tells. */
import type { ErrorPlace } from '../util/errors.js';

export interface DoctorFinding {
  /** Stable and machine-readable: `wal.gap`, `layer.crc`, … */
  code: string;
  message: string;
  /** What to do about it. */
  hint: string;
  place: ErrorPlace;
}

export interface DoctorReport {
  /** WAL that was read: bytes, records and segment files. */
  wal: { bytes: number; records: number; segments: number };
  timelines: { timeline: number; start: string; end: string; records: number; endReason: string }[];
  backups: { path: string; files: number; checksums: number; usable: boolean }[];
  layers: { files: number; bytes: number; records: number };
  /** Packed WAL: its files, their bytes, and the WAL that is in them. */
  packs: { files: number; bytes: number; walBytes: number };
  findings: DoctorFinding[];
}
