/**
 * `INCREMENTAL.<name>` in an incremental backup (PG 17+): the blocks of a relation's segment file that changed since the backup before it.
 * sendFile(), backup/basebackup.c, writes it; make_incremental_rfile(), bin/pg_combinebackup/reconstruct.c, reads it.
 *
 *   u32 magic · u32 number of blocks · u32 truncation length in blocks · that many u32 block numbers · zeros up to a multiple of the block
 *   size, where there are blocks · the blocks' pages, in that order
 *
 * All numbers in the server's byte order: little-endian.
 */
import { inputError, type WalscopeError } from '../util/errors.js';
import { BLCKSZ } from './page.js';
import { RELSEG_SIZE } from './relFilePath.js';

export const INCREMENTAL_PREFIX = 'INCREMENTAL.';
const INCREMENTAL_MAGIC = 0xd3ae1f0d;
const FIXED_BYTES = 12;

export interface IncrementalFile {
  /** Where the page of each block begins in the file. */
  readonly pages: ReadonlyMap<number, number>;
  /** Blocks below it that the file does not hold are those of the backup before. */
  readonly truncationBlocks: number;
  /** The length of the segment file that it stands for, in blocks. */
  readonly blocks: number;
}

/** The most bytes that the part before the pages can have. */
export const MAX_INCREMENTAL_HEADER = Math.ceil((FIXED_BYTES + 4 * RELSEG_SIZE) / BLCKSZ) * BLCKSZ;

/**
 * Reads what stands before the pages. `head`: the file's first MAX_INCREMENTAL_HEADER bytes, or all it has; `bytes`: its whole length.
 * Throws `backup.increment` where it is damaged.
 */
export function parseIncrementalFile(head: Uint8Array, bytes: number, file: string): IncrementalFile {
  const invalid = (what: string): WalscopeError => inputError('backup.increment', `${file}: ${what}`, { file }, 'fetch the backup again: it is damaged; pg_verifybackup names what differs');
  if (head.length < FIXED_BYTES) throw invalid('it is too short for an incremental file');
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const magic = view.getUint32(0, true);
  if (magic !== INCREMENTAL_MAGIC) throw invalid(`its magic number is ${magic.toString(16)}, not ${INCREMENTAL_MAGIC.toString(16)}`);
  const count = view.getUint32(4, true);
  const truncationBlocks = view.getUint32(8, true);
  if (count > RELSEG_SIZE || truncationBlocks > RELSEG_SIZE) throw invalid(`${Math.max(count, truncationBlocks)} blocks are more than a segment file has`);
  const listEnd = FIXED_BYTES + 4 * count;
  const pagesAt = count === 0 ? listEnd : Math.ceil(listEnd / BLCKSZ) * BLCKSZ;
  if (bytes !== pagesAt + count * BLCKSZ) throw invalid(`it has ${bytes} bytes, ${pagesAt + count * BLCKSZ} by the ${count} blocks that it names`);
  const pages = new Map<number, number>();
  let blocks = truncationBlocks;
  for (let i = 0; i < count; i++) {
    const block = view.getUint32(FIXED_BYTES + 4 * i, true);
    if (block >= RELSEG_SIZE) throw invalid(`block ${block} is beyond a segment file's end`);
    pages.set(block, pagesAt + i * BLCKSZ);
    blocks = Math.max(blocks, block + 1);
  }
  return { pages, truncationBlocks, blocks };
}
