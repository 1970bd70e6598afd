/** walscope index: builds or extends a case. */
import type { WalStoreForm } from '../layerfile/manifest.js';
import { indexCase } from '../store/indexer.js';
import { formatBytes, parseBytes } from '../output/units.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { newCase, reportFindings, type CommonOptions } from './context.js';
import { parseJobs } from './jobs.js';
import { Progress } from './progress.js';

export interface IndexCommandOptions extends CommonOptions {
  backup?: string[];
  wal?: string[];
  jobs?: string;
  walStore?: string;
  memory?: string;
  progress?: boolean;
}

/** What one thread takes at most: a stripe's keys, the scan's buffers and the engine itself. */
const THREAD_BYTES = 160 * 1024 * 1024;

/** Worker threads that the memory budget carries. */
function jobsWithin(jobs: number, memory: string | undefined): number {
  const budget = parseBytes(memory ?? '512MB');
  return Math.max(1, Math.min(jobs, Math.floor(budget / THREAD_BYTES)));
}

function parseWalStore(store: string | undefined): WalStoreForm | undefined {
  if (store === undefined || store === 'auto' || store === 'reference' || store === 'pack') return store;
  throw new WalscopeError('usage.wal_store', `unknown WAL store "${store}"`, {
    exitCode: ExitCode.usage, hint: 'write auto, reference (the WAL is read in place) or pack (the case holds it, the archive may go)',
  });
}

export async function indexCommand(options: IndexCommandOptions): Promise<ExitCode> {
  const started = process.hrtime.bigint();
  const walStore = parseWalStore(options.walStore);
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const progress = new Progress('indexing', { lines: options.progress === true });
  try {
    const summary = await indexCase({
      caseDir: newCase(options.case), backups: options.backup ?? [], wal: options.wal ?? [], signal: abort.signal, walStore, jobs: jobsWithin(parseJobs(options.jobs), options.memory),
      onCopy: (source, share) => progress.show(share, `copying ${source}`),
      onProgress: (position, start, end) => progress.show((position - start) / Math.max(1, end - start), formatBytes(position - start)),
    });
    progress.end();
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    const total = summary.manifest.walBytes;
    const share = total > 0 ? (summary.indexBytes / total) * 100 : 0;
    const packed = summary.packBytes === 0 ? '' : `; packed WAL ${formatBytes(summary.packBytes)}`;
    process.stdout.write(`indexed ${formatBytes(summary.walBytes)} of WAL, ${summary.records.toLocaleString('en-US')} records in ${seconds.toFixed(1)} s; ` +
      `index ${formatBytes(summary.indexBytes)}, ${share.toFixed(2)} % of ${formatBytes(total)} of WAL${packed}\n`);
    return reportFindings(summary.findings);
  } finally {
    progress.end();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
