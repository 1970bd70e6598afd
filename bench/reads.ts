/**
 * What reads cost in a warm process: a page of a large table as of a moment, a page whose history grows a hundredfold, and the difference
 * between two near moments of a table that grows tenfold. `npm run bench:reads`; it prints tables. Every figure is a median of CPU-bound
 * work in this process alone, opening and starting up not counted.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takePlainBackup } from '../fixtures/postgres/backup.js';
import { PostgresServer } from '../fixtures/postgres/server.js';
import { diffTable } from '../src/query/diff.js';
import { namedPairs } from '../src/query/tablePairs.js';
import { Findings, Session } from '../src/query/session.js';
import { compactCase } from '../src/store/compactor.js';
import { indexCase } from '../src/store/indexer.js';
import { manifestOf, openCase } from '../src/store/openCase.js';
import { benchArchive, BENCH_DATABASE, DEBIAN_POSTGRES, type BenchKind } from './archive.js';

const MAIN_FORK = 0;
const PAGES = 2000;
const ROUNDS = 15;

function percentile(values: number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]!;
}

function timed(work: () => void): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

/** Pages of pgbench_accounts in no order, each for the first time: layers and code are warm, the page is not. */
async function pageTimes(kind: BenchKind, scratch: string): Promise<{ p50: number; p99: number; records: number }> {
  const archive = await benchArchive({ kind });
  const caseDir = join(scratch, `pages-${kind}`);
  await indexCase({ caseDir, backups: [archive.backup.path], wal: [archive.wal] });
  const store = openCase(caseDir);
  const session = new Session(store);
  const moment = session.moment(archive.moments[1]!.lsn);
  const database = session.database(moment, BENCH_DATABASE);
  const relation = database.relation('pgbench_accounts');
  const fork = { ...relation.locator, fork: MAIN_FORK };
  const blocks = database.blocks(relation)!;
  let block = 0;
  const read = (): number => timed(() => store.pages.getPage(fork, (block = (block + 7919) % blocks), moment.lsn));
  for (let i = 0; i < PAGES; i++) read();
  const before = store.pages.counters.recordsReplayed;
  const times = Array.from({ length: PAGES }, read);
  const records = (store.pages.counters.recordsReplayed - before) / PAGES;
  store.close();
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), records };
}

const UPDATES = [1000, 10_000, 100_000];

interface HistoryPoint {
  updates: number;
  ms: number;
  records: number;
}

/** A page as of the end of 1,000, 10,000 and 100,000 updates of its one row; each time from nothing. */
function historyPoints(caseDir: string): HistoryPoint[] {
  return UPDATES.map((updates) => {
    const times: number[] = [];
    let records = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const store = openCase(caseDir);
      const session = new Session(store);
      const moment = session.moment(`point:after_${updates}`);
      const fork = { ...session.database(moment, 'postgres').relation('hot').locator, fork: MAIN_FORK };
      const before = store.pages.counters.recordsReplayed;
      times.push(timed(() => store.pages.getPage(fork, 0, moment.lsn)));
      records = store.pages.counters.recordsReplayed - before;
      store.close();
    }
    return { updates, ms: percentile(times, 0.5), records };
  });
}

const TABLE_ROWS = [20_000, 200_000, 2_000_000];
const CHANGED_ROWS = 200;

/** The difference of 200 updated rows, in tables of 20,000, 200,000 and 2,000,000 rows. */
function diffPoints(caseDir: string): { rows: number; ms: number; pages: number }[] {
  return TABLE_ROWS.map((rows) => {
    const times: number[] = [];
    let pages = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const store = openCase(caseDir);
      const session = new Session(store);
      const side = (text: string) => session.database(session.moment(text), 'postgres');
      const sides = { before: side('point:before_change'), after: side('point:after_change') };
      const name = `t${rows}`;
      const [pair] = namedPairs(sides, [name], new Findings());
      const before = store.pages.counters.pagesRead;
      times.push(timed(() => {
        let changes = 0;
        diffTable(sides, pair!, new Findings()).rows(() => void changes++);
        if (changes !== CHANGED_ROWS) throw new Error(`${changes} rows of ${name} differ, not ${CHANGED_ROWS}`);
      }));
      pages = store.pages.counters.pagesRead - before;
      store.close();
    }
    return { rows, ms: percentile(times, 0.5), pages };
  });
}

async function curves(scratch: string): Promise<{ plain: HistoryPoint[]; compacted: HistoryPoint[]; diff: ReturnType<typeof diffPoints> }> {
  const server = await PostgresServer.create({
    major: 15, walDir: join(scratch, 'wal'), home: DEBIAN_POSTGRES, settings: { fsync: false, synchronous_commit: false, max_wal_size: '8GB', checkpoint_timeout: '1h', autovacuum: false },
  });
  try {
    await server.sql('CREATE TABLE hot (id int PRIMARY KEY, n int); INSERT INTO hot VALUES (1, 0)');
    for (const rows of TABLE_ROWS) await server.sql(`CREATE TABLE t${rows} AS SELECT i AS id, i % 97 AS n, 'row ' || i AS note FROM generate_series(1, ${rows}) i; ALTER TABLE t${rows} ADD PRIMARY KEY (id)`);
    await server.sql('VACUUM FREEZE');
    const backup = await takePlainBackup(server, join(scratch, 'backup'));
    let done = 0;
    for (const updates of UPDATES) {
      await server.sql(`DO $$ BEGIN FOR i IN ${done + 1}..${updates} LOOP UPDATE hot SET n = i; COMMIT; END LOOP; END $$`);
      await server.sql(`SELECT pg_create_restore_point('after_${updates}')`);
      done = updates;
    }
    await server.sql("SELECT pg_create_restore_point('before_change')");
    for (const rows of TABLE_ROWS) await server.sql(`UPDATE t${rows} SET n = n + 1 WHERE id % ${rows / CHANGED_ROWS} = 0`);
    await server.sql("SELECT pg_create_restore_point('after_change')");
    await server.archiveAll();
    const caseDir = join(scratch, 'curves');
    await indexCase({ caseDir, backups: [backup.path], wal: [server.walDir] });
    const plain = historyPoints(caseDir);
    await compactCase({ caseDir, manifest: manifestOf(caseDir), tail: true });
    return { plain, compacted: historyPoints(caseDir), diff: diffPoints(caseDir) };
  } finally {
    await server.destroy();
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'walscope-bench-reads-'));
chmodSync(scratch, 0o755);
try {
  const out: string[] = ['| a page of pgbench_accounts, warm | p50 | p99 | records replayed, mean |', '|---|---|---|---|'];
  for (const kind of ['A', 'B'] as const) {
    const { p50, p99, records } = await pageTimes(kind, scratch);
    out.push(`| archive ${kind} | ${p50.toFixed(3)} ms | ${p99.toFixed(3)} ms | ${records.toFixed(1)} |`);
  }
  const { plain, compacted, diff } = await curves(scratch);
  out.push('', '| updates of the page before the moment | as indexed | records | after `compact` | records |', '|---|---|---|---|---|');
  plain.forEach((point, i) => out.push(`| ${point.updates} | ${point.ms.toFixed(2)} ms | ${point.records} | ${compacted[i]!.ms.toFixed(2)} ms | ${compacted[i]!.records} |`));
  out.push('', `| rows of the table, ${CHANGED_ROWS} of them changed | diff | pages read |`, '|---|---|---|');
  for (const point of diff) out.push(`| ${point.rows} | ${point.ms.toFixed(1)} ms | ${point.pages} |`);
  process.stdout.write(`${out.join('\n')}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
