/** A disk that stands still after so many operations, as it does for a process that is killed: nothing that it does afterwards is done. */
import fs from 'node:fs';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';

const CHANGES = ['writeSync', 'fsyncSync', 'renameSync', 'rmSync', 'mkdirSync', 'rmdirSync', 'linkSync', 'copyFileSync', 'writeFileSync'] as const;

/** Runs `work` until it is done or the disk stands still; gives the number of operations that it asked for. */
export async function withDiskFrozen(after: number, work: () => Promise<unknown>): Promise<number> {
  let operations = 0;
  const spies = CHANGES.map((name) => {
    const real = fs[name] as (...args: unknown[]) => unknown;
    return vi.spyOn(fs, name).mockImplementation(((...args: unknown[]): unknown => {
      if (++operations > after) throw new Error('the disk stands still');
      return real.apply(fs, args);
    }) as never);
  });
  try {
    await work();
  } catch (error) {
    if (operations <= after) throw error;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return operations;
}

/** The file of the writer that is gone: its process, this one, is not. */
export function forgetWriter(caseDir: string): void {
  for (const name of readdirSync(caseDir)) if (name.startsWith('writer.')) rmSync(join(caseDir, name));
}
