/** Wording that several managers' descriptions share. Follows access/rmgrdesc/rmgrdesc_utils.c and standbydesc.c. */

/** `0x%02X` */
export function hexFlags(flags: number): string {
  return `0x${flags.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** array_desc(), with the blank that it begins with. */
export function arrayDesc(count: number, element: (index: number) => string): string {
  const texts: string[] = [];
  for (let i = 0; i < count; i++) texts.push(element(i));
  return ` [${texts.join(', ')}]`;
}

/** sizeof(SharedInvalidationMessage) */
export const SIZE_OF_INVALIDATION_MESSAGE = 16;

/** One SharedInvalidationMessage (storage/sinval.h): an id byte, then a database and a relation, catalog or hash value. */
function invalidationDesc(view: DataView, at: number): string {
  const id = view.getInt8(at);
  if (id >= 0) return ` catcache ${id}`;
  switch (id) {
    case -1: return ` catalog ${view.getUint32(at + 8, true)}`;
    case -2: return ` relcache ${view.getUint32(at + 8, true)}`;
    case -3: return ' smgr';
    case -4: return ` relmap db ${view.getUint32(at + 4, true)}`;
    case -5: return ` snapshot ${view.getUint32(at + 8, true)}`;
    case -6: return ` relsync ${view.getUint32(at + 8, true)}`;
    default: return ` unrecognized id ${id}`;
  }
}

/** standby_desc_invalidations(): empty where there are no messages. */
export function invalidationsDesc(
  view: DataView, msgsAt: number, nmsgs: number, dbId: number, tsId: number, relcacheInitFileInval: boolean,
): string {
  if (nmsgs <= 0) return '';
  let text = relcacheInitFileInval ? `; relcache init file inval dbid ${dbId} tsid ${tsId}` : '';
  text += '; inval msgs:';
  for (let i = 0; i < nmsgs; i++) text += invalidationDesc(view, msgsAt + i * SIZE_OF_INVALIDATION_MESSAGE);
  return text;
}
