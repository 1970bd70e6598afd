import type { DatabaseAt } from './session.js';

/** The name of the type, of a domain its base type's: what decides how values look. */
export function baseTypeName(database: DatabaseAt, oid: number): string {
  let type = database.types.type(oid);
  while (type && type.typtype === 'd') type = database.types.type(type.typbasetype);
  return type?.name ?? 'unknown';
}
