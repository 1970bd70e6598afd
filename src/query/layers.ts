/** What the layer files of a case hold, and its packed WAL. */
import path from 'node:path';
import { type DeltaLayer, ENTRY_IMPLICIT, ENTRY_STARTS_CHAIN, SizeEventKind, XactKind } from '../layerfile/deltaLayer.js';
import type { ImageLayer } from '../layerfile/imageLayer.js';
import type { ManifestPack } from '../layerfile/manifest.js';
import { WalPageKind } from '../layerfile/walFrame.js';
import { ForkNumber, formatRelFork } from '../pg/relFileLocator.js';
import { XLOG_BLCKSZ } from '../pg/xlogPage.js';
import { XLogRecord } from '../pg/xlogRecord.js';
import { waldumpLine } from '../redo/waldumpText.js';
import { checkPack, openPack } from '../store/caseWal.js';
import { EventKind } from '../store/layerEvents.js';
import { checkLayerFile, layerFiles } from '../store/layerFiles.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import type { Session } from './session.js';

export interface LayerSummary {
  name: string;
  startLsn: Lsn;
  endLsn: Lsn;
  records: number;
  /** Keys, or page images. */
  keys: number;
  bytes: number;
  /** Payload bytes and blocks a section, in file order. */
  sections: { section: string; blocks: number; bytes: number }[];
}

/** Every layer, in LSN order: those of keys, then those of page images. */
export function listLayers(session: Session): LayerSummary[] {
  const { layers, images } = session.store;
  return [
    ...layers.entries.map((entry, i) => ({ ...entry, sections: layers.layer(i).describe() })),
    ...images.entries.map((entry, i) => ({ ...entry, records: 0, keys: entry.images, sections: images.layer(i).describe() })),
  ];
}

/** Every frame, and of every page what is kept of its header. */
function* dumpPack(session: Session, entry: ManifestPack): Generator<string> {
  const pack = openPack(session.store.caseDir, entry);
  yield `pack ${entry.name}: PostgreSQL ${pack.identity.major}, ${formatLsn(entry.startLsn)} to ${formatLsn(entry.endLsn)}, ${pack.frameCount} frames, ${pack.bytes} bytes`;
  for (const { lsn, storedBytes, walBytes, pages } of pack.describe()) {
    yield `frame ${formatLsn(lsn)}: ${walBytes} bytes of WAL in ${storedBytes}`;
    for (const [i, { kind, timeline, info, remLen, payload }] of pages.entries()) {
      const header = kind === WalPageKind.zeros ? 'zeros' : kind === WalPageKind.verbatim ? 'verbatim' : `timeline ${timeline} info ${info} rem_len ${remLen}`;
      yield `page ${formatLsn((lsn + i * XLOG_BLCKSZ) as Lsn)}: ${header}${kind === WalPageKind.zeros ? '' : ` payload ${payload}`}`;
    }
  }
  pack.close();
}

/** The name of a layer or pack that the case has; a usage error where it has none of that name. */
export function findLayer(session: Session, name: string): string {
  const wanted = path.basename(name);
  const { layers, images, manifest } = session.store;
  if ([...layers.entries, ...images.entries, ...manifest.packs].some((entry) => entry.name === wanted)) return wanted;
  throw new WalscopeError('layer.unknown', `the case has no layer ${name}`, { exitCode: ExitCode.usage, hint: 'walscope layers lists them' });
}

/** Reads every block of the layers and checks it; what is damaged, and which file it is in. */
export function verifyLayers(session: Session, only?: string): { name: string; findings: Finding[] }[] {
  const { caseDir, manifest } = session.store;
  const files = [
    ...layerFiles(manifest).map((file) => ({ name: file.name, check: () => checkLayerFile(caseDir, file) })),
    ...manifest.packs.map((entry) => ({ name: entry.name, check: () => checkPack(caseDir, entry) })),
  ];
  return files.filter(({ name }) => only === undefined || name === only)
    .map(({ name, check }) => ({ name, findings: check().map(({ code, message, options }) => ({ code, message, place: options.place })) }));
}

function nameOf(kinds: Record<string, number>, kind: number): string {
  return Object.keys(kinds).find((name) => kinds[name] === kind) ?? String(kind);
}

/** A layer or pack in words, a line an item, section by section. */
export function dumpLayer(session: Session, name: string): Generator<string> {
  const { layers, images, manifest } = session.store;
  const pack = manifest.packs.find((entry) => entry.name === name);
  if (pack) return dumpPack(session, pack);
  const index = layers.entries.findIndex((entry) => entry.name === name);
  return index >= 0 ? dumpDeltaLayer(session, index) : dumpImageLayer(session, images.entries.findIndex((entry) => entry.name === name));
}

function* dumpHead(entry: { name: string; startLsn: Lsn; endLsn: Lsn }, major: number, holds: string, layer: DeltaLayer | ImageLayer): Generator<string> {
  yield `layer ${entry.name}: PostgreSQL ${major}, ${formatLsn(entry.startLsn)} to ${formatLsn(entry.endLsn)}, ${holds}, ${layer.bytes} bytes`;
  for (const { section, blocks, bytes } of layer.describe()) yield `section ${section}: ${blocks} blocks, ${bytes} bytes`;
}

function* dumpImageLayer(session: Session, index: number): Generator<string> {
  const { images, manifest } = session.store;
  const entry = images.entries[index]!;
  const layer = images.layer(index);
  yield* dumpHead(entry, manifest.major, `${entry.images} images`, layer);
  for (const { rel, block, image } of layer.all()) {
    yield `image ${formatRelFork(rel)} block ${block} at ${formatLsn(image.lsn)}: ${image.bytes.length} bytes${image.baseLsn === null ? '' : ` on the image at ${formatLsn(image.baseLsn)}`}`;
  }
}

function* dumpDeltaLayer(session: Session, index: number): Generator<string> {
  const { layers, manifest } = session.store;
  const entry = layers.entries[index]!;
  const layer = layers.layer(index);
  yield* dumpHead(entry, manifest.major, `${entry.records} records`, layer);
  for (const rel of layer.relations) {
    const lines: string[] = [];
    let block = -1;
    layer.entries(rel, 0, 0x1_0000_0000, (at, lsn, bits) => {
      if (at !== block) lines.push(`key ${formatRelFork(rel)} block ${at}:`);
      block = at;
      const flags = `${(bits & ENTRY_STARTS_CHAIN) !== 0 ? '*' : ''}${(bits & ENTRY_IMPLICIT) !== 0 ? '~' : ''}`;
      lines[lines.length - 1] += ` ${formatLsn(lsn)}${flags}`;
    });
    yield* lines;
    for (const event of layer.sizeEvents(rel)) yield `size ${formatRelFork(rel)} ${formatLsn(event.lsn)} ${nameOf(SizeEventKind, event.kind)} ${event.blocks}`;
  }
  for (let b = 0; b < layer.transactionBlocks; b++) {
    for (const row of layer.transactionBlock(b)) {
      yield `xact ${formatLsn(row.lsn)} ${nameOf(XactKind, row.kind)} xid ${row.xid} database ${row.dbOid} ${formatTimestamptz(row.time, session.zone)}`
        + `${row.subxids.length > 0 ? ` subxids ${row.subxids.join(' ')}` : ''}${row.name ? ` ${JSON.stringify(row.name)}` : ''}${row.changes !== 0 ? ` changes ${row.changes}` : ''}`;
    }
  }
  for (const { lsn, page } of layer.clogZeroes) yield `clog ${page} ${formatLsn(lsn)} zeroed`;
  for (const event of layer.events()) yield `event ${formatLsn(event.lsn)} ${nameOf(EventKind, event.kind)} ${event.args.join(' ')}${event.text ? ` ${JSON.stringify(event.text)}` : ''}`;
  yield* dumpChanges(layer);
}

function* dumpChanges(layer: DeltaLayer): Generator<string> {
  for (const start of layer.changes.stripes) {
    const { shapes, open, messages, newestXids } = layer.changes.at(start);
    for (const [i, shape] of shapes.entries()) {
      yield `changes ${i + 1} from ${formatLsn(start)} on: ${shape.map((c) => `${formatRelFork({ ...c.relation, fork: ForkNumber.main })} +${c.inserted} ~${c.updated} -${c.deleted}`).join('; ')}`;
    }
    for (const { xid, changes } of open) yield `open xid ${xid} changes ${changes}`;
    for (const { lsn, xid } of messages) yield `message ${formatLsn(lsn)}${xid === 0 ? '' : ` xid ${xid}`}`;
    for (const { lsn, xid } of newestXids) yield `newest xid before ${formatLsn(lsn)}: ${xid}`;
  }
}

/** Reads `FROM..TO`; either may be left out. A usage error where it is no such range. */
export function recordRange(session: Session, text: string): { from: Lsn; to: Lsn } {
  const match = /^(.*?)\.\.(.*)$/s.exec(text);
  if (!match) throw new WalscopeError('usage.range', `"${text}" is not a range`, { exitCode: ExitCode.usage, hint: 'write --records 0/3A2F10..0/3B0000' });
  const bound = (part: string, otherwise: string): Lsn => session.moment(part === '' ? otherwise : part).lsn;
  return { from: bound(match[1]!, 'earliest'), to: bound(match[2]!, 'latest') };
}

/** The WAL records that begin in [from, to), as pg_waldump prints them. */
export function* recordLines(session: Session, from: Lsn, to: Lsn): Generator<string> {
  const reader = session.store.newReader();
  const record = new XLogRecord();
  if (reader.seek(from, record) === undefined) return;
  while (reader.next(record) && record.lsn < to) yield waldumpLine(record);
}
