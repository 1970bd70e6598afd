/** The PostgreSQL majors that walscope reads. */
export const PG_MAJORS = [13, 14, 15, 16, 17, 18] as const;
export type PgMajor = (typeof PG_MAJORS)[number];

/** XLOG_PAGE_MAGIC of each major (access/xlog_internal.h). */
export const XLOG_PAGE_MAGIC: Record<PgMajor, number> = {
  13: 0xd106,
  14: 0xd10d,
  15: 0xd110,
  16: 0xd113,
  17: 0xd116,
  18: 0xd118,
};

export function majorOfMagic(magic: number): PgMajor | undefined {
  return PG_MAJORS.find((major) => XLOG_PAGE_MAGIC[major] === magic);
}
