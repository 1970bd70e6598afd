/**
 * A standby is promoted while its archive is followed into packs: what was packed and merged of the old timeline behind the fork gives way to the new
 * one, and the case ends with the bytes of a run over all. As pg_receivewal does it, segments come as NAME.partial first and are renamed.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { readManifest } from '../../src/layerfile/manifest.js';
import { Session } from '../../src/query/session.js';
import { followArchive } from '../../src/store/follow.js';
import { indexCase } from '../../src/store/indexer.js';
import { openCase } from '../../src/store/openCase.js';
import { contents } from '../support/badCase.js';
import { asofCsv, compareMoment } from '../support/truthCase.js';

vi.mock('../../src/store/stripes.js', async (original) => ({ ...(await original<object>()), ...(await import('../support/smallStripes.js')) }));

const MAJOR = 16;
let archive: Archive;
let root: string;
let promoted: string;
let rows: string;
let end: string;

beforeAll(async () => {
  archive = await cachedArchive({ major: MAJOR, workload: 'everything' });
  root = mkdtempSync(join(tmpdir(), 'walscope-switch-'));
  promoted = join(root, 'promoted');
  mkdirSync(promoted);
  execFileSync('chmod', ['777', root, promoted]);
  const server = await recoverTo({
    major: MAJOR, backup: archive.backup, wal: archive.wal, target: { lsn: archive.truth.moments.at(-6)!.lsn },
    settings: { archive_mode: true, archive_command: `cp "%p" "${promoted}/%f.tmp" && mv "${promoted}/%f.tmp" "${promoted}/%f"`, wal_level: 'replica' },
  });
  try {
    await server.sql('CREATE TABLE after_promotion AS SELECT i FROM generate_series(1, 5000) i');
    rows = (await server.sql<{ text: string }>("SELECT string_agg(i::text, E'\\n' ORDER BY ctid) AS text FROM after_promotion"))[0]!.text;
    end = await server.insertLsn();
    const segment = await server.switchWal();
    for (let i = 0; i < 600 && !existsSync(join(promoted, segment)); i++) await sleep(50);
  } finally {
    await server.destroy();
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('is followed, packed, as if all had been there at once', async () => {
  const live = join(root, 'live');
  const caseDir = join(root, 'case');
  mkdirSync(live);
  const abort = new AbortController();
  const lines: string[] = [];
  const following = followArchive({
    caseDir, backups: [archive.backup.path], wal: [live], walStore: 'pack', intervalMs: 100, signal: abort.signal, onTaken: () => undefined, onFinding: ({ message }) => lines.push(message),
  });
  const stopped = expect(following).rejects.toMatchObject({ code: 'interrupted' });
  const reached = (): number => readManifest(caseDir)?.runs.at(-1)?.endLsn ?? 0;
  async function until(condition: () => boolean): Promise<void> {
    for (let i = 0; !condition(); i++) {
      if (i > 1200) throw new Error(`the case stands still at ${reached()}`);
      await sleep(50);
    }
  }
  const segments = readdirSync(archive.wal).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort();
  for (const name of segments) {
    // it is renamed when it is full; what is in it counts before
    writeFileSync(join(live, `${name}.partial`), readFileSync(join(archive.wal, name)));
    if (name === segments[1]) await until(() => reached() > 0);
    renameSync(join(live, `${name}.partial`), join(live, name));
  }
  const whole = { caseDir: join(root, 'first'), backups: [archive.backup.path], wal: [archive.wal], walStore: 'pack' as const };
  const { manifest } = await indexCase(whole);
  await until(() => reached() === manifest.runs.at(-1)!.endLsn);
  for (const name of readdirSync(promoted).sort()) if (!existsSync(join(live, name))) copyFileSync(join(promoted, name), join(live, name));
  await until(() => readManifest(caseDir)!.timelines.at(-1)!.timeline === 2);
  const once = join(root, 'once');
  await indexCase({ caseDir: once, backups: [archive.backup.path], wal: [live], walStore: 'pack' });
  await until(() => reached() === readManifest(once)!.runs.at(-1)!.endLsn);
  abort.abort();
  await stopped;
  await indexCase({ caseDir, backups: [], wal: [] }); // layers may have been merged just then
  const files = (dir: string): Record<string, string> => Object.fromEntries(Object.entries(contents(dir)).filter(([name]) => name.startsWith('layers')));
  expect(files(caseDir)).toEqual(files(once));
  expect(lines).toEqual([]);

  renameSync(live, `${live}.away`);
  const session = new Session(openCase(caseDir));
  const moment = session.moment(end);
  expect(moment.timeline).toBe(2);
  expect((await asofCsv(session.database(moment, 'postgres'), 'after_promotion')).csv.toString()).toBe(`i\n${rows}\n`);
  for (const known of archive.truth.moments.slice(0, -6)) expect((await compareMoment(session, archive, known, known.lsn)).differences).toEqual([]);
  session.store.close();
});
