/** Checksums of a backup's files, as its manifest holds them: pg_checksum_init/update/final(), common/checksum_helper.c. */
import { createHash, type Hash } from 'node:crypto';
import type { ManifestFile } from '../pg/backupManifest.js';
import { crc32cUpdate } from '../pg/crc32c.js';
import { inputError, type WalscopeError } from '../util/errors.js';

/** What one file's checksum comes to while its content passes by. */
export class ManifestChecksum {
  private crc = -1;
  private readonly hash: Hash | undefined;

  private constructor(private readonly file: ManifestFile) {
    if (file.checksumAlgorithm !== 'CRC32C') this.hash = createHash(file.checksumAlgorithm!);
  }

  /** Undefined where the manifest has no checksum of the file, or one of an algorithm that pg_basebackup does not offer. */
  static of(file: ManifestFile | undefined): ManifestChecksum | undefined {
    if (file?.checksum === undefined || !/^(CRC32C|SHA(224|256|384|512))$/.test(file.checksumAlgorithm ?? '')) return undefined;
    return new ManifestChecksum(file);
  }

  update(bytes: Uint8Array): void {
    if (this.hash) this.hash.update(bytes);
    else this.crc = crc32cUpdate(this.crc, bytes, 0, bytes.length);
  }

  /** Whether what passed by is what the manifest tells of. To be asked once. */
  matches(): boolean {
    return (this.hash?.digest('hex') ?? littleEndianHex(~this.crc)) === this.file.checksum!.toLowerCase();
  }

  /** Throws `backup.checksum` where the content was another. `source`: where the file was read from. */
  verify(source: string): void {
    if (!this.matches()) throw changed(source, this.file);
  }
}

/** The manifest prints the four bytes as they lie in memory. */
function littleEndianHex(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString('hex');
}

function changed(source: string, { path, checksumAlgorithm }: ManifestFile): WalscopeError {
  return inputError('backup.checksum', `${source}: ${JSON.stringify(path)} does not have the ${checksumAlgorithm} of the backup's manifest`, { file: source },
    'fetch the backup again: it has changed since it was taken');
}
