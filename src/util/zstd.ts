/** Zstandard in one call: Node's own zlib where it has it (22.15 on), else the prebuilt addon, loaded at first use. */
import { createRequire } from 'node:module';
import * as zlib from 'node:zlib';

interface Codec {
  decompress(bytes: Uint8Array): Uint8Array;
  compress(bytes: Uint8Array, level: number): Uint8Array;
}

interface NodeZstd {
  zstdDecompressSync?(bytes: Uint8Array): Uint8Array;
  zstdCompressSync?(bytes: Uint8Array, options: { params: Record<number, number> }): Uint8Array;
  constants: { ZSTD_c_compressionLevel?: number };
}

let codec: Codec | undefined;

function load(): Codec {
  const own = zlib as unknown as NodeZstd;
  const { zstdDecompressSync, zstdCompressSync, constants: { ZSTD_c_compressionLevel: levelKey } } = own;
  if (zstdDecompressSync && zstdCompressSync && levelKey !== undefined) {
    return { decompress: zstdDecompressSync, compress: (bytes, level) => zstdCompressSync(bytes, { params: { [levelKey]: level } }) };
  }
  return createRequire(import.meta.url)('@cloudpss/zstd/napi') as Codec;
}

/** Decompresses whole frames. Throws the library's own error where the bytes are not Zstandard. */
export function zstdDecompress(bytes: Uint8Array): Uint8Array {
  codec ??= load();
  return codec.decompress(bytes);
}

/** Compresses into one frame. */
export function zstdCompress(bytes: Uint8Array, level: number): Uint8Array {
  codec ??= load();
  return codec.compress(bytes, level);
}
