/** walscope index: builds or extends a case. */
import { indexCase } from '../store/indexer.js';
import { formatBytes } from '../output/units.js';
import type { ExitCode } from '../util/errors.js';
import { newCase, reportFindings, type CommonOptions } from './context.js';
import { Progress } from './progress.js';

export interface IndexCommandOptions extends CommonOptions {
  backup?: string[];
  wal?: string[];
  progress?: boolean;
}

export async function indexCommand(options: IndexCommandOptions): Promise<ExitCode> {
  const started = process.hrtime.bigint();
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const progress = new Progress('indexing', { lines: options.progress === true });
  try {
    const summary = await indexCase({
      caseDir: newCase(options.case), backups: options.backup ?? [], wal: options.wal ?? [], signal: abort.signal,
      onCopy: (source, share) => progress.show(share, `copying ${source}`),
      onProgress: (position, start, end) => progress.show((position - start) / Math.max(1, end - start), formatBytes(position - start)),
    });
    progress.end();
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    const total = summary.manifest.walBytes;
    const share = total > 0 ? (summary.indexBytes / total) * 100 : 0;
    process.stdout.write(`indexed ${formatBytes(summary.walBytes)} of WAL, ${summary.records.toLocaleString('en-US')} records in ${seconds.toFixed(1)} s; ` +
      `index ${formatBytes(summary.indexBytes)}, ${share.toFixed(2)} % of ${formatBytes(total)} of WAL\n`);
    return reportFindings(summary.findings);
  } finally {
    progress.end();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
