/** Zstandard decompression in one call: Node's own zlib where it has it (22.15 on), else the prebuilt addon, loaded at first use. */
import { createRequire } from 'node:module';
import * as zlib from 'node:zlib';

type Decompress = (bytes: Uint8Array) => Uint8Array;

let decompress: Decompress | undefined;

function load(): Decompress {
  const own = (zlib as { zstdDecompressSync?: Decompress }).zstdDecompressSync;
  if (own) return own;
  const addon = createRequire(import.meta.url)('@cloudpss/zstd/napi') as { decompress: Decompress };
  return addon.decompress;
}

/** Decompresses whole frames. Throws the library's own error where the bytes are not Zstandard. */
export function zstdDecompress(bytes: Uint8Array): Uint8Array {
  decompress ??= load();
  return decompress(bytes);
}
