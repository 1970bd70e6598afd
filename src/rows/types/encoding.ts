/**
 * Text in the server's encoding to JavaScript strings. Encoding numbers: pg_enc, mb/pg_wchar.h, PG 13–18.
 * Where bytes cannot be converted (SQL_ASCII says nothing of them; a few encodings are in no ICU) a string holds one character a byte,
 * so that writing it as latin1 gives the same bytes back.
 */
import { TextDecoder } from 'node:util';
import { uint32At } from '../bytes.js';

export interface TextDecoding {
  /** PostgreSQL's name: `UTF8`, `SQL_ASCII`, `LATIN1`, … */
  readonly name: string;
  /** How strings that decode() gave become bytes again: UTF-8 for text that was converted, latin1 for bytes that were kept. */
  readonly outputCharset: 'utf8' | 'latin1';
  decode(bytes: Uint8Array, at: number, length: number): string;
}

/** pg_enc by number; the label is what TextDecoder calls it. */
const SERVER_ENCODINGS: readonly (readonly [name: string, label?: string])[] = [
  ['SQL_ASCII'], ['EUC_JP', 'euc-jp'], ['EUC_CN', 'gbk'], ['EUC_KR', 'euc-kr'], ['EUC_TW'], ['EUC_JIS_2004'], ['UTF8', 'utf-8'], ['MULE_INTERNAL'],
  ['LATIN1'], ['LATIN2', 'iso-8859-2'], ['LATIN3', 'iso-8859-3'], ['LATIN4', 'iso-8859-4'], ['LATIN5', 'windows-1254'], ['LATIN6', 'iso-8859-10'],
  ['LATIN7', 'iso-8859-13'], ['LATIN8', 'iso-8859-14'], ['LATIN9', 'iso-8859-15'], ['LATIN10', 'iso-8859-16'], ['WIN1256', 'windows-1256'],
  ['WIN1258', 'windows-1258'], ['WIN866', 'ibm866'], ['WIN874', 'windows-874'], ['KOI8R', 'koi8-r'], ['WIN1251', 'windows-1251'],
  ['WIN1252', 'windows-1252'], ['ISO_8859_5', 'iso-8859-5'], ['ISO_8859_6', 'iso-8859-6'], ['ISO_8859_7', 'iso-8859-7'], ['ISO_8859_8', 'iso-8859-8'],
  ['WIN1250', 'windows-1250'], ['WIN1253', 'windows-1253'], ['WIN1254', 'windows-1254'], ['WIN1255', 'windows-1255'], ['WIN1257', 'windows-1257'],
  ['KOI8U', 'koi8-u'],
];
const PG_SQL_ASCII = 0;
const PG_UTF8 = 6;
const PG_LATIN1 = 8;

/** Node's slices of a Buffer's bytes to a string; they serve any Uint8Array and spare the Buffer. */
interface SliceMethods {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  latin1Slice(this: Uint8Array, start: number, end: number): string;
}
const { utf8Slice, latin1Slice } = Buffer.prototype as unknown as SliceMethods;

/** Below this, joining characters beats a native call. */
const SHORT_TEXT = 12;

/** One character a byte. */
export function decodeLatin1(bytes: Uint8Array, at: number, length: number): string {
  if (length <= SHORT_TEXT) {
    let text = '';
    for (let i = at; i < at + length; i++) text += String.fromCharCode(bytes[i]!);
    return text;
  }
  return latin1Slice.call(bytes, at, at + length);
}

/** True where all bytes are below 0x80. */
function isAscii(bytes: Uint8Array, at: number, length: number): boolean {
  const end = at + length;
  let i = at;
  for (; i + 4 <= end; i += 4) if (uint32At(bytes, i) & 0x8080_8080) return false;
  for (; i < end; i++) if (bytes[i]! & 0x80) return false;
  return true;
}

function decodeUtf8(bytes: Uint8Array, at: number, length: number): string {
  if (length <= SHORT_TEXT) {
    let text = '';
    const end = at + length;
    for (let i = at; i < end; i++) {
      const byte = bytes[i]!;
      if (byte >= 0x80) return utf8Slice.call(bytes, at, end);
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return utf8Slice.call(bytes, at, at + length);
}

const decodings = new Map<number, TextDecoding>();

/** The decoding of a database's encoding (pg_database.encoding). Undefined where PostgreSQL knows no such server encoding. */
export function textDecoding(encoding: number): TextDecoding | undefined {
  let decoding = decodings.get(encoding);
  const entry = SERVER_ENCODINGS[encoding];
  if (!decoding && entry) {
    decoding = makeDecoding(encoding, entry[0], entry[1]);
    decodings.set(encoding, decoding);
  }
  return decoding;
}

function makeDecoding(encoding: number, name: string, label: string | undefined): TextDecoding {
  if (encoding === PG_UTF8) return { name, outputCharset: 'utf8', decode: decodeUtf8 };
  if (encoding === PG_SQL_ASCII) return { name, outputCharset: 'latin1', decode: decodeLatin1 };
  if (encoding === PG_LATIN1) return { name, outputCharset: 'utf8', decode: decodeLatin1 };
  if (label === undefined) return { name, outputCharset: 'latin1', decode: decodeLatin1 };
  const decoder = new TextDecoder(label);
  if (label === 'euc-jp' || label === 'euc-kr' || label === 'gbk') {
    const decode = (bytes: Uint8Array, at: number, length: number): string =>
      isAscii(bytes, at, length) ? decodeLatin1(bytes, at, length) : decoder.decode(bytes.subarray(at, at + length));
    return { name, outputCharset: 'utf8', decode };
  }
  return { name, outputCharset: 'utf8', decode: singleByteDecode(decoder, name) };
}

/** A table of 256 characters. The ISO sets keep the C1 controls, which the web's decoder of LATIN5 replaces by those of Windows. */
function singleByteDecode(decoder: TextDecoder, name: string): TextDecoding['decode'] {
  const isIso = !name.startsWith('WIN') && !name.startsWith('KOI');
  const characters = Array.from({ length: 256 }, (_, byte) =>
    byte < 0x80 || (isIso && byte < 0xa0) ? String.fromCharCode(byte) : decoder.decode(Uint8Array.of(byte)));
  return (bytes, at, length) => {
    if (length > SHORT_TEXT && isAscii(bytes, at, length)) return latin1Slice.call(bytes, at, at + length);
    let text = '';
    for (let i = at; i < at + length; i++) text += characters[bytes[i]!]!;
    return text;
  };
}
