/**
 * COPY's escapes over values that were printed into a buffer, in place: for dumps of whole tables, where strings cost more than the rest.
 * The same bytes as src/output/copy.ts gives for the same text; CopyAttributeOutText() and CopyAttributeOutCSV(), commands/copyto.c, PG 13–18.
 */
import type { ByteSink, FieldForm } from '../util/byteSink.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function flags(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = 1;
  return table;
}

const CSV_SPECIAL = flags('",\n\r');
const CSV_SPECIAL_ALONE = flags('",\n\r\\');

/** The letter after the backslash, by byte; 0: none is needed. */
const COPY_LETTER = new Uint8Array(256);
for (const [byte, letter] of ['\bb', '\ff', '\nn', '\rr', '\tt', '\vv', '\\\\']) COPY_LETTER[byte!.charCodeAt(0)] = letter!.charCodeAt(0);
const COPY_SPECIAL = COPY_LETTER.map((letter) => (letter === 0 ? 0 : 1));

/**
 * Makes `sink.bytes` from `from` on, a value's text, a CSV field: quoted where it is empty, holds a quote, a comma or a line's end, or is
 * a lone `\.` in a file of one column.
 */
export function quoteCsvField(sink: ByteSink, from: number, isOnlyColumn: boolean): void {
  const end = sink.length;
  const bytes = sink.bytes;
  let i = from;
  while (i < end && CSV_SPECIAL[bytes[i]!] === 0) i++;
  const isEndMarker = isOnlyColumn && end - from === 2 && bytes[from] === BACKSLASH && bytes[from + 1] === 0x2e;
  if (i === end && end > from && !isEndMarker) return;
  let quotes = 0;
  for (; i < end; i++) if (bytes[i] === QUOTE) quotes++;
  sink.reserve(quotes + 2);
  const into = sink.bytes;
  let to = sink.length = end + quotes + 2;
  into[--to] = QUOTE;
  for (let read = end - 1; read >= from; read--) {
    const byte = into[read]!;
    into[--to] = byte;
    if (byte === QUOTE) into[--to] = QUOTE;
  }
  into[from] = QUOTE;
}

/** Makes `sink.bytes` from `from` on, a value's text, a field of COPY's text format. */
export function escapeCopyField(sink: ByteSink, from: number): void {
  const end = sink.length;
  const bytes = sink.bytes;
  let escapes = 0;
  for (let i = from; i < end; i++) if (COPY_LETTER[bytes[i]!] !== 0) escapes++;
  if (escapes === 0) return;
  sink.reserve(escapes);
  const into = sink.bytes;
  let to = sink.length = end + escapes;
  for (let read = end - 1; read >= from; read--) {
    const byte = into[read]!;
    const letter = COPY_LETTER[byte]!;
    into[--to] = letter === 0 ? byte : letter;
    if (letter !== 0) into[--to] = BACKSLASH;
  }
}

const COMMA = 0x2c;
const TAB = 0x09;
const NO_BYTES = new Uint8Array(0);
const COPY_NULL = Uint8Array.of(BACKSLASH, 0x4e);

/** How fields stand in the rows of a format; undefined for those that are not written as bytes. */
export function fieldForm(format: string, columnCount: number): FieldForm | undefined {
  const isOnlyColumn = columnCount === 1;
  switch (format) {
    case 'csv': return { delimiter: COMMA, nullText: NO_BYTES, special: isOnlyColumn ? CSV_SPECIAL_ALONE : CSV_SPECIAL, escape: (sink, from) => quoteCsvField(sink, from, isOnlyColumn) };
    case 'copy': return { delimiter: TAB, nullText: COPY_NULL, special: COPY_SPECIAL, escape: escapeCopyField };
    default: return undefined;
  }
}
