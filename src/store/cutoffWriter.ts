/**
 * Writes a cutoff: what a base backup as of its moment would hold other than the one below it. Pages that records touched since, sizes of forks,
 * CLOG and multixact files, relation maps; and older images that those of later moments refer to.
 */
import { compareRelFork } from '../layerfile/deltaLayer.js';
import { ImageLayerWriter, type ForkState, type StoredImage } from '../layerfile/imageLayer.js';
import type { ManifestCutoff } from '../layerfile/manifest.js';
import { clogPageOf } from '../pg/clogPage.js';
import { DEFAULTTABLESPACE_OID, formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import { WalscopeError } from '../util/errors.js';
import { upperHex } from '../util/hex.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import type { CaseStore } from './caseStore.js';
import { CutoffImages } from './cutoffImages.js';
import { EventKind } from './layerEvents.js';
import { ImageMaker } from './imageMaker.js';
import type { RelationState } from './relationState.js';
import { SLRU_FOLDER, SLRU_SPC_OID, slruFile, type Slru } from './slruKeys.js';
import type { UsableBackup } from './sources.js';

const BLCKSZ = 8192;

/** `000000000A000028.cutoff` */
export function cutoffName(lsn: Lsn): string {
  return `${upperHex(lsn, 16)}.cutoff`;
}

/** Images of a fork from before the cutoff that ones behind it refer to, by block. */
interface KeptImages {
  rel: RelFork;
  blocks: Map<number, StoredImage[]>;
}

/** Writes the cutoff of a case at `lsn` into `folder`; `backup`: path of the base backup below it. Throws `gc.unknown` where a page cannot be rebuilt. */
export function writeCutoff(store: CaseStore, lsn: Lsn, folder: string, backup: string): ManifestCutoff {
  return new CutoffWriter(store, lsn).write(folder, backup);
}

/** How many pages the cutoff of a case at `lsn` would hold. */
export function countCutoffPages(store: CaseStore, lsn: Lsn): number {
  return new CutoffWriter(store, lsn).count();
}

class CutoffWriter {
  private readonly below: UsableBackup;
  /** The cutoff that the backup below is, where it is one. */
  private readonly older: CutoffImages | undefined;
  private readonly forks: ForkState[] = [];

  constructor(private readonly store: CaseStore, private readonly lsn: Lsn) {
    this.below = store.backupFor(lsn);
    this.older = this.below.images instanceof CutoffImages ? this.below.images : undefined;
  }

  write(folder: string, backup: string): ManifestCutoff {
    const { store, lsn, older } = this;
    const name = cutoffName(lsn);
    const folders = store.directories.changed(this.below.redoLsn, lsn);
    const kept = this.keptImages();
    const writer = new ImageLayerWriter(folder, name);
    try {
      const maker = new ImageMaker(store, writer, ({ rel, block, unknown }) => {
        throw new WalscopeError('gc.unknown', `block ${block} of ${formatRelFork(rel)} cannot be rebuilt as of ${formatLsn(lsn)}: ${unknown!.rmgr} changed it at ${formatLsn(unknown!.lsn)}`, {
          hint: 'cut at another moment, or index a base backup that is later',
        });
      });
      for (const rel of this.allForks(folders, kept)) {
        const state = store.pages.relation(rel, lsn);
        const isLeftOut = store.pages.isLeftOut(rel) || (state.base?.kind === 'copy' && store.pages.isLeftOut(state.base.rel));
        this.forks.push({ rel, exists: state.exists, blocks: state.blocks, usesBackup: this.usesBackup(rel, state), isLeftOut });
        if (isLeftOut) continue;
        this.images(rel, state, kept.get(formatRelFork(rel))?.blocks ?? new Map<number, StoredImage[]>(), maker);
      }
      maker.flush();
      writer.cutoff(this.forks, this.files(folders));
      const replaced = new Map([...(older?.cutoff.replacedFolders ?? []), ...folders].map((pair) => [pair.join('/'), pair]));
      const databases = new Set(older?.cutoff.databases);
      for (const { kind, args } of store.layers.events) if (kind === EventKind.databaseCopy || kind === EventKind.databaseCreate) databases.add(args[1]!);
      const range = store.coverage.find((each) => lsn >= each.firstLsn && lsn <= each.lastLsn)!;
      return {
        lsn, time: store.lastTimeBefore(range, lsn), name, images: writer.images, bytes: writer.finish(), backup, hintBitsLogged: store.hintBitsLogged()(lsn),
        databases: [...databases].sort((a, b) => a - b), replacedFolders: [...replaced.values()],
      };
    } catch (error) {
      writer.abandon();
      throw error;
    }
  }

  count(): number {
    const forks = this.allForks(this.store.directories.changed(this.below.redoLsn, this.lsn), new Map());
    return forks.reduce((sum, rel) => {
      const state = this.store.pages.relation(rel, this.lsn);
      return state.exists && !this.store.pages.isLeftOut(rel) ? sum + this.ownBlocks(rel, state).length : sum;
    }, 0);
  }

  /** Whether pages that the cutoff has no image of are those of the backup at the bottom. */
  private usesBackup(rel: RelFork, state: RelationState): boolean {
    if (state.base?.kind !== 'backup') return false;
    return this.older?.forkState(rel)?.usesBackup ?? true;
  }

  /** Every fork that may differ from the backup, sorted; SLRUs are files. */
  private allForks(folders: readonly [number, number][], kept: ReadonlyMap<string, KeptImages>): RelFork[] {
    const { layers } = this.store;
    const forks = new Map<string, RelFork>();
    const add = (rel: RelFork): void => {
      if (rel.spcOid !== SLRU_SPC_OID) forks.set(formatRelFork(rel), rel);
    };
    layers.entries.forEach((entry, i) => {
      if (entry.startLsn < this.lsn && entry.endLsn > this.below.redoLsn) [...layers.layer(i).relations, ...layers.layer(i).leftOut].forEach(add);
    });
    for (const { rel } of this.older?.forkStates() ?? []) add(rel);
    for (const { rel } of kept.values()) add(rel);
    this.copiedForks(folders).forEach(add);
    return [...forks.values()].sort(compareRelFork);
  }

  /** Forks of databases that were created as copies of files: no record names them. */
  private copiedForks(folders: readonly [number, number][]): RelFork[] {
    const { store, below, lsn } = this;
    const copies = folders.flatMap(([spcOid, dbOid]) => store.directories.copySources(spcOid, dbOid, below.redoLsn, lsn).map((source) => ({ spcOid, dbOid, source })));
    if (copies.length === 0) return [];
    const all = [...below.images.forks(), ...store.layers.entries.flatMap((_, i) => store.layers.layer(i).relations)];
    return copies.flatMap(({ spcOid, dbOid, source }) =>
      all.filter((rel) => rel.spcOid === source.spcOid && rel.dbOid === source.dbOid).map((rel) => ({ spcOid, dbOid, relNumber: rel.relNumber, fork: rel.fork })));
  }

  /** Images of the pages of a fork that are not those of the backup at the bottom. */
  private images(rel: RelFork, state: RelationState, kept: ReadonlyMap<number, StoredImage[]>, maker: ImageMaker): void {
    const own = new Set(state.exists ? this.ownBlocks(rel, state) : []);
    for (const block of [...new Set([...own, ...kept.keys()])].sort((a, b) => a - b)) {
      maker.addOne(rel, block, state, own.has(block) ? this.lsn : undefined, kept.get(block) ?? []);
      maker.turn();
    }
  }

  private ownBlocks(rel: RelFork, state: RelationState): number[] {
    const blocks = new Set<number>();
    const count = (from: number, to: number): void => {
      for (let block = from; block < Math.min(to, state.blocks); block++) blocks.add(block);
    };
    if (state.base?.kind === 'copy') count(0, state.blocks);
    for (const block of this.older?.ownBlocks(rel) ?? []) if (block < state.blocks) blocks.add(block);
    this.store.pages.changes(rel, 0, state.blocks, this.below.redoLsn, this.lsn, (block) => blocks.add(block));
    // what was cut off and came back is zeros until a record fills it
    for (const truncation of state.truncations) count(truncation.blocks, this.below.images.forkBlocks(rel) ?? 0);
    return [...blocks];
  }

  /** Images that would be dropped, though ones that stay refer to them. */
  private keptImages(): Map<string, KeptImages> {
    const kept = new Map<string, KeptImages>();
    const { images } = this.store;
    for (const [i, entry] of images.entries.entries()) {
      if (entry.endLsn <= this.lsn) continue;
      for (const { rel, block, image: { baseLsn } } of images.layer(i).all()) {
        if (baseLsn === null || baseLsn > this.lsn) continue;
        const key = formatRelFork(rel);
        if (!kept.has(key)) kept.set(key, { rel, blocks: new Map() });
        const { blocks } = kept.get(key)!;
        const list = blocks.get(block) ?? [];
        if (list.some(({ lsn }) => lsn === baseLsn)) continue;
        const base = images.storedAt(rel, block, baseLsn);
        blocks.set(block, [...list, { ...base, bytes: base.bytes.slice() }].sort((a, b) => a.lsn - b.lsn));
      }
    }
    return kept;
  }

  /** CLOG and multixact files, relation maps: whole, where a page of them changed; by path. */
  private files(folders: readonly [number, number][]): { path: string; bytes: Uint8Array }[] {
    const { store, lsn, below } = this;
    const files = new Map<string, Uint8Array>(this.older?.ownFiles());
    const snapshot = store.snapshot(lsn);
    const put = (folder: string, page: number, bytes: Uint8Array): void => {
      const { path: file, offset } = slruFile(folder, page);
      const known = files.get(file) ?? below.images.readFile(file) ?? new Uint8Array(0);
      const whole = known.length >= offset + BLCKSZ ? known.slice() : Buffer.concat([known, new Uint8Array(offset + BLCKSZ - known.length)]);
      whole.set(bytes, offset);
      files.set(file, whole);
    };
    for (const page of this.clogPages()) put('pg_xact', page, snapshot.clogPage(page));
    for (const kind of Object.keys(SLRU_FOLDER).map(Number) as Slru[]) {
      const rel: RelFork = { spcOid: SLRU_SPC_OID, dbOid: 0, relNumber: kind, fork: 0 };
      const pages = new Set<number>();
      store.pages.changes(rel, 0, 0x1_0000_0000, below.redoLsn, lsn, (page) => pages.add(page));
      for (const page of [...pages].sort((a, b) => a - b)) put(SLRU_FOLDER[kind], page, store.pages.getPage(rel, page, lsn)!.page.bytes);
    }
    const maps = new Map<string, [number, number]>(folders.map((pair) => [pair.join('/'), pair]));
    for (const event of store.layers.events) {
      if (event.kind !== EventKind.relmap || event.lsn < below.redoLsn || event.lsn >= lsn) continue;
      const pair: [number, number] = event.args[1] === 0 ? [DEFAULTTABLESPACE_OID, 0] : [event.args[0]!, event.args[1]!];
      maps.set(pair.join('/'), pair);
    }
    for (const [spcOid, dbOid] of maps.values()) {
      const bytes = snapshot.relMapBytes(spcOid, dbOid, lsn);
      if (bytes) files.set(snapshot.relMapPath(spcOid, dbOid), bytes.slice());
    }
    return [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([file, bytes]) => ({ path: file, bytes }));
  }

  private clogPages(): number[] {
    const { store, lsn, below } = this;
    const pages = new Set<number>();
    for (const row of store.transactions.rows(below.redoLsn, lsn)) for (const xid of [row.xid, ...row.subxids]) if (xid !== 0) pages.add(clogPageOf(xid));
    for (const i of store.layers.overlapping(below.redoLsn, lsn)) for (const { page, lsn: at } of store.layers.layer(i).clogZeroes) if (at < lsn && at >= below.redoLsn) pages.add(page);
    return [...pages].sort((a, b) => a - b);
  }
}
