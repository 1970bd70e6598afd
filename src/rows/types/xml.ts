/** xml: xml_out_internal(), parse_xml_decl(), print_xml_decl(), utils/adt/xml.c of a server with libxml, PG 13–18. */
import { textout } from './text.js';
import type { OutputFunction } from './typeInfo.js';

const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:'([^']*)'|"([^"]*)")(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:'[^']*'|"[^"]*"))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:'(yes|no)'|"(yes|no)"))?[ \t\r\n]*\?>/;

/**
 * An XML declaration is written anew: without an encoding, since the client's is another, and not at all where it says nothing but version 1.0;
 * one newline after it goes with it.
 */
export const xmlOut: OutputFunction = (bytes, at, length, type, output) => {
  const text = textout(bytes, at, length, type, output);
  const match = text.startsWith('<?xml') ? DECLARATION.exec(text) : null;
  if (!match) return text.startsWith('\n') ? text.slice(1) : text;
  const rest = text.slice(match[0].length);
  const version = match[1] ?? match[2]!, standalone = match[3] ?? match[4];
  if (version === '1.0' && standalone === undefined) return rest.startsWith('\n') ? rest.slice(1) : rest;
  return `<?xml version="${version}"${standalone === undefined ? '' : ` standalone="${standalone}"`}?>${rest}`;
};
