/** The compiled inflater (wasm/inflate.as.ts) and the memory that holds one file and what it inflates to. */
import { instantiate } from '../pg/webAssembly.js';
import { INFLATE_WASM } from './wasm/inflateBytes.js';

/** What run() answers; the numbers are the kernel's. */
export const InflateStatus = { more: 0, done: 1, corrupt: 2, cut: 3, tooLong: 4 } as const;

interface KernelExports {
  memory: { readonly buffer: ArrayBuffer };
  init(limit: number): number;
  place(length: number): number;
  begin(skipped: number): void;
  run(bytes: number): number;
  produced(): number;
  leftOver(): number;
}

/** Inflates one stream after the other, none to more than `limit` bytes. Its memory is used again and again: new memory costs a third of what inflating does. */
export class InflateKernel {
  private readonly exports: KernelExports;
  private readonly outputAt: number;
  private bytes!: Uint8Array;

  constructor(readonly limit: number) {
    this.exports = instantiate<KernelExports>(INFLATE_WASM);
    this.outputAt = this.exports.init(limit);
    this.refresh();
  }

  private refresh(): void {
    const { buffer } = this.exports.memory;
    if (this.bytes?.buffer !== buffer) this.bytes = new Uint8Array(buffer);
  }

  /** Where the next input goes, which must be put there before begin(). What was given before is no more. */
  place(length: number): Uint8Array {
    const at = this.exports.place(length);
    this.refresh();
    return this.bytes.subarray(at, at + length);
  }

  /** The stream begins after so many bytes. */
  begin(skipped: number): void {
    this.exports.begin(skipped);
  }

  /** Goes on until so many bytes in all are there, or a few more; what is there is good whatever it answers. */
  run(bytes: number): number {
    return this.exports.run(bytes);
  }

  get produced(): number { return this.exports.produced(); }
  /** Whole bytes of the input that were not taken. */
  get leftOver(): number { return this.exports.leftOver(); }

  /** A view of what was inflated, until the next place(). */
  output(start: number, end: number): Uint8Array {
    return this.bytes.subarray(this.outputAt + start, this.outputAt + end);
  }
}
