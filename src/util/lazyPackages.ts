/** Packages that few questions need, loaded at first use: loading them takes longer than a row by its key. */
import { createRequire } from 'node:module';
import type * as Fflate from 'fflate';
import type * as StringWidth from 'string-width';

const require = createRequire(import.meta.url);
let fflateModule: typeof Fflate | undefined;
let stringWidthModule: typeof StringWidth | undefined;

export function fflate(): typeof Fflate {
  return (fflateModule ??= require('fflate') as typeof Fflate);
}

/** Columns that a text takes on a terminal. */
export function stringWidth(text: string): number {
  return (stringWidthModule ??= require('string-width') as typeof StringWidth).default(text);
}
