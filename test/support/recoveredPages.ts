/**
 * Everything that a real recovery left in its data directory, held against the same moment of a case: every page of every relation file,
 * sizes, transaction status, multixacts, commit timestamps and relation maps.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BLCKSZ, Page } from '../../src/pg/page.js';
import { parseRelFilePath, RELSEG_SIZE } from '../../src/pg/relFilePath.js';
import { ForkNumber, formatRelFork, type RelFork } from '../../src/pg/relFileLocator.js';
import { readRelMap } from '../../src/pg/relMap.js';
import { commitTimestamp, commitTsPagesOf, setCommitTs } from '../../src/redo/committs/redo.js';
import { parseCommitRecord } from '../../src/redo/xact/xlog.js';
import type { CaseStore } from '../../src/store/caseStore.js';
import { Slru, SLRU_PAGES_PER_SEGMENT, slruRelation } from '../../src/store/slruKeys.js';
import { isCommit } from '../../src/store/transactionLog.js';
import { formatLsn, type Lsn } from '../../src/util/lsn.js';

export interface RecoveredComparison {
  /** Pages compared, by fork name or SLRU. */
  pages: { main: number; vm: number; init: number; xact: number; offsets: number; members: number; commitTs: number };
  relations: number;
  relMaps: number;
  differences: string[];
}

/** Pages may differ in the checksum, which replay does not compute, and in nothing else. */
const CHECKSUM_AT = 8;

/** Relation files below the data directory, by path; tablespaces through their links. */
function relationFiles(dataDir: string): string[] {
  const folders = ['global', ...list(dataDir, 'base').map((db) => `base/${db}`)];
  for (const spc of list(dataDir, 'pg_tblspc')) {
    for (const version of list(dataDir, `pg_tblspc/${spc}`)) for (const db of list(dataDir, `pg_tblspc/${spc}/${version}`)) folders.push(`pg_tblspc/${spc}/${version}/${db}`);
  }
  return folders.flatMap((folder) => list(dataDir, folder).map((name) => `${folder}/${name}`));
}

function list(dataDir: string, folder: string): string[] {
  const path = join(dataDir, folder);
  return existsSync(path) && statSync(path).isDirectory() ? readdirSync(path) : [];
}

interface Commit {
  lsn: Lsn;
  xid: number;
  /** The commit timestamps' pages that it writes to. */
  pages: number[];
}

export function compareRecovered(store: CaseStore, upTo: Lsn, dataDir: string): RecoveredComparison {
  const comparison = new Comparison(store, upTo, dataDir);
  comparison.run();
  return comparison.result;
}

class Comparison {
  readonly result: RecoveredComparison = {
    pages: { main: 0, vm: 0, init: 0, xact: 0, offsets: 0, members: 0, commitTs: 0 }, relations: 0, relMaps: 0, differences: [],
  };
  private readonly seen = new Set<string>();
  private commits: Commit[] | undefined;
  /** Relations with an init fork: their main fork starts empty after a recovery, whatever the WAL says. */
  private readonly unlogged = new Set<string>();

  constructor(private readonly store: CaseStore, private readonly upTo: Lsn, private readonly dataDir: string) {}

  run(): void {
    const paths = relationFiles(this.dataDir);
    for (const path of paths) {
      const file = parseRelFilePath(path);
      if (file?.rel.fork === ForkNumber.init) this.unlogged.add(formatRelFork({ ...file.rel, fork: 0 }));
    }
    for (const path of paths) {
      const file = parseRelFilePath(path);
      if (!file || file.segment !== 0 || file.rel.fork === ForkNumber.fsm) continue;
      if (file.rel.fork !== ForkNumber.init && this.unlogged.has(formatRelFork({ ...file.rel, fork: 0 }))) continue;
      this.relation(file.rel, path);
    }
    this.ghosts();
    this.relMaps(paths);
    this.slru('xact', 'pg_xact', (page) => this.store.snapshot(this.upTo).clogPage(page));
    this.slru('offsets', 'pg_multixact/offsets', (page) => this.slruPage(Slru.multixactOffsets, page));
    this.slru('members', 'pg_multixact/members', (page) => this.slruPage(Slru.multixactMembers, page));
    this.slru('commitTs', 'pg_commit_ts', (page) => this.commitTsPage(page));
  }

  private slruPage(kind: Slru, page: number): Uint8Array {
    return this.store.pages.getPage(slruRelation(kind), page, this.upTo)!.page.bytes.slice();
  }

  /** Times are kept by commits: the page as its zero-page record left it, or the backup has it, with what commits since have set. */
  private commitTsPage(page: number): Uint8Array {
    const bytes = this.slruPage(Slru.commitTs, page);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const { lsn, xid, pages } of (this.commits ??= this.readCommits())) {
      if (!pages.includes(page)) continue;
      const record = this.store.wal.readRecord(lsn);
      const parsed = parseCommitRecord(record);
      setCommitTs(view, page, xid, parsed.subxacts, commitTimestamp(parsed), record.origin);
    }
    return bytes;
  }

  private readCommits(): Commit[] {
    const { redoLsn } = this.store.backupFor(this.upTo);
    return [...this.store.transactions.rows(redoLsn, this.upTo)].filter(isCommit).map(({ lsn, xid, subxids }) => ({ lsn, xid, pages: commitTsPagesOf(xid, subxids) }));
  }

  private differs(text: string): void {
    this.result.differences.push(text);
  }

  private relation(rel: RelFork, path: string): void {
    const name = formatRelFork(rel);
    this.seen.add(name);
    const bytes = this.readAll(path);
    const state = this.store.pages.relation(rel, this.upTo);
    if (!state.exists) {
      this.differs(`${name}: recovery has ${bytes.length / BLCKSZ} blocks, the case no such fork`);
      return;
    }
    this.result.relations++;
    const blocks = bytes.length / BLCKSZ;
    if (state.blocks !== blocks) this.differs(`${name}: ${state.blocks} blocks for ${blocks}`);
    let next = 0;
    this.store.pages.scan(rel, this.upTo, 0, blocks, (block, { page, unknown }) => {
      next = block + 1;
      if (unknown) this.differs(`${name} block ${block}: unknown after ${formatLsn(unknown.lsn)} (${unknown.rmgr})`);
      else this.page(`${name} block ${block}`, page, new Page(bytes.subarray(block * BLCKSZ, (block + 1) * BLCKSZ)));
    });
    this.result.pages[rel.fork === ForkNumber.vm ? 'vm' : rel.fork === ForkNumber.init ? 'init' : 'main'] += next;
  }

  private readAll(path: string): Uint8Array {
    const parts = [readFileSync(join(this.dataDir, path))];
    for (let segment = 1; parts.at(-1)!.length === RELSEG_SIZE * BLCKSZ && existsSync(join(this.dataDir, `${path}.${segment}`)); segment++) {
      parts.push(readFileSync(join(this.dataDir, `${path}.${segment}`)));
    }
    return Uint8Array.from(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
  }

  private page(where: string, ours: Page, real: Page): void {
    const lsns = `LSN ${formatLsn(ours.lsn)} for ${formatLsn(real.lsn)}`;
    const differing: number[] = [];
    for (let i = 0; i < BLCKSZ; i++) if (ours.bytes[i] !== real.bytes[i] && i >> 1 !== CHECKSUM_AT >> 1) differing.push(i);
    if (differing.length === 0) return;
    const some = differing.slice(0, 6).map((i) => `${i}:${ours.bytes[i]!.toString(16)}/${real.bytes[i]!.toString(16)}`).join(' ');
    this.differs(`${where}: ${differing.length} bytes differ, ${some}; ${lsns}; lower ${real.pdLower} upper ${real.pdUpper} special ${real.pdSpecial}`);
  }

  /** Relations that the case has and recovery does not. */
  private ghosts(): void {
    const { layers } = this.store;
    const names = new Map<string, RelFork>();
    for (let i = 0; i < layers.entries.length; i++) for (const rel of layers.layer(i).relations) names.set(formatRelFork(rel), rel);
    for (const [name, rel] of names) {
      if (this.seen.has(name) || rel.fork === ForkNumber.fsm || rel.spcOid === 0xffff_ffff) continue;
      if (rel.fork !== ForkNumber.init && this.unlogged.has(formatRelFork({ ...rel, fork: 0 }))) continue;
      const state = this.store.pages.relation(rel, this.upTo);
      if (state.exists) this.differs(`${name}: the case has ${state.blocks} blocks, recovery no such file`);
    }
  }

  private relMaps(paths: readonly string[]): void {
    const snapshot = this.store.snapshot(this.upTo);
    for (const path of paths) {
      const match = /^(?:global|base\/(\d+)|pg_tblspc\/(\d+)\/[^/]+\/(\d+))\/pg_filenode\.map$/.exec(path);
      if (!match) continue;
      const dbOid = Number(match[1] ?? match[3] ?? 0);
      const spcOid = match[2] !== undefined ? Number(match[2]) : dbOid === 0 ? 1664 : 1663;
      const real = readRelMap(readFileSync(join(this.dataDir, path)), this.store.major);
      const ours = snapshot.relMap(spcOid, dbOid);
      this.result.relMaps++;
      if (ours === null || JSON.stringify([...ours]) !== JSON.stringify([...real])) this.differs(`${path}: another relation map`);
    }
  }

  private slru(kind: 'xact' | 'offsets' | 'members' | 'commitTs', folder: string, ours: (page: number) => Uint8Array): void {
    for (const name of list(this.dataDir, folder).filter((each) => /^[0-9A-F]{4,}$/.test(each))) {
      const bytes = readFileSync(join(this.dataDir, folder, name));
      for (let i = 0; i * BLCKSZ < bytes.length; i++) {
        const page = parseInt(name, 16) * SLRU_PAGES_PER_SEGMENT + i;
        const real = bytes.subarray(i * BLCKSZ, (i + 1) * BLCKSZ);
        const mine = ours(page);
        this.result.pages[kind]++;
        if (kind === 'offsets' && this.store.major === 13) forgetNextOffset(mine, real);
        const at = real.findIndex((byte, n) => byte !== mine[n]);
        if (at >= 0) this.differs(`${folder} page ${page} byte ${at}: ${mine[at]} for ${real[at]}`);
      }
    }
  }
}

/**
 * No release of 13 writes the offset of the multixact that follows the last one (the later majors' last minors do, and so do we):
 * where recovery has an entry of zeros behind its last one, ours does not count.
 */
function forgetNextOffset(ours: Uint8Array, real: Uint8Array): void {
  let last = BLCKSZ / 4 - 1;
  while (last >= 0 && real.subarray(last * 4, last * 4 + 4).every((byte) => byte === 0)) last--;
  if (last + 1 < BLCKSZ / 4) ours.fill(0, (last + 1) * 4, (last + 2) * 4);
}
