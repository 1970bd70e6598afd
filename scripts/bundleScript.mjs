// Joins what tsc compiled into one script, dist/walscope.cjs, for bin/joined.js, and lets V8 keep what it compiles of it. To be run before the modules of dist/
// are joined in their place.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createRequire } from 'node:module';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { CODE_CACHE } = createRequire(import.meta.url)(join(root, 'bin', 'joined.js'));

/** Only commander is needed whatever is asked. The screen's command is left outside with its packages, which no script can load. */
const outside = {
  name: 'outside',
  setup(plugin) {
    plugin.onResolve({ filter: /^[^.]/ }, ({ path, kind }) => (kind === 'entry-point' || path === 'commander' ? undefined : { path, external: true }));
    plugin.onResolve({ filter: /^\.\/tui\.js$/ }, () => ({ path: './commands/tui.js', external: true }));
  },
};

/** What few questions need and takes milliseconds to load: loaded when something of it is first used. */
const LATE = ['cli-progress', 'node:child_process', 'node:crypto', 'node:worker_threads', 'node:zlib'];
const late = {
  name: 'late',
  setup(plugin) {
    plugin.onResolve({ filter: /^[^.]/ }, ({ path, namespace }) => (LATE.includes(path) && namespace !== 'late' ? { path, namespace: 'late' } : undefined));
    plugin.onLoad({ filter: /.*/, namespace: 'late' }, async ({ path }) => {
      const names = Object.keys(await import(path)).filter((name) => name !== 'default');
      return { contents: `const part = () => require('${path}');\nmodule.exports = { ${names.map((name) => `get ${name}() { return part().${name}; }`).join(', ')} };` };
    });
  },
};

rmSync(CODE_CACHE, { force: true });
await build({
  entryPoints: [join(root, 'dist', 'commands', 'joined.js')], outfile: join(root, 'dist', 'walscope.cjs'), bundle: true, format: 'cjs', platform: 'node', target: 'node20', plugins: [late, outside],
  // import() in a script of which V8 has the code already finds no loader
  supported: { 'dynamic-import': false }, minifySyntax: true, minifyWhitespace: true, legalComments: 'none', logLevel: 'warning',
  // every module lies one folder below dist/, the workers in dist/store
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: `(function (module, exports, require) { const importMetaUrl = require('node:url').pathToFileURL(require.resolve('./store/indexer.js')).href;` }, footer: { js: '})' },
});
