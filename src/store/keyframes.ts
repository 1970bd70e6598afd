/**
 * Keyframes: images of pages whose chain of records has become long, so that the work of a read is bounded whatever the history's length.
 * A page gets one before every Nth record since its last full image, init or keyframe. Which pages and where follows from the keys alone;
 * the records are then read from the WAL once for some hundred pages at a time, in LSN order.
 */
import { ENTRY_STARTS_CHAIN } from '../layerfile/deltaLayer.js';
import type { PageEntries } from '../layerfile/deltaParts.js';
import type { ImageLayerWriter } from '../layerfile/imageLayer.js';
import type { RelFork } from '../pg/relFileLocator.js';
import { countWhile } from '../util/countWhile.js';
import type { Lsn } from '../util/lsn.js';
import type { CaseStore } from './caseStore.js';
import { ImageMaker, type ImageTarget } from './imageMaker.js';
import type { ChainEntry } from './pageStore.js';
import type { RelationState } from './relationState.js';

/** Measured: docs/adr/0014-keyframes.md. */
export const DEFAULT_KEYFRAME_EVERY = 512;

/** A stretch of WAL whose pages are looked at: all their entries in [startLsn, endLsn) come through `page`, by key. */
export class Keyframer {
  private readonly maker: ImageMaker;
  /** The first moment of the stretch that can be answered: where a base backup becomes consistent. */
  private readonly firstMoment: Lsn;

  /**
   * `store`: a case whose images all lie before `startLsn`, and whose backups became consistent where they did.
   * `every`: records a chain may have.
   */
  constructor(private readonly store: CaseStore, private readonly every: number, private readonly startLsn: Lsn, private readonly endLsn: Lsn, writer: ImageLayerWriter) {
    this.maker = new ImageMaker(store, writer);
    const first = store.coverage.find((range) => range.firstLsn > startLsn && range.firstLsn < endLsn)?.firstLsn ?? startLsn;
    this.firstMoment = (Math.ceil(first / 8) * 8) as Lsn;
  }

  page(page: PageEntries): void {
    const imageLsns = this.places(page);
    if (imageLsns.length === 0) return;
    for (const target of this.targets(page, imageLsns)) this.maker.add(target);
    this.maker.turn();
  }

  /** Writes what is in hand. */
  flush(): void {
    this.maker.flush();
  }

  /** Before which records the page gets an image; one for what came before the first moment that can be answered stands there. */
  private places(page: PageEntries): Lsn[] {
    const { count, lsns, bits } = page;
    const places: Lsn[] = [];
    let chain = (bits[0]! & ENTRY_STARTS_CHAIN) !== 0 ? 0 : this.earlierChain(page.rel, page.block);
    const place = (lsn: Lsn): void => {
      if (chain < this.every || !this.isAnswerable(lsn)) return;
      places.push(lsn);
      chain = 0;
    };
    for (let i = 0; i < count; i++) {
      const lsn = lsns[i]! as Lsn;
      if (lsn >= this.firstMoment && (i === 0 || lsns[i - 1]! < this.firstMoment)) place(this.firstMoment);
      if ((bits[i]! & ENTRY_STARTS_CHAIN) !== 0) chain = 0;
      else place(lsn);
      chain++;
    }
    if (lsns[count - 1]! < this.firstMoment) place(this.firstMoment);
    return places;
  }

  private isAnswerable(lsn: Lsn): boolean {
    return this.store.coverage.some((range) => lsn >= range.firstLsn && lsn <= range.lastLsn);
  }

  /** Records of the page before the stretch, since its chain began or its last image; counted to `every` at most. */
  private earlierChain(rel: RelFork, block: number): number {
    const { layers, images } = this.store;
    const run = this.store.manifest.runs.findLast((each) => each.startLsn <= this.startLsn)!;
    const image = images.newest(rel, block, block + 1, run.startLsn, this.startLsn).get(block);
    const from = image?.lsn ?? run.startLsn;
    let chain = 0;
    for (const i of layers.withKeys(rel, block, block + 1, from, this.startLsn).reverse()) {
      let part = 0;
      let starts = false;
      layers.layer(i).entries(rel, block, block + 1, (_, lsn, bits) => {
        if (lsn < from || lsn >= this.startLsn) return;
        if ((bits & ENTRY_STARTS_CHAIN) !== 0) {
          starts = true;
          part = 0;
        }
        part++;
      });
      chain += part;
      if (starts || chain >= this.every) break;
    }
    return chain;
  }

  /** The state of the fork that holds at a position, and for as many later ones as can be: until the next backup becomes consistent. */
  private state(rel: RelFork, lsn: Lsn): RelationState {
    const { coverage, manifest, pages } = this.store;
    let horizon = Math.min(this.endLsn, coverage.find((range) => lsn >= range.firstLsn && lsn <= range.lastLsn)!.lastLsn) as Lsn;
    for (const { consistentLsn } of manifest.backups) if (consistentLsn !== null && consistentLsn > lsn && consistentLsn - 8 < horizon) horizon = (consistentLsn - 8) as Lsn;
    const state = pages.relation(rel, horizon);
    // an earlier relation of the same number: it is gone at the horizon
    return lsn > state.floorLsn ? state : pages.relation(rel, lsn);
  }

  /** One target for all images that stand on the same base; several where the relation began anew in between. */
  private targets(page: PageEntries, imageLsns: readonly Lsn[]): ImageTarget[] {
    const targets: ImageTarget[] = [];
    const rel = { ...page.rel };
    const { block } = page;
    let target: ImageTarget | undefined;
    let before: { state: RelationState; lsn: Lsn } | undefined;
    for (const lsn of imageLsns) {
      const state = this.state(page.rel, lsn);
      if (!state.exists) continue;
      if (!target || before?.state !== state) targets.push((target = this.maker.begin(rel, block, state, lsn)));
      else target.entries.push(...between(page, before.lsn, lsn));
      for (const truncation of state.truncations) {
        if (truncation.blocks <= block && truncation.lsn < lsn && before?.state === state && truncation.lsn >= before.lsn) target.resets.push(truncation.lsn);
      }
      target.imageLsns.push(lsn);
      before = { state, lsn };
    }
    return targets;
  }
}

function* between(page: PageEntries, from: Lsn, to: Lsn): Generator<ChainEntry> {
  for (let i = countWhile(page.count, (n) => page.lsns[n]! < from); i < page.count && page.lsns[i]! < to; i++) yield { lsn: page.lsns[i]! as Lsn, bits: page.bits[i]! };
}
