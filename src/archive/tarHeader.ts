/**
 * Tar headers, one 512-byte block at a time: ustar as PostgreSQL writes it (port/tar.c), with pax and GNU long names as tar tools do.
 * The driver (a file with positions, or a stream) feeds blocks and skips contents; nothing here reads or writes files.
 */
import { inputError, type WalscopeError } from '../util/errors.js';

export const TAR_BLOCK = 512;
/** Names and pax records are short; a header that claims more is not one. */
const MAX_META_BYTES = 1024 * 1024;

export type TarEntryType = 'file' | 'directory' | 'symlink';

export interface TarEntry {
  type: TarEntryType;
  /** Relative, with `/` between parts, no leading `./`, no `..`; '' is the top directory. */
  path: string;
  bytes: number;
  /** Of a symbolic link: where it points to, as it stands. Never followed. */
  target: string;
}

export type TarStep =
  | { kind: 'entry'; entry: TarEntry }
  /** The next `bytes` bytes (before padding) must be given to meta(). */
  | { kind: 'meta'; bytes: number }
  /** A block of zeros: the archive's end. */
  | { kind: 'end' };

/** Bytes that content of this length takes in a tar. */
export function paddedBytes(bytes: number): number {
  return Math.ceil(bytes / TAR_BLOCK) * TAR_BLOCK;
}

/** Reads headers in order; pax and long-name records change the entry after them. */
export class TarHeaders {
  private metaType = '';
  private longName: string | undefined;
  private longLink: string | undefined;
  private pax = new Map<string, string>();
  private globalPax = new Map<string, string>();

  /** `file` is for messages. */
  constructor(private readonly file: string) {}

  /**
   * Takes a header block. Throws `tar.header` (not a tar header, or damaged), `tar.unsafe_path` (an entry that climbs out of its folder),
   * `tar.entry_type` (links and devices that have no place in a backup).
   */
  header(block: Uint8Array): TarStep {
    if (block.every((byte) => byte === 0)) return { kind: 'end' };
    const view = Buffer.from(block.buffer, block.byteOffset, TAR_BLOCK);
    if (number(view, 148, 8) !== checksum(block)) throw this.damaged('a header does not match its checksum');
    const type = String.fromCharCode(block[156]!);
    const size = number(view, 124, 12);
    if (size === undefined) throw this.damaged('a header holds no valid size');
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      if (size > MAX_META_BYTES) throw this.damaged(`a header claims a name of ${size} bytes`);
      this.metaType = type;
      return { kind: 'meta', bytes: size };
    }
    return { kind: 'entry', entry: this.entry(view, type, size) };
  }

  /** Takes the content of a pax or long-name record. */
  meta(content: Uint8Array): void {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    if (this.metaType === 'L') this.longName = text(bytes, 0, bytes.length);
    else if (this.metaType === 'K') this.longLink = text(bytes, 0, bytes.length);
    else this.readPax(bytes, this.metaType === 'g' ? this.globalPax : this.pax);
  }

  /** Records `LENGTH key=value\n`, LENGTH counting itself. */
  private readPax(bytes: Buffer, into: Map<string, string>): void {
    for (let at = 0; at < bytes.length;) {
      const space = bytes.indexOf(0x20, at);
      const digits = space < 0 ? '' : bytes.toString('latin1', at, space);
      const length = /^\d{1,7}$/.test(digits) ? Number(digits) : 0;
      const equals = bytes.indexOf(0x3d, space);
      if (length === 0 || at + length > bytes.length || equals < 0 || equals >= at + length || bytes[at + length - 1] !== 0x0a) throw this.damaged('a pax header is not valid');
      into.set(bytes.toString('utf8', space + 1, equals), bytes.toString('utf8', equals + 1, at + length - 1));
      at += length;
    }
  }

  private entry(view: Buffer, type: string, headerSize: number): TarEntry {
    const attribute = (key: string): string | undefined => this.pax.get(key) ?? this.globalPax.get(key);
    const isUstar = view.toString('latin1', 257, 262) === 'ustar';
    // GNU's magic is "ustar  ": no prefix field there
    const prefix = isUstar && view[262] === 0 ? text(view, 345, 155) : '';
    const name = attribute('path') ?? this.longName ?? (prefix === '' ? text(view, 0, 100) : `${prefix}/${text(view, 0, 100)}`);
    const target = attribute('linkpath') ?? this.longLink ?? text(view, 157, 100);
    const paxSize = attribute('size');
    if (paxSize !== undefined && !/^\d{1,15}$/.test(paxSize)) throw this.damaged('a pax header holds no valid size');
    if (attribute('GNU.sparse.major') !== undefined || attribute('GNU.sparse.map') !== undefined) throw this.refused('tar.entry_type', `${JSON.stringify(name)} is stored as a sparse file`, 'make the tar without --sparse');
    this.pax = new Map();
    this.longName = undefined;
    this.longLink = undefined;
    const entryType = this.typeOf(type, name);
    return { type: entryType, path: this.safePath(name), bytes: entryType === 'file' ? (paxSize === undefined ? headerSize : Number(paxSize)) : 0, target };
  }

  private typeOf(type: string, name: string): TarEntryType {
    if (type === '0' || type === '\0' || type === '7') return name.endsWith('/') ? 'directory' : 'file';
    if (type === '5') return 'directory';
    if (type === '2') return 'symlink';
    const names: Record<string, string> = { 1: 'a hard link', 3: 'a character device', 4: 'a block device', 6: 'a named pipe', S: 'stored as a sparse file' };
    throw this.refused('tar.entry_type', `${JSON.stringify(name)} is ${names[type] ?? `of an unknown type ${JSON.stringify(type)}`}`, 'a base backup holds plain files, directories and links to tablespaces only');
  }

  private safePath(name: string): string {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (name.startsWith('/') || name.includes('\0') || parts.includes('..')) {
      throw this.refused('tar.unsafe_path', `${JSON.stringify(name)} would lie outside the backup`, 'do not trust this archive: no backup tool writes such a name');
    }
    return parts.join('/');
  }

  private damaged(what: string): WalscopeError {
    return this.refused('tar.header', what, 'the tar is damaged or not a tar: fetch the backup again');
  }

  private refused(code: string, what: string, hint: string): WalscopeError {
    return inputError(code, `${this.file}: ${what}`, { file: this.file }, hint);
  }
}

/** Octal digits, or base 256 where the first bit is set. */
function number(view: Buffer, at: number, length: number): number | undefined {
  if (view[at]! >= 0x80) {
    let value = view[at]! & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + view[at + i]!;
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = text(view, at, length).trim();
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : undefined;
}

/** Up to the first zero byte. */
function text(view: Buffer, at: number, length: number): string {
  const end = view.indexOf(0, at);
  return view.toString('utf8', at, end < 0 || end > at + length ? at + length : end);
}

function checksum(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < TAR_BLOCK; i++) if (i < 148 || i >= 156) sum += block[i]!;
  return sum;
}
