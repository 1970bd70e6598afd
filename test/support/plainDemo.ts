/** The bundled archive as a server takes it: nothing compressed. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decompress } from '@cloudpss/zstd';
import { recoverTo, type RecoveryTarget } from '../../fixtures/postgres/recovery.js';
import type { PostgresServer } from '../../fixtures/postgres/server.js';
import { ROOT } from './cli.js';

export const DEMO = join(ROOT, 'fixtures', 'demo');

/** A server of the demo's major, recovered to a moment of the demo. */
export async function recoverDemo(target: RecoveryTarget): Promise<PostgresServer> {
  const scratch = mkdtempSync(join(tmpdir(), 'walscope-demo-'));
  try {
    chmodSync(scratch, 0o755);
    for (const name of ['backup', 'wal']) mkdirSync(join(scratch, name), { mode: 0o755 });
    writeFileSync(join(scratch, 'backup', 'base.tar'), decompress(readFileSync(join(DEMO, 'backup', 'base.tar.zst'))));
    for (const name of readdirSync(join(DEMO, 'wal'))) {
      const bytes = readFileSync(join(DEMO, 'wal', name));
      writeFileSync(join(scratch, 'wal', name.replace(/\.gz$/, '')), name.endsWith('.gz') ? gunzipSync(bytes) : bytes);
    }
    return await recoverTo({ major: 18, backup: { format: 'tar', path: join(scratch, 'backup') }, wal: join(scratch, 'wal'), target });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
