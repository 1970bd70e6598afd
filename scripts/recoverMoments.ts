/**
 * Real recovery of an archive of fixtures/regression.ts to moments spread over it, each held against walscope's answer for the moment: every
 * page of every relation file, sizes, SLRU pages, relation maps.
 *
 *   npx tsx scripts/recoverMoments.ts [--home DIR] MAJOR ARCHIVE [MOMENTS]
 *
 * --home: another installation than the fixtures' own. An older minor release than the one that wrote the WAL may replay less than it says: 18.4
 * leaves visibility map pages alone that records of 18.6 register.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { recoverTo } from '../fixtures/postgres/recovery.js';
import { PG_MAJORS } from '../src/pg/version.js';
import { indexCase } from '../src/store/indexer.js';
import { openCase } from '../src/store/openCase.js';
import { endsTransaction } from '../src/store/transactionLog.js';
import { formatLsn, type Lsn } from '../src/util/lsn.js';
import { compareRecovered } from '../test/support/recoveredPages.js';

const DEFAULT_MOMENTS = 10;
const DIFFERENCES_SHOWN = 10;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { home: { type: 'string' } } });
const [majorText, archive, countText] = positionals;
const major = PG_MAJORS.find((each) => String(each) === majorText);
if (major === undefined || archive === undefined) throw new Error('usage: npx tsx scripts/recoverMoments.ts [--home DIR] MAJOR ARCHIVE [MOMENTS]');
const count = Number(countText ?? DEFAULT_MOMENTS);

const caseDir = mkdtempSync(join(tmpdir(), 'walscope-moments-'));
try {
  await indexCase({ caseDir, backups: [join(archive, 'backup')], wal: [join(archive, 'wal')] });
  const store = openCase(caseDir);
  const { firstLsn, lastLsn } = store.coverage[0]!;
  for (let i = 1; i <= count; i++) {
    const aim = (firstLsn + ((lastLsn - firstLsn) * i) / count) as Lsn;
    // the end of the last transaction before it
    let lsn = firstLsn;
    for (const row of store.transactions.rowsBackward(firstLsn, aim)) {
      lsn = row.endLsn;
      if (endsTransaction(row)) break;
    }
    const server = await recoverTo({
      major, backup: { format: 'plain', path: join(archive, 'backup') }, wal: join(archive, 'wal'), home: values.home, target: { lsn: formatLsn(lsn) }, settings: major >= 15 ? { allow_in_place_tablespaces: true } : {},
    });
    try {
      await server.stop();
      const { differences, pages, relations } = compareRecovered(store, lsn, server.dataDir);
      console.log(`${formatLsn(lsn)}: ${relations} relation files, ${JSON.stringify(pages)}: ${differences.length} differences`);
      for (const difference of differences.slice(0, DIFFERENCES_SHOWN)) console.log(`  ${difference}`);
      if (differences.length > 0) process.exitCode = 1;
    } finally {
      await server.destroy();
    }
  }
  store.close();
} finally {
  rmSync(caseDir, { recursive: true, force: true });
}
