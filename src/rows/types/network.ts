/** inet, cidr, macaddr, macaddr8: utils/adt/{network,mac,mac8}.c, pg_inet_net_ntop(), port/inet_net_ntop.c, PG 13–18. */
import { hexByte, uint16BigEndianAt } from '../bytes.js';
import { valueError } from './valueError.js';
import type { OutputFunction } from './typeInfo.js';

const PGSQL_AF_INET = 2;
const PGSQL_AF_INET6 = 3;

function ipv4Text(bytes: Uint8Array, at: number): string {
  return `${bytes[at]!}.${bytes[at + 1]!}.${bytes[at + 2]!}.${bytes[at + 3]!}`;
}

interface Run {
  base: number;
  length: number;
}

/** The first of the longest runs of two or more zero words, which prints as `::`. */
function longestZeroRun(words: readonly number[]): Run {
  let best: Run = { base: -1, length: 1 };
  for (let i = 0; i < words.length; i++) {
    let length = 0;
    while (words[i + length] === 0) length++;
    if (length > best.length) best = { base: i, length };
    i += length;
  }
  return best;
}

function ipv6Text(bytes: Uint8Array, at: number): string {
  const words = Array.from({ length: 8 }, (_, i) => uint16BigEndianAt(bytes, at + i * 2));
  const { base, length } = longestZeroRun(words);
  // An IPv4 address in an IPv6 one keeps its dots.
  const isIpv4 = base === 0 && (length === 6 || (length === 7 && words[7] !== 1) || (length === 5 && words[5] === 0xffff));
  let text = '';
  for (let i = 0; i < words.length; i++) {
    if (base >= 0 && i >= base && i < base + length) {
      if (i === base) text += ':';
      continue;
    }
    if (i !== 0) text += ':';
    if (i === 6 && isIpv4) {
      text += ipv4Text(bytes, at + 12);
      break;
    }
    text += words[i]!.toString(16);
  }
  return base >= 0 && base + length === words.length ? `${text}:` : text;
}

function addressText(bytes: Uint8Array, at: number, length: number, alwaysMask: boolean): string {
  const family = bytes[at]!, bits = bytes[at + 1]!;
  const isV4 = family === PGSQL_AF_INET;
  if ((!isV4 && family !== PGSQL_AF_INET6) || length < (isV4 ? 6 : 18)) throw valueError('inet', `unknown address family ${family} or too short`);
  const address = isV4 ? ipv4Text(bytes, at + 2) : ipv6Text(bytes, at + 2);
  return alwaysMask || bits !== (isV4 ? 32 : 128) ? `${address}/${bits}` : address;
}

export const inetOut: OutputFunction = (bytes, at, length) => addressText(bytes, at, length, false);

export const cidrOut: OutputFunction = (bytes, at, length) => addressText(bytes, at, length, true);

/** macaddr_out(), macaddr8_out(): the bytes in order, in hexadecimal, with colons. */
export const macaddrOut: OutputFunction = (bytes, at, length) => {
  let text = hexByte(bytes[at]!);
  for (let i = 1; i < length; i++) text += `:${hexByte(bytes[at + i]!)}`;
  return text;
};
