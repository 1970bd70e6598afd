/** LEB128 as in util/varint.ts (AssemblyScript, a part of walScan.as.ts). Gives where the next byte goes. */
export function varint(at: usize, value: u64): usize {
  while (value > 127) {
    store<u8>(at++, <u8>(value & 127) | 0x80);
    value >>= 7;
  }
  store<u8>(at, <u8>value);
  return at + 1;
}

export function zigzag(value: i64): u64 {
  return <u64>((value << 1) ^ (value >> 63));
}
