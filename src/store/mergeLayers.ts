/** Merges delta layers that follow one another into one of the next level. Streams; what it writes follows from the inputs alone. */
import path from 'node:path';
import { compareRelFork, DeltaLayer } from '../layerfile/deltaLayer.js';
import { KeyCursor, KeyPartWriter, PART_BYTES, writeLogPart, type MergeTarget, type PageEntries } from '../layerfile/deltaParts.js';
import type { ManifestLayer } from '../layerfile/manifest.js';
import type { DueMerge } from './levels.js';

/** Writes the parts of the merge into `folder`; `onPage` sees every page with all its entries. Gives what the manifest shall name. */
export function mergeLayers(folder: string, due: DueMerge, options: { partBytes?: number; onPage?: (page: PageEntries) => void } = {}): ManifestLayer[] {
  const target: MergeTarget = { folder, startLsn: due.startLsn, endLsn: due.endLsn, level: due.level };
  const opened = due.inputs.map((entry) => ({ entry, layer: new DeltaLayer(path.join(folder, entry.name), entry.startLsn, entry.endLsn) }));
  try {
    const logs = opened.filter(({ entry }) => !entry.keyRange);
    const { name, bytes } = writeLogPart(target, logs.map(({ layer }) => layer));
    const rows = logs.map(({ entry }) => entry);
    const times = rows.map((entry) => entry.maxTime).filter((time) => time !== null);
    const log: ManifestLayer = {
      name, bytes, startLsn: due.startLsn, endLsn: due.endLsn, records: sum(rows, 'records'), keys: 0, xacts: sum(rows, 'xacts'),
      firstTime: rows.find((entry) => entry.firstTime !== null)?.firstTime ?? null, lastTime: rows.findLast((entry) => entry.lastTime !== null)?.lastTime ?? null,
      maxTime: times.length > 0 ? times.reduce((a, b) => Math.max(a, b)) : null, level: due.level,
    };
    return [log, ...mergeKeys(target, cursors(opened), options)];
  } finally {
    for (const { layer } of opened) layer.close();
  }
}

function sum(entries: readonly ManifestLayer[], field: 'records' | 'xacts'): number {
  return entries.reduce((total, entry) => total + entry[field], 0);
}

/** One cursor for all parts of the same stretch of WAL, by LSN. */
function cursors(opened: readonly { entry: ManifestLayer; layer: DeltaLayer }[]): KeyCursor[] {
  const byStart = new Map<number, DeltaLayer[]>();
  for (const { entry, layer } of opened) {
    if (entry.level !== undefined && !entry.keyRange) continue;
    const parts = byStart.get(entry.startLsn);
    if (parts) parts.push(layer);
    else byStart.set(entry.startLsn, [layer]);
  }
  return [...byStart].sort(([a], [b]) => a - b).map(([, parts]) => new KeyCursor(parts));
}

function mergeKeys(target: MergeTarget, all: KeyCursor[], { partBytes = PART_BYTES, onPage }: { partBytes?: number; onPage?: (page: PageEntries) => void }): ManifestLayer[] {
  const parts: ManifestLayer[] = [];
  let writer: KeyPartWriter | undefined;
  try {
    for (const page of mergedPages(all)) {
      writer ??= new KeyPartWriter(target, parts.length + 1);
      writer.page(page);
      onPage?.(page);
      if (writer.bytes < partBytes) continue;
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

function comparePages(a: PageEntries, b: PageEntries): number {
  return compareRelFork(a.rel, b.rel) || a.block - b.block;
}
