import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { takePlainBackup, type BaseBackup } from '../fixtures/postgres/backup.js';
import { copyOut } from '../fixtures/postgres/copy.js';
import { PostgresServer, type Settings } from '../fixtures/postgres/server.js';

/** Debian's installation of PostgreSQL 15: the one that has pgbench and pg_waldump. */
export const DEBIAN_POSTGRES = '/usr/lib/postgresql/15';

/** `A`: pgbench with frequent checkpoints, so mostly page images. `B`: pgbench and bulk DML with few checkpoints, so mostly small records. */
export type BenchKind = 'A' | 'B';

export interface BenchArchiveOptions {
  kind: BenchKind;
  /** How much WAL to write, roughly; default 1 GB. */
  walBytes?: number;
  /** pgbench's scale: 100,000 accounts, 16 MB each; default 20. */
  scale?: number;
  /** The parent of the cached archives; default the system's temporary directory. */
  cache?: string;
}

/** A quiet moment, with what the server showed then. */
export interface BenchMoment {
  name: string;
  lsn: string;
  time: string;
  /** Share of the WAL that lies before it. */
  share: number;
  /** `COPY (SELECT * FROM pgbench_branches ORDER BY ctid) TO STDOUT (FORMAT csv, HEADER)`. */
  branches: string;
  /** The same of `pgbench_accounts WHERE aid = ACCOUNT_KEY`. */
  account: string;
  historyRows: number;
}

/** The row that the moments keep of pgbench_accounts. */
export const ACCOUNT_KEY = 4711;
export const BENCH_DATABASE = 'bench';

export interface BenchArchive {
  kind: BenchKind;
  directory: string;
  backup: BaseBackup;
  wal: string;
  walBytes: number;
  /** Names of the segments, in order. */
  segments: string[];
  moments: BenchMoment[];
}

const SHARES = [0.25, 0.5, 0.75, 0.9];
/** Looks at the amount of WAL while an archive is being written. */
const ROUNDS = 40;
const CLIENTS = 4;
/** Rough bytes of WAL a transaction of each kind. */
const TRANSACTION_BYTES: Record<BenchKind, number> = { A: 4000, B: 35_000 };
/** Kind A checkpoints after this many bytes a unit of scale: every page is then logged whole anew, to some seven tenths of the WAL. */
const CHECKPOINT_BYTES = 21_000_000;

/** The writer of kind B: many short rows in few statements. */
const BULK_SCRIPT = `
\\set low random(1, 400000)
INSERT INTO bulk (n, t) SELECT i, 'b' || i FROM generate_series(1, 400) i;
UPDATE bulk SET n = n + 1 WHERE id BETWEEN :low AND :low + 300;
DELETE FROM bulk WHERE id BETWEEN :low + 500 AND :low + 700;
`;

class Builder {
  #base = 0;
  #checkpointed = 0;

  constructor(
    readonly server: PostgresServer,
    readonly options: Required<Omit<BenchArchiveOptions, 'cache'>>,
    readonly directory: string,
  ) {}

  async pgbench(args: string[]): Promise<void> {
    await promisify(execFile)(join(DEBIAN_POSTGRES, 'bin', 'pgbench'), ['-h', this.server.root, '-U', 'postgres', '-n', ...args, BENCH_DATABASE], { maxBuffer: 1 << 26 });
  }

  async walWritten(): Promise<number> {
    const [row] = await this.server.sql<{ bytes: string }>("SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS bytes");
    return Number(row!.bytes) - this.#base;
  }

  async startCounting(): Promise<void> {
    this.#base = await this.walWritten();
  }

  /** One round of load. */
  async load(written: number): Promise<void> {
    const { kind, walBytes, scale } = this.options;
    const transactions = Math.max(1, Math.round(walBytes / ROUNDS / TRANSACTION_BYTES[kind] / CLIENTS));
    const common = ['-c', String(CLIENTS), '-j', '1', '-t', String(transactions)];
    if (kind === 'B') return this.pgbench([...common, '-b', 'tpcb-like@2', '-f', `${join(this.directory, 'bulk.sql')}@1`]);
    if (written - this.#checkpointed >= CHECKPOINT_BYTES * scale) {
      await this.server.sql('CHECKPOINT');
      this.#checkpointed = written;
    }
    await this.pgbench(common);
  }

  async moment(name: string, share: number): Promise<BenchMoment> {
    return this.server.session(BENCH_DATABASE, async (session) => {
      const csv = async (query: string) => (await copyOut(session, `COPY (${query}) TO STDOUT (FORMAT csv, HEADER)`)).toString();
      const branches = await csv('SELECT * FROM pgbench_branches ORDER BY ctid');
      const account = await csv(`SELECT * FROM pgbench_accounts WHERE aid = ${ACCOUNT_KEY}`);
      const { rows: history } = await session.query<{ count: string }>('SELECT count(*) FROM pgbench_history');
      await session.query('SELECT txid_current()');
      const { rows } = await session.query<{ lsn: string; time: string }>('SELECT pg_create_restore_point($1)::text AS lsn, clock_timestamp()::text AS time', [name]);
      return { name, ...rows[0]!, share, branches, account, historyRows: Number(history[0]!.count) };
    });
  }
}

async function build(options: Required<Omit<BenchArchiveOptions, 'cache'>>, directory: string): Promise<BenchArchive> {
  const wal = join(directory, 'wal');
  const settings: Settings = { shared_buffers: '256MB', synchronous_commit: false, max_wal_size: '8GB', checkpoint_timeout: '1h' };
  const server = await PostgresServer.create({ major: 15, home: DEBIAN_POSTGRES, walDir: wal, settings });
  try {
    const builder = new Builder(server, options, directory);
    writeFileSync(join(directory, 'bulk.sql'), BULK_SCRIPT);
    await server.sql(`CREATE DATABASE ${BENCH_DATABASE}`);
    await builder.pgbench(['-i', '-q', '-s', String(options.scale)]);
    await server.sql("CREATE TABLE bulk (id serial PRIMARY KEY, n int, t text); INSERT INTO bulk (n, t) SELECT i, 'b' || i FROM generate_series(1, 400000) i", BENCH_DATABASE);
    const backup = await takePlainBackup(server, join(directory, 'backup'));
    await server.archiveAll();
    // What came before the backup belongs to no restore: pg_archivecleanup would remove it.
    const first = readdirSync(wal).find((name) => name.endsWith('.backup'))!.slice(0, 24);
    for (const name of readdirSync(wal)) if (name < first) rmSync(join(wal, name));

    await builder.startCounting();
    const moments: BenchMoment[] = [];
    for (let written = 0; written < options.walBytes; written = await builder.walWritten()) {
      const share = SHARES[moments.length];
      if (share !== undefined && written >= share * options.walBytes) moments.push(await builder.moment(`share_${share * 100}`, share));
      await builder.load(written);
    }
    await server.archiveAll();
    await server.stop();
    const segments = readdirSync(wal).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort();
    const walBytes = segments.reduce((sum, name) => sum + statSync(join(wal, name)).size, 0);
    return { kind: options.kind, directory, backup, wal, walBytes, segments, moments };
  } finally {
    await server.destroy();
  }
}

/** The archive for a benchmark; built with real servers at the first call (a minute or two a GB) and kept in the cache. */
export async function benchArchive(options: BenchArchiveOptions): Promise<BenchArchive> {
  const { kind, walBytes = 1_000_000_000, scale = 20, cache = tmpdir() } = options;
  const directory = join(cache, `walscope-bench-${kind}-${Math.round(walBytes / 1e6)}MB-s${scale}`);
  const done = join(directory, 'bench.json');
  if (existsSync(done)) return JSON.parse(readFileSync(done, 'utf8')) as BenchArchive;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const archive = await build({ kind, walBytes, scale }, directory);
  writeFileSync(`${done}.partial`, JSON.stringify(archive));
  renameSync(`${done}.partial`, done);
  return archive;
}
