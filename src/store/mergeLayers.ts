/** Merges delta layers that follow one another into one of the next level. Streams; what it writes follows from the inputs alone. */
import path from 'node:path';
import { compareRelFork, DeltaLayer, ordinalOf } from '../layerfile/deltaLayer.js';
import { KeyCursor, KeyPartWriter, PART_BYTES, writeLogPart, type MergeTarget, type PageEntries } from '../layerfile/deltaParts.js';
import { ImageLayer, imageLayerName, ImageLayerWriter, type PlacedImage } from '../layerfile/imageLayer.js';
import type { ManifestImages, ManifestLayer } from '../layerfile/manifest.js';
import type { RelFork } from '../pg/relFileLocator.js';
import type { DueMerge } from './levels.js';

/** A layer and its place in the manifest. */
export interface OpenLayer {
  entry: ManifestLayer;
  layer: DeltaLayer;
}

export function openLayers(folder: string, entries: readonly ManifestLayer[]): OpenLayer[] {
  return entries.map((entry) => ({ entry, layer: new DeltaLayer(path.join(folder, entry.name), entry.startLsn, entry.endLsn) }));
}

/** Every fork once, in order. */
export function sortedForks(forks: RelFork[]): RelFork[] {
  return forks.sort(compareRelFork).filter((rel, i, all) => i === 0 || compareRelFork(all[i - 1]!, rel) !== 0);
}

/** Writes the parts of the merge into `folder`; gives what the manifest shall name. Keys of forks in `leftOut` are not taken over. */
export function mergeLayers(folder: string, due: DueMerge, leftOut: RelFork[] = []): ManifestLayer[] {
  const opened = openLayers(folder, due.inputs);
  try {
    const target: MergeTarget = { folder, startLsn: due.startLsn, endLsn: due.endLsn, level: due.level, leftOut: sortedForks([...leftOut, ...opened.flatMap(({ layer }) => layer.leftOut)]) };
    const logs = opened.filter(({ entry }) => !entry.keyRange);
    const { name, bytes } = writeLogPart(target, logs.map(({ layer }) => layer));
    const rows = logs.map(({ entry }) => entry);
    const times = rows.map((entry) => entry.maxTime).filter((time) => time !== null);
    const log: ManifestLayer = {
      name, bytes, startLsn: due.startLsn, endLsn: due.endLsn, lastLsn: rows.at(-1)!.lastLsn, records: sum(rows, 'records'), keys: 0, xacts: sum(rows, 'xacts'),
      firstTime: rows.find((entry) => entry.firstTime !== null)?.firstTime ?? null, lastTime: rows.findLast((entry) => entry.lastTime !== null)?.lastTime ?? null,
      maxTime: times.length > 0 ? times.reduce((a, b) => Math.max(a, b)) : null, level: due.level,
      ...(target.leftOut.length > 0 ? { leftOut: target.leftOut.length } : {}),
    };
    return [log, ...mergeKeys(target, keyCursors(opened))];
  } finally {
    for (const { layer } of opened) layer.close();
  }
}

function sum(entries: readonly ManifestLayer[], field: 'records' | 'xacts'): number {
  return entries.reduce((total, entry) => total + entry[field], 0);
}

/** Cursors over the keys of open layers: one for all parts of the same stretch of WAL, by LSN. */
export function keyCursors(opened: readonly OpenLayer[]): KeyCursor[] {
  const byStart = new Map<number, DeltaLayer[]>();
  for (const { entry, layer } of opened) {
    if (entry.level !== undefined && !entry.keyRange) continue;
    const parts = byStart.get(entry.startLsn);
    if (parts) parts.push(layer);
    else byStart.set(entry.startLsn, [layer]);
  }
  return [...byStart].sort(([a], [b]) => a - b).map(([, parts]) => new KeyCursor(parts));
}

function mergeKeys(target: MergeTarget, all: KeyCursor[]): ManifestLayer[] {
  const parts: ManifestLayer[] = [];
  let writer: KeyPartWriter | undefined;
  try {
    for (const page of mergedPages(all)) {
      if (ordinalOf(target.leftOut, page.rel) >= 0) continue;
      writer ??= new KeyPartWriter(target, parts.length + 1);
      writer.page(page);
      if (writer.bytes < PART_BYTES) continue;
      parts.push(writer.finish());
      writer = undefined;
    }
    if (writer) parts.push(writer.finish());
    return parts;
  } catch (error) {
    writer?.abandon();
    throw error;
  }
}

/** Every page of the cursors in key order, with its entries in LSN order: earlier cursors have the earlier WAL. */
export function* mergedPages(all: readonly KeyCursor[]): Generator<PageEntries> {
  let live = all.filter((cursor) => cursor.next());
  while (live.length > 0) {
    let first = live[0]!;
    for (const cursor of live) if (comparePages(cursor, first) < 0) first = cursor;
    const same = live.filter((cursor) => cursor !== first && comparePages(cursor, first) === 0);
    for (const cursor of same) first.append(cursor);
    yield first;
    const done = [first, ...same].filter((cursor) => !cursor.next());
    if (done.length > 0) live = live.filter((cursor) => !done.includes(cursor));
  }
}

function comparePages(a: { rel: RelFork; block: number }, b: { rel: RelFork; block: number }): number {
  return compareRelFork(a.rel, b.rel) || a.block - b.block;
}

/** Merges image layers that follow one another: the images move as they are. */
export function mergeImages(folder: string, due: DueMerge, inputs: readonly ManifestImages[]): ManifestImages {
  const { startLsn, endLsn, level } = due;
  const name = imageLayerName(startLsn, endLsn, level);
  const writer = new ImageLayerWriter(folder, name);
  const opened = inputs.map((entry) => new ImageLayer(path.join(folder, entry.name), entry.startLsn, entry.endLsn));
  try {
    const heads = opened.map((layer) => {
      const iterator = layer.all();
      return { iterator, next: iterator.next() };
    });
    for (;;) {
      let first: (typeof heads)[number] | undefined;
      for (const head of heads) if (!head.next.done && (!first || comparePages(head.next.value, first.next.value as PlacedImage) < 0)) first = head;
      if (!first) break;
      const { rel, block, image } = first.next.value as PlacedImage;
      writer.add(rel, block, image);
      first.next = first.iterator.next();
    }
    return { name, startLsn, endLsn, level, images: writer.images, bytes: writer.finish() };
  } catch (error) {
    writer.abandon();
    throw error;
  } finally {
    for (const layer of opened) layer.close();
  }
}
