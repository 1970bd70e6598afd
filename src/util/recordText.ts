/** Row literals as record_out() prints them and record_in() reads them, utils/adt/rowtypes.c, PG 13–18. */

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

/**
 * A field of a row literal, or a bound of a range literal (range_parse_bound(), utils/adt/rangetypes.c), that begins at `at` and ends before one
 * of the characters `ends`; null where it is empty, which means NULL, or no bound. Undefined where the text ends within it.
 */
export function readField(text: string, at: number, ends: string): { value: string | null; at: number } | undefined {
  if (at < text.length && ends.includes(text[at]!)) return { value: null, at };
  let value = '', isQuoted = false;
  for (let i = at; i < text.length; i++) {
    const c = text[i]!;
    if (!isQuoted && ends.includes(c)) return { value, at: i };
    if (c === '\\' || (c === '"' && isQuoted && text[i + 1] === '"')) {
      if (++i === text.length) return undefined;
      value += text[i]!;
    } else if (c === '"') isQuoted = !isQuoted;
    else value += c;
  }
  return undefined;
}

/** record_in(): the texts of a row literal's fields, as many as `count`; undefined where it is none such. */
export function parseRecordText(text: string, count: number): (string | null)[] | undefined {
  const [, body] = /^[ \t-\r]*\(([^]*)\)[ \t-\r]*$/.exec(text) ?? [];
  if (body === undefined) return undefined;
  const fields: (string | null)[] = [];
  const inner = `${body})`;
  for (let at = 0; fields.length < count; at++) {
    const field = readField(inner, at, ',)');
    if (!field) return undefined;
    fields.push(field.value);
    at = field.at;
    if ((inner[at] === ')') !== (fields.length === count)) return undefined;
    if (fields.length === count && at !== inner.length - 1) return undefined;
  }
  return count > 0 || body.trim() === '' ? fields : undefined;
}
