// Keeps what V8 compiles of dist/walscope.cjs while it answers questions about the bundled archive, for this version of Node: bin/joined.js hands it back to V8.
// Prints what they print.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { join } from 'node:path';
import { fileURLToPath, URL } from 'node:url';

// V8 drops what has not run for a while; a cache made under other flags it would refuse
setFlagsFromString('--no-flush-bytecode');
const root = fileURLToPath(new URL('..', import.meta.url));
const { loadJoined, CODE_CACHE } = createRequire(import.meta.url)(join(root, 'bin', 'joined.js'));
const { script, exports: { main } } = loadJoined();
const demo = join(root, 'fixtures', 'demo');
const scratch = mkdtempSync(join(tmpdir(), 'walscope-build-'));
const questions = [
  ['index', '--backup', join(demo, 'backup'), '--wal', join(demo, 'wal'), '--jobs', '1'],
  ...['status', 'tables', 'asof orders --key 1 --csv', 'asof orders --where id=1', 'asof customers --limit 3', 'log --limit 3', 'diff earliest latest orders --stat', 'page orders 0'].map((words) => words.split(' ')),
];
try {
  for (const words of questions) {
    const code = await main(['node', 'walscope', ...words, '-C', join(scratch, 'case')]);
    if (code !== 0) throw new Error(`walscope ${words.join(' ')} ended with ${code}`);
  }
  setFlagsFromString('--flush-bytecode');
  writeFileSync(CODE_CACHE, script.createCachedData());
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
