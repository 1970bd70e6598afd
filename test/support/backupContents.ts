/** What a base backup holds, and how it fails, told shortly. */
import { expect } from 'vitest';
import type { BaseBackup } from '../../src/archive/baseBackup.js';
import { crc32c } from '../../src/pg/crc32c.js';
import { parseRelFilePath } from '../../src/pg/relFilePath.js';
import { inputErrorCode } from './errorCode.js';

/** The code of the input error that `work` ends with, or `nothing thrown`. */
export async function failureOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return inputErrorCode(error);
  }
  return 'nothing thrown';
}

/** A checksum of every file that is no control file, by path; relation files through readBlock(), the others through readFile(). */
export function contents(backup: BaseBackup): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { path, bytes } of backup.listFiles()) {
    const parsed = parseRelFilePath(path);
    if (!parsed) {
      if (!/^(global\/pg_control|backup_label|backup_manifest|tablespace_map|\.walscope\/.*)$/.test(path)) sums.set(path, crc32c(backup.readFile(path)!));
      continue;
    }
    const whole = new Uint8Array(bytes);
    const blocks = backup.forkBlocks(parsed.rel)!;
    expect(blocks * 8192).toBe(bytes);
    for (let block = 0; block < blocks; block++) expect(backup.readBlock(parsed.rel, block, whole.subarray(block * 8192, block * 8192 + 8192))).toBe('ok');
    expect(backup.readBlock(parsed.rel, blocks, new Uint8Array(8192))).toBe('absent');
    sums.set(path, crc32c(whole));
  }
  return sums;
}
