/** OIDs that are the same in every cluster: of the system catalogs (pg_class.oid of each), and of two schemas. */

export const PG_TYPE = 1247;
export const PG_ATTRIBUTE = 1249;
export const PG_PROC = 1255;
export const PG_CLASS = 1259;
export const PG_DATABASE = 1262;
export const PG_AM = 2601;
export const PG_ATTRDEF = 2604;
export const PG_CAST = 2605;
export const PG_CONSTRAINT = 2606;
export const PG_INDEX = 2610;
export const PG_INHERITS = 2611;
export const PG_NAMESPACE = 2615;
export const PG_REWRITE = 2618;
export const PG_TRIGGER = 2620;
export const PG_EXTENSION = 3079;
export const PG_POLICY = 3256;
export const PG_STATISTIC_EXT = 3381;
export const PG_TRANSFORM = 3576;

/** Schemas, as in pg_namespace.oid. */
export const PG_CATALOG = 11;
export const PUBLIC = 2200;

/** Whether the default search path finds what is in a schema. */
export function isSearched(namespaceOid: number): boolean {
  return namespaceOid === PG_CATALOG || namespaceOid === PUBLIC;
}
