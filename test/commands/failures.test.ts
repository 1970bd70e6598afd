/** What a failure is told as: what the process lacks is no bug. */
import { afterEach, expect, it, vi } from 'vitest';
import { tellFailure } from '../../src/commands/main.js';

const told: string[] = [];
const tell = (error: unknown): [number, string] => {
  told.length = 0;
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0);
  const code = tellFailure(error, false);
  spy.mockRestore();
  return [code, told.join('')];
};
afterEach(() => vi.restoreAllMocks());

it('files and addresses that the process may not have', () => {
  const noFile = Object.assign(new Error("EMFILE: too many open files, open '/somewhere/commands/asof.js'"), { code: 'EMFILE' });
  expect(tell(noFile)).toEqual([3, 'walscope: too many open files; allow more with ulimit -n\n']);
  for (const message of ['WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance', 'Aborted(RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance)']) {
    expect(tell(new RangeError(message))).toEqual([3, 'walscope: there are no addresses left for WebAssembly, which takes 10 GB of them, unused, for each memory; allow more with ulimit -v\n']);
  }
});

it('anything else that is thrown is a bug', () => {
  expect(tell(new RangeError('Maximum call stack size exceeded'))).toEqual([1, 'walscope: this is a bug in walscope: Maximum call stack size exceeded (run again with --debug for the stack, and report it)\n']);
});
