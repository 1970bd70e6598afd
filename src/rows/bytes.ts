/** Little-endian reads at any alignment, straight from bytes: a datum needs one or two of them, for which a DataView would cost more. */

const scratch = new Uint8Array(8);
const scratchFloat64 = new Float64Array(scratch.buffer);
const scratchFloat32 = new Float32Array(scratch.buffer);
const scratchBigInt64 = new BigInt64Array(scratch.buffer);

export function uint16At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function int16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! | (bytes[at + 1]! << 8)) << 16) >> 16;
}

export function int32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

export function uint32At(bytes: Uint8Array, at: number): number {
  return int32At(bytes, at) >>> 0;
}

/** A little-endian int8 at any alignment. */
export function bigInt64At(bytes: Uint8Array, at: number): bigint {
  for (let i = 0; i < 8; i++) scratch[i] = bytes[at + i]!;
  return scratchBigInt64[0]!;
}

export function bigUint64At(bytes: Uint8Array, at: number): bigint {
  return BigInt.asUintN(64, bigInt64At(bytes, at));
}

/** An int64 as a number where that is exact (below 2^53), else undefined. */
export function safeInt64At(bytes: Uint8Array, at: number): number | undefined {
  const high = int32At(bytes, at + 4);
  if (high < -0x20_0000 || high >= 0x20_0000) return undefined;
  return high * 0x1_0000_0000 + uint32At(bytes, at);
}

/** A little-endian float8 at any alignment. */
export function float64At(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) scratch[i] = bytes[at + i]!;
  return scratchFloat64[0]!;
}

/** A little-endian float4 at any alignment. */
export function float32At(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 4; i++) scratch[i] = bytes[at + i]!;
  return scratchFloat32[0]!;
}

/** Big-endian, as in the fields that PostgreSQL keeps as network bytes (inet, macaddr, uuid, varatt sizes do not). */
export function uint16BigEndianAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

const HEX = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));

/** Two lower-case hexadecimal digits of a byte. */
export function hexByte(value: number): string {
  return HEX[value]!;
}

/** Lower-case hexadecimal digits of `length` bytes. */
export function hexOf(bytes: Uint8Array, at: number, length: number): string {
  if (length > 64) return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('hex');
  let text = '';
  for (let i = at; i < at + length; i++) text += HEX[bytes[i]!]!;
  return text;
}
