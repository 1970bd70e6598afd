/** A base backup as uncompressed tars: read in place through a table of offsets. */
import { closeSync, fstatSync } from 'node:fs';
import { isNeededPath } from './backupFiles.js';
import { IndexedBackup } from './indexedBackup.js';
import { openInput, readInput } from './inputFile.js';
import { BackupEntryPaths, tablespaceLink } from './tarEntryPaths.js';
import { scanTar, type TarFile, type TarSet } from './tarFiles.js';

interface TarPlace {
  fd: number;
  offset: number;
  bytes: number;
}

export class TarBackup extends IndexedBackup<TarPlace> {
  readonly form = 'tar';
  private readonly fds: number[] = [];

  /** Scans all headers. Throws what scanTar() does, and `tar.link`. */
  constructor(root: string, set: TarSet) {
    super(root);
    try {
      for (const tar of set.tars) this.addTar(tar);
      if (set.manifest !== undefined) this.addPlain(set.manifest);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private addTar(tar: TarFile): void {
    const fd = openInput(tar.path);
    this.fds.push(fd);
    const paths = new BackupEntryPaths(tar);
    for (const entry of scanTar(fd, tar.path)) {
      const path = paths.of(entry);
      if (entry.type === 'symlink') {
        const oid = tablespaceLink(tar, entry, path);
        if (oid !== undefined) this.links.set(oid, entry.target);
      } else if (entry.type === 'file' && isNeededPath(path)) {
        this.files.set(path, { fd, offset: entry.offset, bytes: entry.bytes });
      }
    }
  }

  private addPlain(path: string): void {
    const fd = openInput(path);
    this.fds.push(fd);
    this.files.set('backup_manifest', { fd, offset: 0, bytes: fstatSync(fd).size });
  }

  protected readAt(place: TarPlace, position: number, length: number, into: Uint8Array, at: number): number {
    return readInput(place.fd, this.root, place.offset + position, length, into, at);
  }

  close(): void {
    for (const fd of this.fds.splice(0)) closeSync(fd);
  }
}
