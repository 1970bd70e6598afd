/** How keys of a database's types are read, ordered and hashed, as its catalogs of the moment say. */
import { KeyTypes, type KeyLookup } from '../rows/keys/keyTypes.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import type { DatabaseAt } from './session.js';

function make(database: DatabaseAt, isCCollation: KeyLookup['isCCollation']): KeyTypes {
  const { types, catalog, encoding } = database;
  return new KeyTypes({
    type: (oid) => types.type(oid),
    defaultSymbols: (oid) => types.operatorClasses.defaultFunctions(oid),
    range: (oid) => {
      const row = types.range(oid);
      return row && { ...row, order: types.orderFunction(row.opclass), canonical: row.canonical === 0 ? undefined : (types.proc(row.canonical)?.symbol ?? '') };
    },
    enumOid: (type, label) => types.enumOid(type, label),
    enumSortOrder: (label) => types.enumSortOrder(label),
    isCCollation,
    isDeterministicCollation: (oid) => catalog.isDeterministicCollation(oid),
  }, {
    zone: database.session.zone,
    regOid: (kind, text) => types.regOid(kind, text),
    encodeText: (text) => {
      const bytes = encoding.encode(text);
      if (!bytes) throw new WalscopeError('key.encoding', `"${text}" holds a character that ${encoding.name}, the encoding of database "${database.database.name}", does not have`, { exitCode: ExitCode.usage, hint: 'no row can have this key' });
      return bytes;
    },
  });
}

/** As indexes order them: an order that only the platform or ICU knows throws where it is needed. */
export function indexKeyTypes(database: DatabaseAt): KeyTypes {
  return database.once(indexKeys);
}

/** For values that are compared with each other alone: texts are ordered by their bytes, whatever the collation. */
export function bytewiseKeyTypes(database: DatabaseAt): KeyTypes {
  return database.once(bytewiseKeys);
}

const indexKeys = (database: DatabaseAt): KeyTypes => make(database, (oid) => database.isCCollation(oid));
const bytewiseKeys = (database: DatabaseAt): KeyTypes => make(database, () => true);
