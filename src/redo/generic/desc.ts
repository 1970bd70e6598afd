/**
 * What pg_waldump prints of a Generic record.
 * Follows generic_desc() and generic_identify(), access/rmgrdesc/genericdesc.c, PG 13–18.
 */
import { PageError } from '../../pg/page.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';

export function genericIdentify(_info: number): string {
  return 'Generic';
}

/** The regions in the main data; the server keeps its regions in the blocks' data, and so this is empty for all that it writes. */
export function genericDesc(record: XLogRecord): string {
  const regions: string[] = [];
  const end = record.mainAt + record.mainLength;
  for (let at = record.mainAt; at < end;) {
    if (end - at < 4) throw new PageError('a region of the delta is cut short');
    const offset = record.view.getUint16(at, true), length = record.view.getUint16(at + 2, true);
    regions.push(`offset ${offset}, length ${length}`);
    at += 4 + length;
  }
  return regions.join('; ');
}
