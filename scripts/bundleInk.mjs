// Makes one file of Ink, React and what they import, in place of dist/tui/ink.js: Node would open some five hundred, which takes longer than all
// else that `walscope tui` does before its first screen. Without it the program runs the same.
import { build } from 'esbuild';
import { fileURLToPath, URL } from 'node:url';
import { join } from 'node:path';

const file = join(fileURLToPath(new URL('..', import.meta.url)), 'dist', 'tui', 'ink.js');

/** Ink asks for its development tools only where DEV is set; they are not installed. */
const withoutDevtools = {
  name: 'without-devtools',
  setup(plugin) {
    plugin.onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: 'none' }));
    plugin.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'export default {};' }));
  },
};

await build({
  entryPoints: [file], outfile: file, allowOverwrite: true, bundle: true, format: 'esm', platform: 'node', target: 'node20', minify: true, legalComments: 'none', logLevel: 'warning',
  define: { 'process.env.NODE_ENV': '"production"' }, plugins: [withoutDevtools],
  // packages of the other module system ask for Node's own modules
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
