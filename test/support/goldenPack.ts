/** The WAL of the pack that docs/wal-pack.md explains byte by byte: three pages, of which the second is zeros and the third is cut off. */
import type { Lsn } from '../../src/util/lsn.js';
import { WalBuilder } from './walBuilder.js';

const START = 0x1000000;

export const GOLDEN_WAL = { startLsn: START as Lsn, endLsn: (START + 2 * 8192 + 64) as Lsn };

export function goldenWal(): WalBuilder {
  const wal = new WalBuilder({ major: 18, segmentSize: 1 << 20, firstSegment: START >> 20, systemIdentifier: 42n });
  wal.add({ rmid: 10, info: 0, xid: 733, main: Uint8Array.from({ length: 16 }, (_, i) => i + 1) });
  wal.bytes.set(Uint8Array.of(0xca, 0xfe), 2 * 8192);
  return wal;
}
