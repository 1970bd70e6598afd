/**
 * Compaction: merges the layers that are due, and makes images of pages with long chains. Each step writes new files, names them in the
 * manifest instead of the old ones, then removes those; a run that is killed anywhere leaves a case that answers as before, and the next
 * run does the step again.
 */
import path from 'node:path';
import { removeStrays } from '../layerfile/durable.js';
import { ImageLayerWriter, imageLayerName } from '../layerfile/imageLayer.js';
import { imageFiles, writeManifest, type Manifest, type ManifestImages, type ManifestLayer } from '../layerfile/manifest.js';
import { WalscopeError } from '../util/errors.js';
import { interruptedToResume } from './interrupted.js';
import type { Finding } from '../util/finding.js';
import { formatLsn } from '../util/lsn.js';
import { CaseStore, LAYERS_FOLDER, type CaseSources } from './caseStore.js';
import { DEFAULT_KEYFRAME_EVERY, Keyframer } from './keyframes.js';
import { nextMerge, replaceLayers, unitsOf, type DueMerge, type LayerUnit } from './levels.js';
import { keyCursors, mergedPages, mergeImages, mergeLayers, openLayers } from './mergeLayers.js';
import { openSources } from './openCase.js';

export interface CompactOptions {
  caseDir: string;
  /** Changed in place, and on disk, with every step. */
  manifest: Manifest;
  /** Makes images for the WAL that is not merged yet, too. */
  tail?: boolean;
  /** `share`: of the step in hand, 0 to 1. */
  onProgress?: (share: number, what: string) => void;
  signal?: AbortSignal;
}

export interface CompactSummary {
  layersBefore: number;
  layersAfter: number;
  /** Page images made in this run. */
  images: number;
  bytesWritten: number;
  /** What could not be done, because its WAL is not there. */
  findings: Finding[];
}

/** Does all that is due. ^C is noticed between two steps. */
export async function compactCase(options: CompactOptions): Promise<CompactSummary> {
  return new Compactor(options).run();
}

/** Files in the layers' folder that the manifest does not name: what an interrupted run left. */
export function removeUnnamed(folder: string, manifest: Manifest): void {
  removeStrays(folder, new Set([...manifest.layers, ...imageFiles(manifest)].map(({ name }) => name)));
}

class Compactor {
  private readonly folder: string;
  private readonly summary: CompactSummary = { layersBefore: 0, layersAfter: 0, images: 0, bytesWritten: 0, findings: [] };
  private sources: CaseSources | undefined;

  constructor(private readonly options: CompactOptions) {
    this.folder = path.join(options.caseDir, LAYERS_FOLDER);
  }

  async run(): Promise<CompactSummary> {
    const { manifest, tail } = this.options;
    this.summary.layersBefore = manifest.layers.length;
    this.commit(); // the caller may have forgotten images: before their files go
    for (;;) {
      const due = nextMerge(manifest);
      // images build on earlier ones: where stripes are still to be merged, what lies behind them waits
      for (const unit of unitsOf(manifest, 'merged')) if (due?.level !== 1 || unit.startLsn < due.startLsn) await this.images(unit);
      if (!due) break;
      await this.turn(`level ${due.level}: merging ${due.inputs.length} layers`);
      this.merge(due);
    }
    if (tail) for (const unit of unitsOf(manifest, 'stripes')) await this.images(unit);
    this.summary.layersAfter = manifest.layers.length;
    return this.summary;
  }

  private merge(due: DueMerge): void {
    const { manifest } = this.options;
    const merged = mergeLayers(this.folder, due);
    const images = this.imagesOf(due.inputs);
    replaceLayers(manifest, due.inputs, merged);
    // images of level 0 are made anew for the whole of level 1
    const kept = images.filter(({ level }) => level > 0);
    this.replaceImages(images, kept.length > 0 ? [mergeImages(this.folder, due, kept)] : []);
    for (const layer of merged) this.summary.bytesWritten += layer.bytes;
    this.commit();
  }

  /** Makes the images of a unit that has none. */
  private async images(unit: LayerUnit): Promise<void> {
    const { manifest } = this.options;
    const every = manifest.keyframeEvery ?? DEFAULT_KEYFRAME_EVERY;
    const known = this.imagesOf(unit.layers);
    if (every === 0 || known.some(({ endLsn, level }) => endLsn === unit.endLsn && level === unit.level)) return;
    await this.turn(`page images from ${formatLsn(unit.startLsn)} on`);
    const made = this.makeImages(unit, every);
    if (!made) return;
    this.replaceImages(known, [made]);
    this.summary.images += made.images;
    this.commit();
  }

  /** Image layers begin where one of the layers beside them begins; how far they reach says less: the last record of a stripe ends in the next. */
  private imagesOf(layers: readonly ManifestLayer[]): ManifestImages[] {
    const starts = new Set(layers.map(({ startLsn }) => startLsn));
    return (this.options.manifest.images ?? []).filter(({ startLsn }) => starts.has(startLsn));
  }

  private makeImages(unit: LayerUnit, every: number): ManifestImages | undefined {
    const { caseDir, manifest } = this.options;
    const { startLsn, endLsn, level } = unit;
    this.sources ??= openSources(caseDir, manifest);
    // what was there before the unit, and nothing else: so that the same images come out whenever they are made
    const before = { ...manifest, images: (manifest.images ?? []).filter((entry) => entry.level > 0 && entry.startLsn < startLsn) };
    const store = new CaseStore(caseDir, before, this.sources, { cacheBytes: 1024 * 1024 });
    const name = imageLayerName(startLsn, endLsn, level);
    const writer = new ImageLayerWriter(this.folder, name);
    const opened = openLayers(this.folder, unit.layers);
    try {
      const keyframer = new Keyframer(store, every, startLsn, endLsn, writer);
      for (const page of mergedPages(keyCursors(opened))) keyframer.page(page);
      keyframer.flush();
      return { name, startLsn, endLsn, level, images: writer.images, bytes: writer.finish() };
    } catch (error) {
      writer.abandon();
      if (!(error instanceof WalscopeError) || error.code.startsWith('layer.')) throw error;
      this.summary.findings.push({ code: 'images.no_wal', message: `no page images from ${formatLsn(startLsn)} to ${formatLsn(endLsn)}: ${error.message}`, place: error.options.place });
      return undefined;
    } finally {
      for (const { layer } of opened) layer.close();
      store.close();
    }
  }

  private replaceImages(gone: readonly ManifestImages[], come: readonly ManifestImages[]): void {
    const { manifest } = this.options;
    const images = [...(manifest.images ?? []).filter((entry) => !gone.includes(entry)), ...come].sort((a, b) => a.startLsn - b.startLsn);
    if (images.length > 0) manifest.images = images;
    else delete manifest.images;
    for (const entry of come) this.summary.bytesWritten += entry.bytes;
  }

  private commit(): void {
    writeManifest(this.options.caseDir, this.options.manifest);
    removeUnnamed(this.folder, this.options.manifest);
  }

  private async turn(what: string): Promise<void> {
    this.options.onProgress?.(0, what);
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.options.signal?.aborted) return;
    throw interruptedToResume();
  }
}
