/** Copies of tuples, kept in large pieces: a garbage collector that had an object for each would have much to do. */

/** Where a tuple lies. */
export interface Tuple {
  bytes: Uint8Array;
  at: number;
  length: number;
}

const PIECE_BYTES = 1024 * 1024;
/** Before each tuple: another handle (4 bytes), its length (4). */
const HEADER_BYTES = 8;
/** Handles count in these. */
const UNIT = 8;

interface Piece {
  bytes: Uint8Array;
  view: DataView;
  used: number;
  /** Tuples that were not released. */
  live: number;
}

/** Each tuple has a handle, a small number above 0. A piece goes when all of its tuples were released. */
export class TupleArena {
  private readonly pieces: (Piece | undefined)[] = [];
  private last: Piece | undefined;
  /** What the pieces take. */
  bytes = 0;

  /** Keeps a copy, and with it another handle, or 0; or any number. */
  add({ bytes, at, length }: Tuple, next: number): number {
    let piece = this.last;
    if (!piece || piece.used + HEADER_BYTES + length > PIECE_BYTES) {
      // the first unit of a piece stays empty, so that no handle is 0
      const fresh = new Uint8Array(PIECE_BYTES);
      this.last = piece = { bytes: fresh, view: new DataView(fresh.buffer), used: UNIT, live: 0 };
      this.pieces.push(piece);
      this.bytes += PIECE_BYTES;
    }
    const { used } = piece;
    piece.view.setUint32(used, next);
    piece.view.setUint32(used + 4, length);
    piece.bytes.set(bytes.subarray(at, at + length), used + HEADER_BYTES);
    piece.used = (used + HEADER_BYTES + length + UNIT - 1) & -UNIT;
    piece.live++;
    return ((this.pieces.length - 1) * PIECE_BYTES + used) / UNIT;
  }

  tuple(handle: number): Tuple {
    const { piece, at } = this.find(handle);
    return { bytes: piece.bytes, at: at + HEADER_BYTES, length: piece.view.getUint32(at + 4) };
  }

  /** The handle, or number, that was kept with the tuple. */
  next(handle: number): number {
    const { piece, at } = this.find(handle);
    return piece.view.getUint32(at);
  }

  setNext(handle: number, next: number): void {
    const { piece, at } = this.find(handle);
    piece.view.setUint32(at, next);
  }

  /** The tuple is not needed any more; one that tuple() gave can still be read. */
  release(handle: number): void {
    const { piece, number } = this.find(handle);
    if (--piece.live > 0 || piece === this.last) return;
    this.pieces[number] = undefined;
    this.bytes -= PIECE_BYTES;
  }

  private find(handle: number): { piece: Piece; number: number; at: number } {
    const place = handle * UNIT;
    const number = Math.floor(place / PIECE_BYTES);
    return { piece: this.pieces[number]!, number, at: place % PIECE_BYTES };
  }
}
