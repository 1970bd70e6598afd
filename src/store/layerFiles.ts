/** The files of a case's layers as files: which there shall be, and whether they are whole. */
import path from 'node:path';
import { layerFaults, LayerKind } from '../layerfile/blockFile.js';
import { imageFiles, type Manifest } from '../layerfile/manifest.js';
import type { WalscopeError } from '../util/errors.js';
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

/** What is wrong with a layer file: nothing, that it cannot be opened, or, with `deep`, each damaged block: then all of it is read. */
export function checkLayerFile(caseDir: string, { name, kind, bytes }: LayerFile, deep = true): WalscopeError[] {
  return layerFaults(path.join(caseDir, LAYERS_FOLDER, name), kind, bytes, deep);
}
