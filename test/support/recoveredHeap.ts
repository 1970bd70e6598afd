/** Pages of heaps, visibility maps and sequences as real recovery left them, held byte by byte against pages that our replay made. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PostgresServer } from '../../fixtures/postgres/server.js';
import { BLCKSZ, LP_UNUSED, Page } from '../../src/pg/page.js';
import { DEFAULTTABLESPACE_OID, ForkNumber, GLOBALTABLESPACE_OID, type RelFork } from '../../src/pg/relFileLocator.js';
import { relationPath } from '../../src/pg/relPath.js';
import type { PgMajor } from '../../src/pg/version.js';
import { formatLsn } from '../../src/util/lsn.js';

/** Every table, TOAST table, materialised view and sequence of database postgres, the shared ones too: main fork and map. */
export async function heapForks(server: PostgresServer): Promise<RelFork[]> {
  const rows = await server.sql<{ shared: boolean; db: number; node: number; sequence: boolean }>(`
    SELECT relisshared AS shared, (SELECT oid::int FROM pg_database WHERE datname = current_database()) AS db,
      pg_relation_filenode(oid)::int AS node, relkind = 'S' AS sequence
    FROM pg_class WHERE relkind IN ('r', 't', 'm', 'S') AND relpersistence = 'p' AND reltablespace IN (0, ${GLOBALTABLESPACE_OID})`);
  return rows.flatMap(({ shared, db, node, sequence }) => {
    const rel = { spcOid: shared ? GLOBALTABLESPACE_OID : DEFAULTTABLESPACE_OID, dbOid: shared ? 0 : db, relNumber: node };
    const forks = sequence ? [ForkNumber.main] : [ForkNumber.main, ForkNumber.vm];
    return forks.map((fork) => ({ ...rel, fork }));
  });
}

export interface HeapComparison {
  mainPages: number;
  vmPages: number;
  /** Map pages with at least one bit set. */
  vmPagesWithBits: number;
  /** `1663/5/16384 block 3 byte 14: …`. */
  differences: string[];
}

/** What recovery and we may differ in: the checksum, and what lies in unused space and in the padding of items. */
function hideUnused(page: Page, isMap: boolean): void {
  page.pdChecksum = 0;
  if (isMap || page.isNew) return;
  page.bytes.fill(0, page.pdLower, page.pdUpper);
  for (let n = page.maxOffset; n >= 1; n--) {
    if (page.lpFlags(n) === LP_UNUSED || page.lpLen(n) === 0) continue;
    const end = page.lpOff(n) + page.lpLen(n);
    page.bytes.fill(0, end, (end + 7) & ~7);
  }
}

/** Compares every block of every fork that real recovery left: hint bits, LSNs and page flags included. */
export function compareWithRecovered(major: PgMajor, dataDir: string, forks: readonly RelFork[], pageOf: (rel: RelFork, block: number) => Page | undefined): HeapComparison {
  const result: HeapComparison = { mainPages: 0, vmPages: 0, vmPagesWithBits: 0, differences: [] };
  for (const rel of forks) {
    const path = join(dataDir, relationPath(rel, major));
    if (!existsSync(path)) continue;
    const file = readFileSync(path);
    const isMap = rel.fork === ForkNumber.vm;
    for (let block = 0; block * BLCKSZ < file.length; block++) {
      const real = new Page(Uint8Array.from(file.subarray(block * BLCKSZ, (block + 1) * BLCKSZ)));
      const ours = new Page((pageOf(rel, block) ?? new Page()).bytes.slice());
      if (isMap) {
        result.vmPages++;
        if (real.bytes.some((byte, at) => at >= 24 && byte !== 0)) result.vmPagesWithBits++;
      } else {
        result.mainPages++;
      }
      const lsns = `${formatLsn(ours.lsn)} for ${formatLsn(real.lsn)}`;
      for (const page of [ours, real]) hideUnused(page, isMap);
      const at = ours.bytes.findIndex((byte, i) => byte !== real.bytes[i]);
      if (at !== -1) result.differences.push(`${relationPath(rel, major)} block ${block} byte ${at}: ${ours.bytes[at]} for ${real.bytes[at]}, LSN ${lsns}`);
    }
  }
  return result;
}
