/** A case's inputs that tell of each read: so that a question that nobody waits for any more can be ended at its next one. */
import type { WalBytes } from '../pg/xlogReader.js';
import type { CaseSources } from './caseStore.js';
import type { BaseImages } from './sources.js';

/** The same sources; `onRead` is called before each read, and what it throws goes to the reader. */
export function watchedSources({ wal, backups, files }: CaseSources, onRead: () => void): CaseSources {
  return { files, wal: watchedWal(wal, onRead), backups: backups.map((backup) => watchedImages(backup, onRead)) };
}

function watchedWal(wal: WalBytes, onRead: () => void): WalBytes {
  return {
    segmentSize: wal.segmentSize,
    read(lsn, length) {
      onRead();
      return wal.read(lsn, length);
    },
    readInto: wal.readInto && ((lsn, into) => {
      onRead();
      return wal.readInto!(lsn, into);
    }),
    fileAt: (lsn) => wal.fileAt?.(lsn),
  };
}

function watchedImages(images: BaseImages, onRead: () => void): BaseImages {
  return {
    hintBitsLogged: images.hintBitsLogged, dataChecksums: images.dataChecksums,
    forkBlocks: (rel) => images.forkBlocks(rel),
    readBlock(rel, block, into) {
      onRead();
      return images.readBlock(rel, block, into);
    },
    readFile: (name) => images.readFile(name),
    databaseOids: () => images.databaseOids(),
    forks: () => images.forks(),
  };
}
