/** The files of a case's layers as files: which there shall be, and whether they are whole. */
import path from 'node:path';
import { BlockFileReader, LayerKind } from '../layerfile/blockFile.js';
import { imageFiles, type Manifest } from '../layerfile/manifest.js';
import { inputError, WalscopeError } from '../util/errors.js';
import { LAYERS_FOLDER } from './caseStore.js';

export interface LayerFile {
  name: string;
  kind: LayerKind;
  /** As the manifest has it. */
  bytes: number;
}

/** Every layer file that the manifest names. */
export function layerFiles(manifest: Manifest): LayerFile[] {
  return [
    ...manifest.layers.map(({ name, bytes }) => ({ name, bytes, kind: LayerKind.delta })),
    ...imageFiles(manifest).map(({ name, bytes }) => ({ name, bytes, kind: LayerKind.image })),
  ];
}

/** Names of all files of layers, images and packed WAL. */
export function namesOf(manifest: Manifest): string[] {
  return [...layerFiles(manifest), ...manifest.packs].map(({ name }) => name);
}

/** What is wrong with a layer file: nothing, that it cannot be opened, or each damaged block. Reads all of it. */
export function checkLayerFile(caseDir: string, { name, kind, bytes }: LayerFile): WalscopeError[] {
  const file = path.join(caseDir, LAYERS_FOLDER, name);
  try {
    const reader = new BlockFileReader(file, kind);
    try {
      if (reader.size === bytes) return reader.check();
      return [inputError('layer.size', `layer ${file} has ${reader.size} bytes, the manifest says ${bytes}`, { file }, 'run walscope index --repair: it is rebuilt from the archive')];
    } finally {
      reader.close();
    }
  } catch (error) {
    if (error instanceof WalscopeError) return [error];
    throw error;
  }
}
