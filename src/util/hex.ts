/** A whole number, at least 0, as C's %0*X writes it: the names of files, and pg_waldump's text. */
export function upperHex(n: number, digits: number): string {
  return n.toString(16).toUpperCase().padStart(digits, '0');
}
