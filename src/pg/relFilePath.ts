/**
 * Relation files, one for each GB of a fork, as paths below the data directory (relPath.ts names the forks).
 * _mdfd_segpath(), storage/smgr/md.c; parse_filename_for_nontemp_relation(), storage/file/reinit.c, PG 13–18.
 */
import { DEFAULTTABLESPACE_OID, ForkNumber, FORK_NAMES, GLOBALTABLESPACE_OID, type RelFork } from './relFileLocator.js';
import { relationPath } from './relPath.js';
import type { PgMajor } from './version.js';

/** Blocks in one relation segment file (RELSEG_SIZE at the default 1 GB). */
export const RELSEG_SIZE = 131072;

export interface RelFilePath {
  rel: RelFork;
  /** Which 1 GB file of the fork: 0 has no suffix. */
  segment: number;
}

const NUMBER = '([1-9]\\d{0,9})';
const FILE = `${NUMBER}(?:_(fsm|vm|init))?(?:\\.${NUMBER})?`;
const GLOBAL = new RegExp(`^global/${FILE}$`);
const BASE = new RegExp(`^base/${NUMBER}/${FILE}$`);
const TABLESPACE = new RegExp(`^pg_tblspc/${NUMBER}/PG_[0-9]+_[0-9]+/${NUMBER}/${FILE}$`);

/** Which fork and segment a path is; undefined for any other file, temporary relations (`t3_16385`) among them. */
export function parseRelFilePath(path: string): RelFilePath | undefined {
  let match = BASE.exec(path);
  if (match) return relFile(DEFAULTTABLESPACE_OID, Number(match[1]), match, 2);
  match = GLOBAL.exec(path);
  if (match) return relFile(GLOBALTABLESPACE_OID, 0, match, 1);
  match = TABLESPACE.exec(path);
  return match ? relFile(Number(match[1]), Number(match[2]), match, 3) : undefined;
}

function relFile(spcOid: number, dbOid: number, match: RegExpExecArray, at: number): RelFilePath | undefined {
  const relNumber = Number(match[at]);
  const segment = match[at + 2] === undefined ? 0 : Number(match[at + 2]);
  if (relNumber > 0xffff_ffff || dbOid > 0xffff_ffff || spcOid > 0xffff_ffff || segment > 0xffff_ffff / RELSEG_SIZE) return undefined;
  const fork = match[at + 1] === undefined ? ForkNumber.main : FORK_NAMES.indexOf(match[at + 1] as 'vm');
  return { rel: { spcOid, dbOid, relNumber, fork }, segment };
}

/** The path of one segment file of a fork: relationPath() with its 1 GB suffix. */
export function relFilePath(rel: RelFork, segment: number, major: PgMajor): string {
  return segment === 0 ? relationPath(rel, major) : `${relationPath(rel, major)}.${segment}`;
}
