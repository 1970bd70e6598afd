import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, expect, it } from 'vitest';
import { Seeded } from '../../fixtures/workloads/seeded.js';
import { readZip, ZipWriter } from '../../src/commands/zipFile.js';

const scratch = mkdtempSync(join(tmpdir(), 'walscope-zip-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Bytes among zeros, as pages have them. */
function sparse(seed: number, length: number): Buffer {
  const random = new Seeded(seed);
  return Buffer.from(Array.from({ length }, () => (random.chance(0.25) ? random.int(0, 2) : 0)));
}

it('what goes into a zip comes out of it, zeros too, and pieces of a long file', () => {
  const files = new Map<string, Buffer>([['zeros', Buffer.alloc(10_000)], ['empty', Buffer.alloc(0)], ['long', Buffer.concat(Array.from({ length: 300 }, (_, i) => Buffer.concat([sparse(i % 20, 600), Buffer.alloc(7592)])))]]);
  for (let seed = 1; seed <= 60; seed++) files.set(`sparse-${seed}`, sparse(seed, 600));
  const target = join(scratch, 'a.zip'), source = join(scratch, 'source');
  const zip = new ZipWriter(target);
  for (const [name, bytes] of files) {
    writeFileSync(source, bytes);
    zip.addFile(name, source);
  }
  zip.end();
  const { hashes } = readZip(target, []);
  const whole = unzipSync(readFileSync(target));
  for (const [name, bytes] of files) {
    expect(hashes.get(name), name).toEqual({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    expect(Buffer.from(whole[name]!).equals(bytes), name).toBe(true);
  }
});
