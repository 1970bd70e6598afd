// Joins the compiled modules of dist/ into few files, in their place: a program of several hundred modules spends longer on finding and
// linking them than on most questions. What tsc wrote runs just as well; a later tsc puts it back.
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';
import { build } from 'esbuild';
import './bundleInk.mjs';
import './bundleScript.mjs';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const store = join(dist, 'store');
// shared pieces lie beside the workers, which are found by their place beside the module that starts them
const PIECE = 'piece-';
for (const name of readdirSync(store)) if (name.startsWith(PIECE)) rmSync(join(store, name));
const workers = readdirSync(store).filter((name) => name.endsWith('Worker.js')).map((name) => join(store, name));
await build({
  entryPoints: [join(dist, 'commands', 'main.js'), join(dist, 'commands', 'tuiWorker.js'), ...workers],
  outdir: dist,
  outbase: dist,
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  chunkNames: `store/${PIECE}[hash]`,
  legalComments: 'none',
  logLevel: 'warning',
});
execFileSync(process.execPath, [fileURLToPath(new URL('codeCache.mjs', import.meta.url))], { stdio: ['ignore', 'ignore', 'pipe'] });
