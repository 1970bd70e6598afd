/**
 * The cluster at a cutoff, as a base backup: what retention wrote of the pages, sizes and small files that had changed by then, over the base
 * backup that holds the rest.
 */
import { decodeImage, type ForkState, type ImageLayer } from '../layerfile/imageLayer.js';
import type { ManifestCutoff } from '../layerfile/manifest.js';
import { formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import type { BaseImages } from './sources.js';

export class CutoffImages implements BaseImages {
  private readonly states = new Map<string, ForkState>();
  private readonly files: Map<string, Uint8Array>;
  /** Folders of databases that are not as the backup has them: new, copied or gone. */
  private readonly replaced: Set<string>;
  readonly hintBitsLogged: boolean;
  readonly dataChecksums: boolean;

  constructor(readonly cutoff: ManifestCutoff, readonly layer: ImageLayer, readonly backup: BaseImages) {
    for (const fork of layer.forks()) this.states.set(formatRelFork(fork.rel), fork);
    this.files = layer.files();
    this.replaced = new Set(cutoff.replacedFolders.map(([spcOid, dbOid]) => `${spcOid}/${dbOid}`));
    this.hintBitsLogged = cutoff.hintBitsLogged;
    this.dataChecksums = backup.dataChecksums;
  }

  /** The forks that the cutoff knows itself. */
  forkStates(): Iterable<ForkState> {
    return this.states.values();
  }

  forkState(rel: RelFork): ForkState | undefined {
    return this.states.get(formatRelFork(rel));
  }

  /** The files that the cutoff holds itself. */
  ownFiles(): ReadonlyMap<string, Uint8Array> {
    return this.files;
  }

  private isReplaced(rel: RelFork): boolean {
    return this.replaced.has(`${rel.spcOid}/${rel.dbOid}`);
  }

  forkBlocks(rel: RelFork): number | undefined {
    const fork = this.forkState(rel);
    if (fork) return fork.exists ? fork.blocks : undefined;
    return this.isReplaced(rel) ? undefined : this.backup.forkBlocks(rel);
  }

  readBlock(rel: RelFork, block: number, into: Uint8Array): boolean {
    const page = this.ownPage(rel, block);
    if (page) {
      into.set(page);
      return true;
    }
    const fork = this.forkState(rel);
    return (fork ? fork.usesBackup : !this.isReplaced(rel)) && this.backup.readBlock(rel, block, into);
  }

  /** The page where the cutoff has it itself. */
  private ownPage(rel: RelFork, block: number): Uint8Array | undefined {
    const ordinal = this.layer.ordinal(rel);
    let page: Uint8Array | undefined;
    if (ordinal >= 0) {
      this.layer.images(ordinal, block, block + 1, (_, image) => {
        if (image.lsn === this.cutoff.lsn) page = decodeImage(image, undefined);
      });
    }
    return page;
  }

  /** The blocks of a fork that the cutoff has itself, ascending. */
  ownBlocks(rel: RelFork): number[] {
    const blocks: number[] = [];
    const ordinal = this.layer.ordinal(rel);
    if (ordinal >= 0) {
      this.layer.images(ordinal, 0, 0x1_0000_0000, (block, image) => {
        if (image.lsn === this.cutoff.lsn) blocks.push(block);
      });
    }
    return blocks;
  }

  readFile(path: string): Uint8Array | undefined {
    return this.files.get(path) ?? this.backup.readFile(path);
  }

  forks(): RelFork[] {
    const others = this.backup.forks().filter((rel) => !this.isReplaced(rel) && !this.states.has(formatRelFork(rel)));
    return [...others, ...[...this.states.values()].filter(({ exists }) => exists).map(({ rel }) => rel)];
  }

  databaseOids(): number[] {
    return [...new Set([...this.backup.databaseOids(), ...this.cutoff.databases])];
  }
}
