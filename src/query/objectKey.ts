/** Objects of a database by catalog and OID, as pg_depend and pg_description name them. */

/** In a key, the catalog of the shells of base types, which pg_depend does not tell from the types. */
export const SHELL_OF_TYPE = 0;

export type ObjectKey = `${number} ${number}`;

export function objectKey(classOid: number, oid: number): ObjectKey {
  return `${classOid} ${oid}`;
}
