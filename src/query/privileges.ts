/** GRANT and REVOKE that give an object the privileges that it had. Follows aclitem and acldefault(), utils/adt/acl.c, and buildACLCommands() of pg_dump, PG 13–18. */
import type { Relation } from '../catalog/relation.js';
import { qualifyName, quoteIdentifier } from '../util/quote.js';
import type { DatabaseAt } from './session.js';

/** ACL_*, nodes/parsenodes.h, by bit. */
const PRIVILEGES: readonly (readonly [bit: number, name: string])[] = [
  [0, 'INSERT'], [1, 'SELECT'], [2, 'UPDATE'], [3, 'DELETE'], [4, 'TRUNCATE'], [5, 'REFERENCES'], [6, 'TRIGGER'], [7, 'EXECUTE'], [8, 'USAGE'], [9, 'CREATE'], [14, 'MAINTAIN'],
];
/** ACL_ALL_RIGHTS_*, utils/acl.h. */
export const AllRights = { sequence: 0x106, routine: 0x80, type: 0x100, schema: 0x300, largeObject: 0x6 } as const;
/** An array without NULLs, behind its length word. */
const ARRAY_HEADER = 20;
const PUBLIC = 0;

export interface AclItem {
  grantee: number;
  grantor: number;
  granted: number;
  /** Those of `granted` that it may grant itself. */
  grantable: number;
}

/** What privileges are of, and which it has from the start. */
export interface AclTarget {
  /** As GRANT … ON names it: `SEQUENCE shop.ids`. */
  object: string;
  ownerOid: number;
  /** All that there are; the owner has them. */
  all: number;
  /** PUBLIC's from the start. */
  publicRights?: number;
  /** A column's privileges, not the table's. */
  column?: string;
  /** Nobody has any from the start, not even the owner. */
  isFromNothing?: boolean;
}

/** The name of a role; undefined where it is left out. */
export type RoleName = (oid: number) => string | undefined;

/** ACL_ALL_RIGHTS_RELATION: since 17 with MAINTAIN. */
export function tableRights(major: number): number {
  return major >= 17 ? 0x407f : 0x7f;
}

/** Since 16 the rights of an aclitem have 32 bits, before 16. */
export function readAcl(acl: Uint8Array, major: number): AclItem[] {
  const view = new DataView(acl.buffer, acl.byteOffset, acl.length);
  const size = major >= 16 ? 16 : 12;
  const items: AclItem[] = [];
  for (let at = ARRAY_HEADER; at + size <= acl.length; at += size) {
    const rights = view.getUint32(at + 8, true);
    items.push({
      grantee: view.getUint32(at, true), grantor: view.getUint32(at + 4, true),
      granted: major >= 16 ? rights : rights & 0xffff, grantable: major >= 16 ? view.getUint32(at + 12, true) : rights >>> 16,
    });
  }
  return items;
}

/**
 * From the privileges that an object has from the start to those of `items`. What others than the owner granted is granted in their name where
 * `asGrantor`, which takes a superuser; else in that of who runs it.
 */
export function grantStatements(target: AclTarget, items: readonly AclItem[], roleName: RoleName, asGrantor = false): string[] {
  const { object, ownerOid, all, publicRights = 0, column } = target;
  const lines: string[] = [];
  const nameOf = (grantee: number): string | undefined => {
    const role = grantee === PUBLIC ? 'PUBLIC' : roleName(grantee);
    return role === undefined || grantee === PUBLIC ? role : quoteIdentifier(role);
  };
  const isOwners = ({ grantor }: AclItem): boolean => grantor === ownerOid;
  const write = (item: AclItem): void => {
    const to = nameOf(item.grantee), by = isOwners(item) || !asGrantor ? undefined : nameOf(item.grantor);
    if (to === undefined) return;
    const grants = ([[item.granted & ~item.grantable, ''], [item.granted & item.grantable, ' WITH GRANT OPTION']] as const).filter(([rights]) => rights !== 0).map(([rights, option]) => {
      const words = rights === all && column === undefined ? 'ALL' : PRIVILEGES.filter(([bit]) => rights & (1 << bit)).map(([, word]) => `${word}${column === undefined ? '' : `(${column})`}`).join(', ');
      return `GRANT ${words} ON ${object} TO ${to}${option};`;
    });
    lines.push(...(by === undefined ? grants : [`SET SESSION AUTHORIZATION ${by};`, ...grants, 'RESET SESSION AUTHORIZATION;']));
  };
  const fromStart = column !== undefined || target.isFromNothing ? [] : [{ grantee: ownerOid, granted: all }, ...(publicRights === 0 ? [] : [{ grantee: PUBLIC, granted: publicRights }])];
  const unchanged = new Set<AclItem>();
  for (const { grantee, granted } of fromStart) {
    const now = items.find((item) => item.grantee === grantee && isOwners(item));
    const from = nameOf(grantee);
    if (now?.granted === granted && (grantee === ownerOid || now.grantable === 0)) unchanged.add(now);
    else if (from !== undefined) lines.push(`REVOKE ALL ON ${object} FROM ${from};`);
  }
  const rest = items.filter((item) => !unchanged.has(item));
  for (const item of [...rest.filter(isOwners), ...rest.filter((each) => !isOwners(each))]) write(item);
  return lines;
}

/** Of each relation with any: its own privileges, then those of its columns. */
function readAcls({ catalog }: DatabaseAt): Map<number, { column: string | undefined; items: AclItem[] }[]> {
  const { major } = catalog.snapshot;
  const found = new Map<number, { column: string | undefined; items: AclItem[] }[]>();
  const add = (oid: number, acl: Uint8Array, column?: string): void => {
    const items = readAcl(acl, major), ofRelation = found.get(oid);
    if (ofRelation) ofRelation.push({ column, items });
    else found.set(oid, [{ column, items }]);
  };
  catalog.scan('pg_class', (row) => {
    if (!row.isNull('relacl')) add(row.oid('oid'), row.varlena('relacl')!);
  });
  catalog.scan('pg_attribute', (row) => {
    if (!row.isNull('attacl') && !row.bool('attisdropped')) add(row.oid('attrelid'), row.varlena('attacl')!, quoteIdentifier(row.name('attname')));
  });
  return found;
}

/** Statements for a table, view or sequence; roles that `roleName` does not know are left out. None where the owner alone has rights, as from the start. */
export function privilegesOf(database: DatabaseAt, relation: Relation, roleName: RoleName): string[] {
  const target = relationTarget(database, relation);
  const lines: string[] = [];
  for (const { column, items } of database.once(readAcls).get(relation.oid) ?? []) lines.push(...grantStatements({ ...target, column }, items, roleName));
  return lines;
}

/** A table, a view or a sequence. */
export function relationTarget({ catalog }: DatabaseAt, relation: Relation): AclTarget {
  const isSequence = relation.kind === 'S';
  return {
    object: `${isSequence ? 'SEQUENCE ' : ''}${qualifyName(catalog.schemaOf(relation), relation.name)}`, ownerOid: relation.ownerOid,
    all: isSequence ? AllRights.sequence : tableRights(catalog.snapshot.major),
  };
}
