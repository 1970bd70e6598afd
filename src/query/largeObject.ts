/** The contents of a large object as of a moment: inv_read(), storage/large_object/inv_api.c, PG 13–18. */
import { ExitCode, inputError, WalscopeError } from '../util/errors.js';
import { rowsInIndexOrder } from './indexScan.js';
import type { DatabaseAt } from './session.js';

/** Bytes of a page of pg_largeobject, of which absent ones and what lies past a short one's end read as zeros. */
const LOBLKSIZE = 2048;
const LARGEOBJECT_INDEX_OID = 2683;

/** Hands the contents to `emit` from front to back; gives their length. Usage error where there is no such object at the moment. */
export function readLargeObject(database: DatabaseAt, oid: number, emit: (bytes: Uint8Array) => void): number {
  let exists = false;
  let count = 0;
  database.catalog.scan('pg_largeobject_metadata', (row) => {
    count++;
    if (row.oid('oid') === oid) exists = true;
  });
  if (!exists) {
    throw new WalscopeError('largeobject.unknown', `large object ${oid} does not exist at this moment`, {
      exitCode: ExitCode.usage, hint: count === 0 ? `database "${database.database.name}" has none` : 'walscope asof pg_largeobject_metadata lists those that do',
    });
  }
  const table = database.table('pg_catalog.pg_largeobject');
  const [pageno, data] = ['pageno', 'data'].map((name) => table.columns.findIndex((c) => c.column.name === name));
  let length = 0;
  for (const row of rowsInIndexOrder(database, table, LARGEOBJECT_INDEX_OID, [String(oid)])) {
    const start = Number(row.value(pageno!)) * LOBLKSIZE;
    const bytes = Buffer.from(row.value(data!)!.slice(2), 'hex');
    if (start < length || bytes.length > LOBLKSIZE) throw inputError('largeobject.page', `page ${start / LOBLKSIZE} of large object ${oid} is damaged`);
    for (; length < start; length += Math.min(LOBLKSIZE, start - length)) emit(new Uint8Array(Math.min(LOBLKSIZE, start - length)));
    emit(bytes);
    length += bytes.length;
  }
  return length;
}
