import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { Seeded } from '../../fixtures/workloads/seeded.js';
import type { TruthMoment } from '../../fixtures/workloads/truth.js';
import type { Relation } from '../../src/catalog/relation.js';
import type { PgMajor } from '../../src/pg/version.js';
import { diffTable, type TableDiff } from '../../src/query/diff.js';
import { countDiffs, type Counts } from '../../src/query/diffCounts.js';
import type { Moment } from '../../src/query/moment.js';
import { Findings, type DatabaseAt } from '../../src/query/session.js';
import { pairTables } from '../../src/query/tablePairs.js';
import { formatLsn } from '../../src/util/lsn.js';
import { indexArchive, type IndexedArchive } from './truthCase.js';

type Row = (string | null)[];

/** Rows of a CSV file that COPY wrote: an empty field without quotes is NULL. */
function readCsv(bytes: Buffer): { header: string[]; rows: Row[] } {
  const text = bytes.toString('utf8');
  const rows: Row[] = [];
  let row: Row = [];
  for (let at = 0; at < text.length;) {
    let value: string | null;
    if (text[at] === '"') {
      let end = at + 1;
      while (text[end] !== '"' || text[end + 1] === '"') end += text[end] === '"' ? 2 : 1;
      value = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    } else {
      let end = at;
      while (text[end] !== ',' && text[end] !== '\n') end++;
      value = end === at ? null : text.slice(at, end);
      at = end;
    }
    row.push(value);
    if (text[at++] === '\n') {
      rows.push(row);
      row = [];
    }
  }
  return { header: (rows.shift() ?? []) as string[], rows };
}

function sorted(list: Iterable<string>): string[] {
  return [...list].sort();
}

/** What is in `a` and not in `b`, each as often as it is more often there. */
function minus(a: string[], b: string[]): string[] {
  const left = new Map<string, number>();
  for (const text of b) left.set(text, (left.get(text) ?? 0) + 1);
  return a.filter((text) => {
    const n = left.get(text) ?? 0;
    if (n > 0) left.set(text, n - 1);
    return n === 0;
  });
}

/** diff between random pairs of moments against the difference of what COPY showed at both. */
export function diffTruth(major: PgMajor, pairs: number): void {
  describe(`diff against the difference of COPY, PostgreSQL ${major}`, () => {
    let archive: Archive;
    let indexed: IndexedArchive;
    beforeAll(async () => {
      archive = await cachedArchive({ major, workload: 'everything' });
      indexed = await indexArchive(archive);
    });
    afterAll(() => indexed?.remove());

    /** The rows that COPY showed, in the order of the diff's columns. */
    function truthRows(moment: TruthMoment, database: DatabaseAt, relation: Relation | undefined, diff: TableDiff): string[] {
      if (!relation) return [];
      const table = Object.values(moment.databases[database.database.name]!.tables).find((t) => t.schema === database.catalog.schemaOf(relation) && t.name === relation.name);
      if (!table) throw new Error(`no truth of ${relation.name} at ${moment.name}`);
      const { header, rows } = readCsv(readFileSync(join(archive.directory, table.file)));
      const places = diff.columns.map((column) => header.indexOf(column.name));
      return rows.map((row) => JSON.stringify(places.map((i) => (i < 0 ? null : row[i]))));
    }

    it('finds the rows that differ between random pairs of moments, either way round', () => {
      const random = new Seeded(major);
      let tables = 0;
      let changes = 0;
      for (let n = 0; n < pairs; n++) {
        const [from, to] = [random.pick(archive.truth.moments), random.pick(archive.truth.moments)];
        const [a, b] = [indexed.session.moment(from.lsn), indexed.session.moment(to.lsn)];
        for (const name of Object.keys(from.databases).filter((each) => each in to.databases)) {
          const sides = { before: indexed.session.database(a, name), after: indexed.session.database(b, name) };
          const diffs: TableDiff[] = [], counted: Counts[] = [];
          for (const pair of pairTables(sides)) {
            const findings = new Findings();
            const diff = diffTable(sides, pair, findings);
            const gone: string[] = [];
            const come: string[] = [];
            const counts = { added: 0, removed: 0, changed: 0 };
            const keyPlaces = diff.key.map((key) => diff.columns.findIndex((column) => column.name === key));
            diff.rows(({ change, before, after }) => {
              counts[change]++;
              expect([change, before === null, after === null]).toEqual([change, change === 'added', change === 'removed']);
              if (before && after) expect(keyPlaces.map((i) => before[i])).toEqual(keyPlaces.map((i) => after[i]));
              if (before) gone.push(JSON.stringify(before));
              if (after) come.push(JSON.stringify(after));
            });
            const was = truthRows(from, sides.before, pair.before, diff);
            const is = truthRows(to, sides.after, pair.after, diff);
            const where = `${name} ${diff.schema}.${diff.name} from ${from.name} to ${to.name}`;
            expect(findings.list, where).toEqual([]);
            expect(sorted(gone), where).toEqual(sorted(minus(was, is)));
            expect(sorted(come), where).toEqual(sorted(minus(is, was)));
            expect(diff.count(), where).toEqual(counts);
            diffs.push(diff);
            counted.push(counts);
            changes += gone.length + come.length;
          }
          expect(countDiffs(diffs), `${name} from ${from.name} to ${to.name}`).toEqual(counted);
          tables += diffs.length;
        }
      }
      expect(tables).toBeGreaterThan(pairs * 5);
      expect(changes).toBeGreaterThan(pairs * 20);
    });

    it('counts from records what the pages show, between the ends of any two transactions, while others are open', () => {
      const { session } = indexed;
      const { firstLsn, lastLsn } = session.store.coverage[0]!;
      const ends = [...session.store.transactions.rows(firstLsn, lastLsn)];
      const random = new Seeded(major + 100);
      let changes = 0;
      for (let n = 0; n < Math.ceil(pairs / 3); n++) {
        const [a, b] = [random.pick(ends), random.pick(ends)].map((row) => session.moment(formatLsn(n % 2 === 0 ? row.lsn : row.endLsn))) as [Moment, Moment];
        const known = new Set(session.databasesAt(b).map((each) => each.database.name));
        for (const { database: { name, isTemplate } } of session.databasesAt(a)) {
          if (isTemplate || !known.has(name)) continue;
          const sides = { before: session.database(a, name), after: session.database(b, name) };
          const findings = new Findings();
          const diffs = pairTables(sides).map((pair) => diffTable(sides, pair, findings));
          const counted = diffs.map((diff) => {
            const counts = { added: 0, removed: 0, changed: 0 };
            diff.rows(({ change }) => void counts[change]++);
            changes += counts.added + counts.removed + counts.changed;
            return [`${diff.schema}.${diff.name}`, counts];
          });
          expect(countDiffs(diffs).map((counts, i) => [`${diffs[i]!.schema}.${diffs[i]!.name}`, counts]), `${name} from ${a.text} to ${b.text}`).toEqual(counted);
          expect(findings.list).toEqual([]);
        }
      }
      expect(changes).toBeGreaterThan(pairs * 20);
    });
  });
}
