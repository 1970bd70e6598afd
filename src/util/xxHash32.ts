/** xxHash, 32 bits, seed 0: the checksum of LZ4 frames. */

const P1 = 0x9e3779b1;
const P2 = 0x85ebca77;
const P3 = 0xc2b2ae3d;
const P4 = 0x27d4eb2f;
const P5 = 0x165667b1;

const rotl = (x: number, n: number): number => (x << n) | (x >>> (32 - n));
const round = (acc: number, lane: number): number => Math.imul(rotl((acc + Math.imul(lane, P2)) | 0, 13), P1);
const readU32 = (b: Uint8Array, at: number): number => b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24);

/** A running hash: update() any number of times, then digest(). */
export class XxHash32 {
  private a = (P1 + P2) | 0;
  private b = P2 | 0;
  private c = 0;
  private d = -P1 | 0;
  private total = 0;
  private readonly rest = new Uint8Array(16);
  private restLength = 0;

  update(bytes: Uint8Array): this {
    this.total += bytes.length;
    let at = 0;
    if (this.restLength > 0) {
      at = Math.min(16 - this.restLength, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.restLength);
      this.restLength += at;
      if (this.restLength < 16) return this;
      this.stripes(this.rest, 0, 16);
      this.restLength = 0;
    }
    const end = at + ((bytes.length - at) & ~15);
    this.stripes(bytes, at, end);
    this.rest.set(bytes.subarray(end));
    this.restLength = bytes.length - end;
    return this;
  }

  private stripes(bytes: Uint8Array, at: number, end: number): void {
    let { a, b, c, d } = this;
    for (; at < end; at += 16) {
      a = round(a, readU32(bytes, at));
      b = round(b, readU32(bytes, at + 4));
      c = round(c, readU32(bytes, at + 8));
      d = round(d, readU32(bytes, at + 12));
    }
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }

  digest(): number {
    let h = this.total >= 16 ? (rotl(this.a, 1) + rotl(this.b, 7) + rotl(this.c, 12) + rotl(this.d, 18)) | 0 : P5;
    h = (h + this.total) | 0;
    let at = 0;
    for (; at + 4 <= this.restLength; at += 4) h = Math.imul(rotl((h + Math.imul(readU32(this.rest, at), P3)) | 0, 17), P4);
    for (; at < this.restLength; at++) h = Math.imul(rotl((h + Math.imul(this.rest[at]!, P5)) | 0, 11), P1);
    h = Math.imul(h ^ (h >>> 15), P2);
    h = Math.imul(h ^ (h >>> 13), P3);
    return (h ^ (h >>> 16)) >>> 0;
  }
}

export function xxHash32(bytes: Uint8Array): number {
  return new XxHash32().update(bytes).digest();
}
