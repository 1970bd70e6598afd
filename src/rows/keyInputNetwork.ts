/** Addresses and bit strings from text to plain bytes, for searching an index: network_in(), macaddr_in(), bit_in() of utils/adt, PG 13–18. */

const PGSQL_AF_INET = 2;
const PGSQL_AF_INET6 = 3;

function readV4(text: string): number[] | undefined {
  const parts = text.split('.');
  const bytes = parts.map(Number);
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part)) && bytes.every((byte) => byte < 256) ? bytes : undefined;
}

/** Groups of four digits, one run of zeros left out, the last two as an IPv4 address perhaps. */
function readV6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const bytesOf = (half: string): number[] | undefined => {
    const bytes: number[] = [];
    for (const group of half === '' ? [] : half.split(':')) {
      const v4 = group.includes('.') ? readV4(group) : undefined;
      if (!v4 && !/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
      bytes.push(...(v4 ?? [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]));
    }
    return bytes;
  };
  const [head, tail] = [bytesOf(halves[0]!), halves.length > 1 ? bytesOf(halves[1]!) : []];
  if (!head || !tail) return undefined;
  const missing = 16 - head.length - tail.length;
  return (halves.length > 1 ? missing >= 0 : missing === 0) ? [...head, ...new Array<number>(missing).fill(0), ...tail] : undefined;
}

/** inet and cidr: the family, the netmask's bits, the address. */
export function readInet(text: string): Uint8Array | undefined {
  const match = /^\s*([0-9a-f.:]+)(?:\/(\d{1,3}))?\s*$/i.exec(text);
  if (!match) return undefined;
  const isV6 = match[1]!.includes(':');
  const address = isV6 ? readV6(match[1]!) : readV4(match[1]!);
  const bits = Number(match[2] ?? (isV6 ? 128 : 32));
  return address && bits <= address.length * 8 ? Uint8Array.from([isV6 ? PGSQL_AF_INET6 : PGSQL_AF_INET, bits, ...address]) : undefined;
}

/** macaddr and macaddr8: digits in pairs, however they are separated. */
export function readMac(length: 6 | 8): (text: string) => Uint8Array | undefined {
  return (text) => {
    const digits = text.trim().replace(/[:.-]/g, '');
    return /^[0-9a-f]+$/i.test(digits) && digits.length === length * 2 ? new Uint8Array(Buffer.from(digits, 'hex')) : undefined;
  };
}

/** bit and varbit: how many bits, then the bits from the highest on. */
export function readBits(text: string): Uint8Array | undefined {
  if (!/^[01]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(4 + Math.ceil(text.length / 8));
  new DataView(bytes.buffer).setInt32(0, text.length, true);
  for (let i = 0; i < text.length; i++) if (text[i] === '1') bytes[4 + (i >> 3)]! |= 0x80 >> (i & 7);
  return bytes;
}
