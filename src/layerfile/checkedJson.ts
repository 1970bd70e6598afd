/** A small JSON file with a checksum: one header line `walscope-WHAT VERSION CRC32C LENGTH`, then LENGTH bytes of JSON whose CRC-32C it holds. */
import fs from 'node:fs';
import path from 'node:path';
import { crc32c } from '../pg/crc32c.js';
import { inputError } from '../util/errors.js';
import { explainFsError, replaceFile } from './durable.js';

/** What the file holds; undefined where it does not exist. Throws `case.manifest`, `case.version` or `case.manifest_crc` where it is none, or damaged. */
export function readCheckedJson<T>(file: string, what: string, version: number): T | undefined {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw explainFsError(error, file);
  }
  const newline = bytes.indexOf(10);
  const [, word, found, crc, length] = /^walscope-(\w+) (\d+) ([0-9a-f]{8}) (\d+)$/.exec(bytes.toString('latin1', 0, Math.max(0, newline))) ?? [];
  if (word !== what) throw inputError('case.manifest', `${file} is not a walscope ${what}`, { file, offset: 0 }, 'point -C at a case directory, or index into a new one');
  if (Number(found) !== version) {
    throw inputError('case.version', `${path.dirname(file)} has case format ${found}, this walscope reads ${version}`, { file }, 'index again into a new case directory, or use the walscope that wrote it');
  }
  const body = bytes.subarray(newline + 1);
  if (body.length !== Number(length) || crc32c(body, 0, body.length) !== parseInt(crc!, 16)) {
    throw inputError('case.manifest_crc', `${file} is damaged: its checksum does not match`, { file, offset: newline + 1 }, 'index again into a new case directory; the archive is untouched');
  }
  return JSON.parse(body.toString('utf8')) as T;
}

/** Replaces the file as one durable step; a file that holds the same stays. */
export function writeCheckedJson(file: string, what: string, version: number, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value, null, 1)}\n`, 'utf8');
  const crc = crc32c(body, 0, body.length).toString(16).padStart(8, '0');
  const bytes = Buffer.concat([Buffer.from(`walscope-${what} ${version} ${crc} ${body.length}\n`, 'latin1'), body]);
  if (!fs.existsSync(file) || !fs.readFileSync(file).equals(bytes)) replaceFile(file, bytes);
}
