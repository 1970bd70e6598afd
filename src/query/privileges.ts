/** GRANT and REVOKE that give a relation the privileges that it had: pg_class.relacl and pg_attribute.attacl. */
import type { Relation } from '../catalog/relation.js';
import { qualifyName, quoteIdentifier } from '../util/quote.js';
import type { DatabaseAt } from './session.js';

/** ACL_*, nodes/parsenodes.h, by bit. */
const PRIVILEGES: readonly (readonly [bit: number, name: string])[] = [
  [0, 'INSERT'], [1, 'SELECT'], [2, 'UPDATE'], [3, 'DELETE'], [4, 'TRUNCATE'], [5, 'REFERENCES'], [6, 'TRIGGER'], [8, 'USAGE'], [14, 'MAINTAIN'],
];
/** An array without NULLs, behind its length word. */
const ARRAY_HEADER = 20;
const PUBLIC = 0;

interface AclItem {
  grantee: number;
  granted: number;
  /** Those of `granted` that it may grant itself. */
  grantable: number;
}

/** Since 16 the rights of an aclitem have 32 bits, before 16. */
function readAcl(acl: Uint8Array, major: number): AclItem[] {
  const view = new DataView(acl.buffer, acl.byteOffset, acl.length);
  const size = major >= 16 ? 16 : 12;
  const items: AclItem[] = [];
  for (let at = ARRAY_HEADER; at + size <= acl.length; at += size) {
    const rights = view.getUint32(at + 8, true);
    items.push({ grantee: view.getUint32(at, true), granted: major >= 16 ? rights : rights & 0xffff, grantable: major >= 16 ? view.getUint32(at + 12, true) : rights >>> 16 });
  }
  return items;
}

/** Statements for a table, view or sequence; roles that `roleName` does not know are left out. None where the owner alone has rights, as from the start. */
export function privilegesOf(database: DatabaseAt, relation: Relation, roleName: (oid: number) => string | undefined): string[] {
  const { catalog } = database;
  const { major } = catalog.snapshot;
  const name = qualifyName(catalog.schemaOf(relation), relation.name);
  const all = relation.kind === 'S' ? 0x106 : major >= 17 ? 0x407f : 0x7f;
  const lines: string[] = [];
  const write = ({ grantee, granted, grantable }: AclItem, column: string): void => {
    const role = grantee === PUBLIC ? 'PUBLIC' : roleName(grantee);
    if (role === undefined) return;
    const to = role === 'PUBLIC' && grantee === PUBLIC ? role : quoteIdentifier(role);
    const grant = (rights: number, option: string): void => {
      const words = rights === all && column === '' ? 'ALL' : PRIVILEGES.filter(([bit]) => rights & (1 << bit)).map(([, word]) => `${word}${column}`).join(', ');
      if (rights !== 0) lines.push(`GRANT ${words} ON ${relation.kind === 'S' ? 'SEQUENCE ' : ''}${name} TO ${to}${option};`);
    };
    if (column === '' && grantee === relation.ownerOid) {
      if (granted === all) return;
      lines.push(`REVOKE ALL ON ${relation.kind === 'S' ? 'SEQUENCE ' : ''}${name} FROM ${to};`);
    }
    grant(granted & ~grantable, '');
    grant(granted & grantable, ' WITH GRANT OPTION');
  };
  catalog.scan('pg_class', (row) => {
    if (row.oid('oid') !== relation.oid || row.isNull('relacl')) return;
    const items = readAcl(row.varlena('relacl')!, major);
    if (!items.some(({ grantee }) => grantee === relation.ownerOid)) items.unshift({ grantee: relation.ownerOid, granted: 0, grantable: 0 });
    for (const item of items) write(item, '');
  });
  catalog.scan('pg_attribute', (row) => {
    if (row.oid('attrelid') !== relation.oid || row.isNull('attacl') || row.bool('attisdropped')) return;
    for (const item of readAcl(row.varlena('attacl')!, major)) write(item, `(${quoteIdentifier(row.name('attname'))})`);
  });
  return lines;
}
