/** A row as one composite literal, as `row::text` prints it: record_out(), utils/adt/rowtypes.c. */
export function recordText(values: readonly (string | null)[]): string {
  return `(${values.map((value) => (value === null ? '' : field(value))).join(',')})`;
}

function field(value: string): string {
  if (value !== '' && !/["\\(),\s]/.test(value)) return value;
  return `"${value.replace(/["\\]/g, '$&$&')}"`;
}
