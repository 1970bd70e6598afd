// Compiles the AssemblyScript kernels and writes each as a module that holds its bytes in base64, so that nothing has to be found at run time.
// With --check it compares instead and fails where a committed module does not match its source.
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const KERNELS = [
  // 64 MB to begin with, which costs nothing until it is touched: V8 answers memory that grows by collecting garbage
  { source: 'src/pg/wasm/walScan.as.ts', target: 'src/pg/wasm/walScanBytes.ts', name: 'WAL_SCAN_WASM', options: ['--initialMemory', '1024'] },
  { source: 'src/pg/wasm/crcSpan.as.ts', target: 'src/pg/wasm/crcSpanBytes.ts', name: 'CRC_SPAN_WASM' },
  { source: 'src/layerfile/wasm/chainKeys.as.ts', target: 'src/layerfile/wasm/chainKeysBytes.ts', name: 'CHAIN_KEYS_WASM' },
  { source: 'src/redo/wasm/heapReplay.as.ts', target: 'src/redo/wasm/heapReplayBytes.ts', name: 'HEAP_REPLAY_WASM' },
  { source: 'src/archive/wasm/inflate.as.ts', target: 'src/archive/wasm/inflateBytes.ts', name: 'INFLATE_WASM' },
];

/** The text of the module that stands for a compiled kernel. */
export async function compileKernel({ source, name, options }) {
  const { error, stderr, binary } = await compile(source, options);
  if (error) throw new Error(`${source}: ${error.message}\n${stderr}`);
  const lines = Buffer.from(binary).toString('base64').match(/.{1,120}/g);
  return `// Generated from ${source} by \`npm run build:wasm\`: do not edit.\nexport const ${name} =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`;
}

async function compile(source, options = []) {
  let binary;
  const stderr = [];
  const { error } = await asc.main(
    [source, '-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--enable', 'bulk-memory', '--outFile', 'kernel.wasm', ...options],
    {
      stderr: { write: (text) => void stderr.push(text) },
      writeFile: (name, contents) => { if (name.endsWith('.wasm')) binary = contents; },
    },
  );
  return { error, stderr: stderr.join(''), binary };
}

export { KERNELS };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const kernel of KERNELS) {
    const text = await compileKernel(kernel);
    if (!process.argv.includes('--check')) writeFileSync(kernel.target, text);
    else if (readFileSync(kernel.target, 'utf8') !== text) {
      process.stderr.write(`${kernel.target} is not what ${kernel.source} compiles to: run npm run build:wasm\n`);
      process.exitCode = 1;
    }
  }
}
