/**
 * An index run divided among processes or machines. Stripes are independent of each other, so each part builds the layers of a run of them (the
 * map step); merging is an index run that finds these layers instead of building them (the reduce step), and so ends with the same bytes.
 */
import path from 'node:path';
import type { LsnRange } from '../archive/timelineWal.js';
import { adoptFile, makeFolder, removeStrays } from '../layerfile/durable.js';
import type { Manifest } from '../layerfile/manifest.js';
import { readShard, writeShard, type ShardFile, type ShardStripe } from '../layerfile/shardFile.js';
import { ExitCode, inputError, WalscopeError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import type { BuiltLayer } from './buildLayer.js';
import { LAYERS_FOLDER } from './caseStore.js';
import { WAL_FOLDER } from './caseWal.js';
import { plainError, reviveError, type PlainError } from './plainError.js';
import { stripesBetween } from './stripes.js';

/** What a killed run loses at most, but for the stripes in hand. */
export const SAVE_EVERY_MS = 1000;

/** Part `part`, from 1, of `of`. */
export interface ShardPart {
  part: number;
  of: number;
}

type PlainEnd = Omit<NonNullable<BuiltLayer['end']>, 'error'> & { error: PlainError };

function toStripe(from: Lsn, { end, layer, pack, position, firstPrevLsn, lastLsn }: BuiltLayer): ShardStripe {
  return { from, layer: layer ?? null, pack: pack ?? null, position, firstPrevLsn, lastLsn, end: end ? { ...end, error: plainError(end.error) } : null };
}

function fromStripe({ layer, pack, position, firstPrevLsn, lastLsn, end }: ShardStripe): BuiltLayer {
  const plain = end as PlainEnd | null;
  return { layer: layer ?? undefined, pack: pack ?? undefined, position, firstPrevLsn, lastLsn, end: plain ? { ...plain, error: reviveError(plain.error) } : undefined };
}

/** The stripes of a part: of all from `start` to the end of the WAL, a run of about equal length. */
function stripesOf({ part, of }: ShardPart, start: Lsn, walEnd: Lsn): Lsn[] {
  const all = stripesBetween(start, walEnd);
  return all.slice(Math.floor((all.length * (part - 1)) / of), Math.floor((all.length * part) / of));
}

/** What tells that two parts are of one run. */
function identityOf({ systemIdentifier, major, timelines, walStore }: Pick<Manifest, 'systemIdentifier' | 'major' | 'timelines' | 'walStore'>): string {
  return JSON.stringify([systemIdentifier, major, timelines.map(({ timeline, start }) => [timeline, start]), walStore]);
}

/** A part in the making: its folder, resumed where it was begun before. */
export class ShardBuild {
  /** Stripes that are still to be built. */
  readonly due: Lsn[];
  private readonly state: ShardFile;
  private written = -Infinity;

  /** Throws `shard.other` where the folder holds another part. */
  constructor(private readonly folder: string, part: ShardPart, manifest: Manifest, start: Lsn, coverage: readonly LsnRange[]) {
    const walEnd = (coverage.at(-1)?.end ?? start) as Lsn;
    const { systemIdentifier, major, timelines, walStore } = manifest;
    const known = readShard(folder);
    if (known && (known.part !== part.part || known.of !== part.of || identityOf(known) !== identityOf(manifest))) {
      throw new WalscopeError('shard.other', `${folder} holds part ${known.part} of ${known.of} of another run`, { exitCode: ExitCode.usage, hint: 'give each part a directory of its own with -C' });
    }
    // what ended with the WAL that was there is built again when there is more
    const stripes = (known?.stripes ?? []).filter((stripe) => stripe.end === null || known!.walEnd === walEnd);
    this.state = { systemIdentifier, major, timelines, walStore, ...part, walEnd, stripes };
    this.due = stripesOf(part, start, walEnd).filter((from) => !stripes.some((stripe) => stripe.from === from));
    this.save();
  }

  get stripes(): readonly ShardStripe[] { return this.state.stripes; }

  /** Takes a stripe in; it stands in the file a second later at most, or after `save`. */
  add(from: Lsn, built: BuiltLayer): void {
    this.state.stripes.push(toStripe(from, built));
    if (performance.now() - this.written > SAVE_EVERY_MS) this.write();
  }

  private write(): void {
    this.state.stripes.sort((a, b) => a.from - b.from);
    writeShard(this.folder, this.state);
    this.written = performance.now();
  }

  /** Writes the state, and removes what it does not name. */
  save(): void {
    this.write();
    for (const [name, files] of [[LAYERS_FOLDER, this.stripes.map(({ layer }) => layer?.name)], [WAL_FOLDER, this.stripes.map(({ pack }) => pack?.name)]] as const) {
      makeFolder(path.join(this.folder, name));
      removeStrays(path.join(this.folder, name), new Set(files.filter((file) => file !== undefined)));
    }
  }
}

/** Parts that are merged: the layers that they built, by stripe. */
export class Shards {
  private readonly stripes = new Map<Lsn, { folder: string; stripe: ShardStripe }>();

  /** Throws `shard.none`, `shard.other` or `shard.missing` where the folders are not all parts of this run. */
  constructor(folders: readonly string[], manifest: Manifest, coverage: readonly LsnRange[]) {
    const walEnd = coverage.at(-1)?.end;
    const parts = new Map<number, number>();
    for (const folder of folders) {
      const shard = readShard(folder);
      if (!shard) throw inputError('shard.none', `${folder} holds no part of an index run`, { file: folder }, 'make it with walscope index --shard I/N -C DIR');
      const [of = shard.of] = parts.values();
      if (identityOf(shard) !== identityOf(manifest) || of !== shard.of) {
        throw inputError('shard.other', `${folder} holds a part of another run: the cluster, its timelines, --wal-store or the number of parts differ`, { file: folder }, 'run all parts, and the merge, with the same options over the same archive');
      }
      parts.set(shard.part, shard.of);
      for (const stripe of shard.stripes) if (stripe.end === null || shard.walEnd === walEnd) this.stripes.set(stripe.from, { folder, stripe });
    }
    const of = [...parts.values()][0]!;
    const missing = Array.from({ length: of }, (_, i) => i + 1).filter((part) => !parts.has(part));
    if (missing.length > 0) throw inputError('shard.missing', `of ${of} parts, ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not among the directories`, {}, 'name the directories of all parts after --merge');
  }

  /** Takes the layer of a stripe into the case; undefined where no part has it: it must be built. */
  take(from: Lsn, caseDir: string): BuiltLayer | undefined {
    const found = this.stripes.get(from);
    if (!found) return undefined;
    const { folder, stripe } = found;
    if (stripe.layer) adoptFile(path.join(folder, LAYERS_FOLDER, stripe.layer.name), path.join(caseDir, LAYERS_FOLDER, stripe.layer.name));
    if (stripe.pack) adoptFile(path.join(folder, WAL_FOLDER, stripe.pack.name), path.join(caseDir, WAL_FOLDER, stripe.pack.name));
    return fromStripe(stripe);
  }
}
