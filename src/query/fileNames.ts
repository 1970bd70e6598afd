/** Relations by the number of their file. */
import type { Relation } from '../catalog/relation.js';
import { relationName } from './ddl.js';
import type { DatabaseAt } from './session.js';

export interface FileName {
  relation: Relation;
  name: string;
  bareName: string;
  schema: string;
}

const NAMES = new WeakMap<DatabaseAt, Map<number, FileName>>();

export function fileNames(database: DatabaseAt): Map<number, FileName> {
  let names = NAMES.get(database);
  if (!names) {
    names = new Map();
    for (const relation of database.catalog.relations.values()) {
      if (relation.locator.relNumber === 0) continue;
      names.set(relation.locator.relNumber, { relation, name: relationName(database, relation), bareName: relation.name, schema: database.catalog.schemaOf(relation) });
    }
    NAMES.set(database, names);
  }
  return names;
}
