/**
 * Compaction: merges the layers that are due. Each step writes new files, names them in the manifest instead of the old ones, then
 * removes those; a run that is killed anywhere leaves a case that answers as before, and the next run does the step again.
 */
import path from 'node:path';
import { removeStrays } from '../layerfile/durable.js';
import { writeManifest, type Manifest } from '../layerfile/manifest.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { LAYERS_FOLDER } from './caseStore.js';
import { nextMerge, replaceLayers } from './levels.js';
import { mergeLayers } from './mergeLayers.js';

export interface CompactOptions {
  caseDir: string;
  /** Changed in place, and on disk, with every step. */
  manifest: Manifest;
  /** `share`: of the step in hand, 0 to 1. */
  onProgress?: (share: number, what: string) => void;
  signal?: AbortSignal;
}

export interface CompactSummary {
  /** Layers before and after, and bytes written in between. */
  layersBefore: number;
  layersAfter: number;
  bytesWritten: number;
}

/** Does all that is due. ^C is noticed between two steps. */
export async function compactCase(options: CompactOptions): Promise<CompactSummary> {
  const { caseDir, manifest } = options;
  const folder = path.join(caseDir, LAYERS_FOLDER);
  const summary: CompactSummary = { layersBefore: manifest.layers.length, layersAfter: 0, bytesWritten: 0 };
  for (let due = nextMerge(manifest); due; due = nextMerge(manifest)) {
    await turn(options, `level ${due.level}: ${due.inputs.length} layers`);
    const merged = mergeLayers(folder, due);
    replaceLayers(manifest, due.inputs, merged);
    writeManifest(caseDir, manifest);
    removeUnnamed(folder, manifest);
    for (const layer of merged) summary.bytesWritten += layer.bytes;
  }
  removeUnnamed(folder, manifest);
  summary.layersAfter = manifest.layers.length;
  return summary;
}

/** Files in the layers' folder that the manifest does not name: what an interrupted run left. */
export function removeUnnamed(folder: string, manifest: Manifest): void {
  removeStrays(folder, new Set(manifest.layers.map((layer) => layer.name)));
}

async function turn(options: CompactOptions, what: string): Promise<void> {
  options.onProgress?.(0, what);
  await new Promise((resolve) => setImmediate(resolve));
  if (!options.signal?.aborted) return;
  throw new WalscopeError('interrupted', 'interrupted', { exitCode: ExitCode.interrupted, hint: 'run the same command again: it resumes where it stopped' });
}
