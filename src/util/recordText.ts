/** Row literals as record_out() prints them, utils/adt/rowtypes.c, PG 13–18. */

/** Empty, or with a character that has a meaning of its own in the literal. isspace() of the C locale: other blanks stand as they are. */
const QUOTED = /^$|["\\(), \t\n\v\f\r]/;

/** A value's text as a field of a row literal. */
export function recordField(text: string): string {
  return QUOTED.test(text) ? `"${text.replace(/["\\]/g, '$&$&')}"` : text;
}

/** A row as one composite literal, as `row::text` prints it. */
export function recordText(values: readonly (string | null)[]): string {
  return `(${values.map((value) => (value === null ? '' : recordField(value))).join(',')})`;
}
