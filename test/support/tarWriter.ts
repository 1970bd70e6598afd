/** Tar archives by hand, the wrong ones too. */
export interface TarEntrySpec {
  name: string;
  /** The type flag: '0' a file, '1' a hard link, '2' a symbolic link. */
  type?: string;
  link?: string;
  content?: Buffer | string;
  /** What the header claims; default: the content's length. */
  size?: number;
  /** ustar's directory part of a long name. */
  prefix?: string;
  /** GNU tar's header rather than POSIX's. */
  gnu?: boolean;
}

export const TAR_END = Buffer.alloc(1024);

/** A header and its content, padded. */
export function tarEntry({ name, type = '0', link = '', content = '', size, prefix = '', gnu = false }: TarEntrySpec): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name.slice(0, 100), 0);
  header.write('0000600\0', 100);
  const claimed = size ?? bytes.length;
  if (claimed >= 2 ** 33) {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(claimed), 128);
  } else {
    header.write(`${claimed.toString(8).padStart(11, '0')}\0`, 124);
  }
  header.write(type, 156);
  header.write(link, 157);
  header.write(gnu ? 'ustar  \0' : 'ustar\x0000', 257);
  header.write(prefix, 345);
  header.fill(' ', 148, 156);
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}
