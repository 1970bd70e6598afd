/**
 * SLRU pages as keys: multixact offsets and members and commit timestamps take part in the key space as pseudo-relations
 * in a tablespace number that PostgreSQL cannot assign. (CLOG has a section of its own in a layer, by value.)
 */
import type { RelFork } from '../pg/relFileLocator.js';
import { upperHex } from '../util/hex.js';

export const SLRU_SPC_OID = 0xffff_ffff;

export const Slru = { multixactOffsets: 1, multixactMembers: 2, commitTs: 3 } as const;
export type Slru = (typeof Slru)[keyof typeof Slru];

/** Folder of each in a data directory. */
export const SLRU_FOLDER: Record<Slru, string> = { 1: 'pg_multixact/offsets', 2: 'pg_multixact/members', 3: 'pg_commit_ts' };

export const SLRU_PAGES_PER_SEGMENT = 32;

export function slruRelation(kind: Slru): RelFork {
  return { spcOid: SLRU_SPC_OID, dbOid: 0, relNumber: kind, fork: 0 };
}

/** File and byte offset of an SLRU page (SlruFileName(), access/transam/slru.c, short names). */
export function slruFile(folder: string, page: number): { path: string; offset: number } {
  const segment = Math.floor(page / SLRU_PAGES_PER_SEGMENT);
  return { path: `${folder}/${upperHex(segment, 4)}`, offset: (page % SLRU_PAGES_PER_SEGMENT) * 8192 };
}
