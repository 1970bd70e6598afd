/** What tars and packs have in common: a table of all files, in memory. */
import type { Finding } from '../util/finding.js';
import { tablespacePath, type BackupFile, type BackupFiles } from './backupFiles.js';

/** `Place`: what the form needs to find a file's first byte. */
export abstract class IndexedBackup<Place extends { bytes: number }> implements BackupFiles {
  abstract readonly form: 'tar' | 'pack';
  readonly links = new Map<number, string>();
  readonly findings: Finding[] = [];
  protected readonly files = new Map<string, Place>();
  private databases: Map<string, Set<number>> | undefined;

  constructor(readonly root: string) {}

  /** Reads within a file: `position + length` is at most its size. */
  protected abstract readAt(place: Place, position: number, length: number, into: Uint8Array, at: number): number;
  abstract close(): void;

  size(path: string): number | undefined {
    return this.files.get(path)?.bytes;
  }

  read(path: string, position: number, length: number, into: Uint8Array, at = 0): number {
    const place = this.files.get(path);
    if (!place) throw new Error(`${this.root} has no ${path}`);
    const wanted = Math.min(length, place.bytes - position);
    return wanted <= 0 ? 0 : this.readAt(place, position, wanted, into, at);
  }

  *list(): Iterable<BackupFile> {
    for (const path of [...this.files.keys()].sort()) yield { path, bytes: this.files.get(path)!.bytes };
  }

  tablespaceOids(): number[] {
    const oids = new Set<number>();
    for (const path of this.files.keys()) {
      const inTablespace = tablespacePath(path);
      if (inTablespace) oids.add(inTablespace.oid);
    }
    return [...oids].sort((a, b) => a - b);
  }

  databaseOids(directory: string): number[] {
    this.databases ??= this.findDatabases();
    return [...(this.databases.get(directory) ?? [])].sort((a, b) => a - b);
  }

  private findDatabases(): Map<string, Set<number>> {
    const databases = new Map<string, Set<number>>();
    for (const path of this.files.keys()) {
      const match = /^(base|pg_tblspc\/\d+\/[^/]+)\/([1-9]\d{0,9})\//.exec(path);
      if (!match) continue;
      const oids = databases.get(match[1]!);
      if (oids) oids.add(Number(match[2]));
      else databases.set(match[1]!, new Set([Number(match[2])]));
    }
    return databases;
  }
}
