/**
 * Text in the server's encoding to JavaScript strings. Encoding numbers: pg_enc, mb/pg_wchar.h, PG 13–18.
 * Where bytes cannot be converted (SQL_ASCII says nothing of them; a few encodings are in no ICU) a string holds one character a byte,
 * so that writing it as latin1 gives the same bytes back.
 */
import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { uint16BigEndianAt, uint32At } from '../bytes.js';
import { EUC_EXCEPTIONS, SINGLE_BYTE_CHARACTERS } from './encodingTables.js';

export interface TextDecoding {
  /** PostgreSQL's name: `UTF8`, `SQL_ASCII`, `LATIN1`, … */
  readonly name: string;
  /** How strings that decode() gave become bytes again: UTF-8 for text that was converted, latin1 for bytes that were kept. */
  readonly outputCharset: 'utf8' | 'latin1';
  /** The stored bytes are already those that decoding and writing in `outputCharset` would give. */
  readonly isOutputForm: boolean;
  decode(bytes: Uint8Array, at: number, length: number): string;
  /** The bytes that decode() gives this string for; undefined where the encoding lacks one of its characters. */
  encode(text: string): Uint8Array | undefined;
}

/** What somebody typed, as decode() would give it: where bytes are kept, the characters of its UTF-8 bytes. */
export function typedText(decoding: TextDecoding, text: string): string {
  return decoding.outputCharset === 'utf8' ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** What decode() gave, for output in UTF-8: bytes that were kept, as the UTF-8 that they may be. */
export function shownText(decoding: TextDecoding, text: string): string {
  if (decoding.outputCharset === 'utf8') return text;
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : text;
}

/** Strings in the order of their code points are in the order of their bytes. */
export function isOrderedAsUnicode(decoding: TextDecoding): boolean {
  return decoding.isOutputForm || decoding.name === 'LATIN1';
}

/** pg_enc by number. */
const SERVER_ENCODINGS = [
  'SQL_ASCII', 'EUC_JP', 'EUC_CN', 'EUC_KR', 'EUC_TW', 'EUC_JIS_2004', 'UTF8', 'MULE_INTERNAL', 'LATIN1', 'LATIN2', 'LATIN3', 'LATIN4', 'LATIN5', 'LATIN6',
  'LATIN7', 'LATIN8', 'LATIN9', 'LATIN10', 'WIN1256', 'WIN1258', 'WIN866', 'WIN874', 'KOI8R', 'WIN1251', 'WIN1252', 'ISO_8859_5', 'ISO_8859_6', 'ISO_8859_7',
  'ISO_8859_8', 'WIN1250', 'WIN1253', 'WIN1254', 'WIN1255', 'WIN1257', 'KOI8U',
] as const;
/** What TextDecoder calls the encodings of several bytes a character that it knows. */
const EUC_LABELS: Readonly<Record<string, string>> = { EUC_JP: 'euc-jp', EUC_CN: 'gbk', EUC_KR: 'euc-kr' };
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

/** pg_enc of UTF8, mb/pg_wchar.h. */
export const PG_UTF8 = 6;

/** The decoding of a database's encoding (pg_database.encoding). Undefined where PostgreSQL knows no such server encoding. */
export function textDecoding(encoding: number): TextDecoding | undefined {
  let decoding = decodings.get(encoding);
  const name = SERVER_ENCODINGS[encoding];
  if (!decoding && name !== undefined) {
    decoding = makeDecoding(name);
    decodings.set(encoding, decoding);
  }
  return decoding;
}

function makeDecoding(name: string): TextDecoding {
  if (name === 'UTF8') return { name, outputCharset: 'utf8', isOutputForm: true, decode: decodeUtf8, encode: (text) => new Uint8Array(Buffer.from(text, 'utf8')) };
  if (name === 'LATIN1') return { name, outputCharset: 'utf8', isOutputForm: false, decode: decodeLatin1, encode: encodeLatin1 };
  const characters = SINGLE_BYTE_CHARACTERS[name];
  if (characters !== undefined) return converted(name, singleByteDecode(characters), singleBytes);
  const label = EUC_LABELS[name];
  if (label !== undefined) return converted(name, eucDecode(new TextDecoder(label), EUC_EXCEPTIONS[name]!), eucSequences);
  return { name, outputCharset: 'latin1', isOutputForm: true, decode: decodeLatin1, encode: encodeLatin1 };
}

function encodeLatin1(text: string): Uint8Array | undefined {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return undefined;
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** An encoding whose way back is found by decoding every character that it may have, when it is first needed. */
function converted(name: string, decode: TextDecoding['decode'], sequences: () => Iterable<Uint8Array>): TextDecoding {
  let back: Map<string, Uint8Array> | undefined;
  const encode = (text: string): Uint8Array | undefined => {
    if (!back) {
      back = new Map();
      for (const bytes of sequences()) {
        const character = decode(bytes, 0, bytes.length);
        // the shortest sequence comes first, and stays
        if (!character.includes('\ufffd') && !back.has(character)) back.set(character, bytes);
      }
    }
    const pieces: Uint8Array[] = [];
    for (const character of text) {
      const bytes = back.get(character);
      if (!bytes) return undefined;
      pieces.push(bytes);
    }
    return new Uint8Array(Buffer.concat(pieces));
  };
  return { name, outputCharset: 'utf8', isOutputForm: false, decode, encode };
}

const SS2 = 0x8e;
const SS3 = 0x8f;
const ASCII_END = 0x80;
const G1_FIRST = 0xa1;
const G1_LAST = 0xfe;

function* singleBytes(): Iterable<Uint8Array> {
  for (let byte = 0; byte < 0x100; byte++) yield Uint8Array.of(byte);
}

/** ASCII, code set 1, then what follows SS2 (one byte) and SS3 (two). */
function* eucSequences(): Iterable<Uint8Array> {
  for (let byte = 0; byte < ASCII_END; byte++) yield Uint8Array.of(byte);
  for (let row = G1_FIRST; row <= G1_LAST; row++) for (let cell = G1_FIRST; cell <= G1_LAST; cell++) yield Uint8Array.of(row, cell);
  for (let byte = G1_FIRST; byte <= G1_LAST; byte++) yield Uint8Array.of(SS2, byte);
  for (let row = G1_FIRST; row <= G1_LAST; row++) for (let cell = G1_FIRST; cell <= G1_LAST; cell++) yield Uint8Array.of(SS3, row, cell);
}

function singleByteDecode(upper: string): TextDecoding['decode'] {
  const table = Array.from({ length: 256 - upper.length }, (_, byte) => String.fromCharCode(byte)).concat(Array.from(upper));
  return (bytes, at, length) => {
    if (length > SHORT_TEXT && isAscii(bytes, at, length)) return latin1Slice.call(bytes, at, at + length);
    let text = '';
    for (let i = at; i < at + length; i++) text += table[bytes[i]!]!;
    return text;
  };
}

/** Decodes runs between the characters that PostgreSQL sees otherwise. */
function eucDecode(decoder: TextDecoder, exceptions: ReadonlyMap<number, string>): TextDecoding['decode'] {
  return (bytes, at, length) => {
    if (isAscii(bytes, at, length)) return decodeLatin1(bytes, at, length);
    const end = at + length;
    let text = '', runAt = at;
    for (let i = at; i < end;) {
      const lead = bytes[i]!;
      const size = lead < 0x80 ? 1 : lead === SS3 ? 3 : 2;
      const exception = lead < 0x80 || lead === SS2 ? undefined : exceptions.get(size === 3 ? (lead << 16) | uint16BigEndianAt(bytes, i + 1) : uint16BigEndianAt(bytes, i));
      if (exception !== undefined) {
        text += decoder.decode(bytes.subarray(runAt, i)) + exception;
        runAt = i + size;
      }
      i += size;
    }
    return text + decoder.decode(bytes.subarray(runAt, end));
  };
}
