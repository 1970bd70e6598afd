/**
 * An index of some tables only: what it holds is what the server showed, whatever happened to the tables meanwhile; what it leaves out is refused, never
 * answered wrongly; and it has the same bytes however it came to hold what it holds.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { readManifest } from '../../src/layerfile/manifest.js';
import { chooseFiles, selectionNames } from '../../src/query/selection.js';
import { Session } from '../../src/query/session.js';
import { indexCase } from '../../src/store/indexer.js';
import { openCase } from '../../src/store/openCase.js';
import { cutCase } from '../../src/store/retention.js';
import { parseLsn } from '../../src/util/lsn.js';
import { contents } from '../support/badCase.js';
import { compareMoment } from '../support/truthCase.js';

vi.mock('../../src/store/stripes.js', async (original) => ({ ...(await original<object>()), ...(await import('../support/smallStripes.js')) }));

/** Rewritten and truncated, altered, with TOAST, renamed with its schema, moved to another schema and back, partitioned; by their last or an earlier name. */
const TABLES = ['shop.public.clustered', 'shop.public.altered', 'shop.public.toasty', 'shop.odd."renamed; DROP"', 'shop.sales.child', 'shop.public.per_month', 'shop.public.measured'];
/** A database that is a copy, under the name that it was given later, and one that is dropped. */
const DATABASES = ['by_copy', 'by_log_renamed', 'doomed'];
const ALL = [...TABLES, ...DATABASES];
/** The tables of the truth that ALL names. */
const isWanted = (database: string, table: string): boolean =>
  ['by_copy', 'by_log', 'by_log_renamed', 'doomed'].includes(database)
  || (database === 'shop' && (/Odd|renamed/.test(table) || ['clustered', 'altered', 'toasty', 'child', 'per_month', 'measured_1', 'measured_2'].some((name) => table.endsWith(`.${name}`))));

// 14 creates databases by copying files, 18 by WAL as well
describe.each([14, 18] as const)('a selective index, PostgreSQL %i', (major) => {
  let archive: Archive;
  let root: string;
  let selected: string;

  beforeAll(async () => {
    archive = await cachedArchive({ major, workload: 'everything' });
    root = mkdtempSync(join(tmpdir(), 'walscope-only-'));
    selected = join(root, 'selected');
    const { findings } = await index(selected, ALL);
    expect(findings).toEqual([]);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const index = (caseDir: string, only: string[], wal = archive.wal) =>
    indexCase({ caseDir, backups: [archive.backup.path], wal: [wal], only: selectionNames(only), choose: chooseFiles });
  const reselect = (caseDir: string, only: string[] | null) => indexCase({ caseDir, backups: [], wal: [], only: only && selectionNames(only), choose: chooseFiles });
  const layersOf = (caseDir: string): Record<string, string> => Object.fromEntries(Object.entries(contents(caseDir)).filter(([name]) => name !== 'manifest'));

  /** What a case answers at the moments: of what is wanted, and of the rest, how many tables equal the truth, and how many are refused. */
  async function answers(caseDir: string, from = 0): Promise<{ wanted: number; untouched: number; refused: number; wrong: string[] }> {
    const session = new Session(openCase(caseDir));
    const counts = { wanted: 0, untouched: 0, refused: 0, wrong: [] as string[] };
    for (const moment of archive.truth.moments.filter(({ lsn }) => parseLsn(lsn)! >= from)) {
      const { differences, equal } = await compareMoment(session, archive, moment, moment.lsn);
      const tables = Object.entries(moment.databases).flatMap(([name, { tables: of }]) => Object.keys(of).map((table) => ({ name, table })));
      const wanted = tables.filter(({ name, table }) => isWanted(name, table));
      const [refused, wrong] = [differences.filter((line) => /is not in this index, which holds only/.test(line)), differences.filter((line) => !/is not in this index/.test(line))];
      counts.wrong.push(...wrong, ...refused.filter((line) => wanted.some(({ name, table }) => line.includes(`: ${name} ${table}: `))));
      counts.wanted += wanted.length;
      counts.refused += refused.length;
      counts.untouched += equal - wanted.length;
    }
    session.store.close();
    return counts;
  }

  it('holds what was chosen as the server showed it, and refuses the rest', async () => {
    const { wanted, untouched, refused, wrong } = await answers(selected);
    expect(wrong).toEqual([]);
    expect(wanted).toBeGreaterThan(250);
    expect(refused).toBeGreaterThan(250);
    expect(untouched).toBeLessThan(refused / 4);
  });

  it('is smaller, and says what it holds', async () => {
    const keys = (caseDir: string): number => readManifest(caseDir)!.layers.reduce((sum, layer) => sum + layer.keys, 0);
    await indexCase({ caseDir: join(root, 'whole'), backups: [archive.backup.path], wal: [archive.wal] });
    expect(keys(selected)).toBeLessThan(keys(join(root, 'whole')) * 0.8);
    expect(readManifest(selected)!.only).toEqual(selectionNames(ALL));
  });

  it('has the same bytes when tables were tracked one by one, untracked again, or the WAL came in pieces', async () => {
    const grown = join(root, 'grown');
    await index(grown, TABLES.slice(0, 1));
    const first = contents(grown);
    for (const some of [TABLES.slice(0, 3), TABLES]) await reselect(grown, some);
    await reselect(grown, ALL);
    expect(contents(grown)).toEqual(contents(selected));
    await reselect(grown, TABLES.slice(0, 1));
    expect(contents(grown)).toEqual(first);
    await reselect(grown, null);
    expect(contents(grown)).toEqual(contents(join(root, 'whole')));
    const wal = join(root, 'wal');
    const pieces = join(root, 'pieces');
    const names = readdirSync(archive.wal).sort();
    for (const share of [0.3, 0.5, 0.8, 1]) {
      for (const name of names.slice(0, Math.ceil(names.length * share))) cpSync(join(archive.wal, name), join(wal, name));
      await index(pieces, ALL, wal);
    }
    expect(layersOf(pieces)).toEqual(layersOf(selected));
  });

  it('answers the same after gc, and does not take the rest for unchanged', async () => {
    const cut = parseLsn(archive.truth.moments[Math.floor(archive.truth.moments.length / 2)]!.lsn)!;
    const store = openCase(selected);
    cutCase(store, cut);
    const { wanted, refused, wrong } = await answers(selected, cut);
    expect(wrong).toEqual([]);
    expect(wanted).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });
});
