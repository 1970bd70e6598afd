/**
 * The relation map: which file a mapped catalog has. pg_filenode.map and RELMAP UPDATE records hold the same bytes.
 * RelMapFile, utils/cache/relmapper.c: 512 bytes to 15, 524 from 16 on.
 */
import { inputError } from '../util/errors.js';
import { crc32c } from './crc32c.js';
import type { PgMajor } from './version.js';

const RELMAPPER_FILEMAGIC = 0x592717;
const ENTRIES_AT = 8;
const ENTRY_BYTES = 8;

/** Relation OID → relation number. */
export type RelMap = Map<number, number>;

/** MAX_MAPPINGS: 62 entries to 15, 64 from 16 on; the CRC follows them. */
function maxMappings(major: PgMajor): number {
  return major >= 16 ? 64 : 62;
}

/** Reads a map and checks its magic, count and CRC. */
export function readRelMap(bytes: Uint8Array, major: PgMajor): RelMap {
  const crcAt = ENTRIES_AT + maxMappings(major) * ENTRY_BYTES;
  if (bytes.length < crcAt + 4) throw inputError('relmap.length', `relation mapping file has ${bytes.length} bytes, not ${crcAt + 4}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getInt32(4, true);
  if (view.getInt32(0, true) !== RELMAPPER_FILEMAGIC || count < 0 || count > maxMappings(major)) {
    throw inputError('relmap.magic', 'relation mapping file contains invalid data');
  }
  if (view.getUint32(crcAt, true) !== crc32c(bytes, 0, crcAt)) throw inputError('relmap.crc', 'relation mapping file contains incorrect checksum');
  const map: RelMap = new Map();
  for (let i = 0; i < count; i++) {
    const at = ENTRIES_AT + i * ENTRY_BYTES;
    map.set(view.getUint32(at, true), view.getUint32(at + 4, true));
  }
  return map;
}
