/** Fork numbers (common/relpath.h). */
export const ForkNumber = { main: 0, fsm: 1, vm: 2, init: 3 } as const;
export type ForkNumber = (typeof ForkNumber)[keyof typeof ForkNumber];
export const FORK_NAMES = ['main', 'fsm', 'vm', 'init'] as const;

export const DEFAULTTABLESPACE_OID = 1663;
export const GLOBALTABLESPACE_OID = 1664;

/** Physical identity of a relation (storage/relfilelocator.h). dbOid 0: shared. */
export interface RelFileLocator {
  spcOid: number;
  dbOid: number;
  relNumber: number;
}

/** One fork of a relation: the unit that has a size. */
export interface RelFork extends RelFileLocator {
  fork: number;
}

export function sameRelation(a: RelFileLocator, b: RelFileLocator): boolean {
  return a.relNumber === b.relNumber && a.dbOid === b.dbOid && a.spcOid === b.spcOid;
}

/** `1663/16384/16402` and `1663/16384/16402_vm`: for messages and reports. */
export function formatRelFork(rel: RelFork): string {
  return `${rel.spcOid}/${rel.dbOid}/${rel.relNumber}${rel.fork === 0 ? '' : `_${FORK_NAMES[rel.fork] ?? rel.fork}`}`;
}
