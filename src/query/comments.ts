/** Comments on objects as of a moment: pg_description. */
import { quoteLiteral } from '../util/quote.js';
import { objectKey, type ObjectKey } from './objectKey.js';
import type { DatabaseAt } from './session.js';

/** An object's own (0), and those of its columns. */
export function commentsOf(database: DatabaseAt, classOid: number, oid: number): ReadonlyMap<number, string> {
  return database.once(readComments).get(objectKey(classOid, oid)) ?? new Map();
}

function readComments(database: DatabaseAt): Map<ObjectKey, Map<number, string>> {
  const found = new Map<ObjectKey, Map<number, string>>();
  database.catalog.scan('pg_description', (row) => {
    const key = objectKey(row.oid('classoid'), row.oid('objoid'));
    const comments = found.get(key) ?? new Map<number, string>();
    found.set(key, comments.set(row.int4('objsubid'), row.text('description') ?? ''));
  });
  return found;
}

/** COMMENT ON, where the object has one; `what`: `INDEX shop.i`, `TRIGGER t ON shop.orders`. */
export function commentOn(database: DatabaseAt, classOid: number, oid: number, what: string): string[] {
  const text = commentsOf(database, classOid, oid).get(0);
  return text === undefined ? [] : [`COMMENT ON ${what} IS ${quoteLiteral(text)};`];
}
