import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../src/commands/main.js';
import { manifestPath, readManifest } from '../../src/layerfile/manifest.js';
import { examineCase } from '../../src/store/doctor.js';
import type { DoctorReport } from '../../src/store/doctorReport.js';
import { BLCKSZ } from '../../src/pg/page.js';
import { indexCase } from '../../src/store/indexer.js';
import type { Lsn } from '../../src/util/lsn.js';
import { zstdDecompress } from '../../src/util/zstd.js';

const SEGMENT = 1024 * 1024;
const DEMO = fileURLToPath(new URL('../../fixtures/demo', import.meta.url));

describe('doctor, on the bundled archive', () => {
  const root = mkdtempSync(join(tmpdir(), 'walscope-doctor-'));
  const pristine = { wal: join(root, 'pristine-wal'), case: join(root, 'pristine-case') };
  const wal = join(root, 'wal');
  const caseDir = join(root, 'case');
  const backup = join(root, 'backup');
  let segments: string[];

  beforeAll(async () => {
    for (const folder of [pristine.wal, wal, caseDir]) mkdirSync(folder);
    mkdirSync(backup);
    copyFileSync(join(DEMO, 'backup', 'backup_manifest'), join(backup, 'backup_manifest'));
    writeFileSync(join(backup, 'base.tar'), zstdDecompress(readFileSync(join(DEMO, 'backup', 'base.tar.zst'))));
    for (const name of readdirSync(join(DEMO, 'wal'))) {
      const bytes = readFileSync(join(DEMO, 'wal', name));
      if (name.endsWith('.gz')) writeFileSync(join(pristine.wal, name.slice(0, -3)), gunzipSync(bytes));
    }
    cpSync(pristine.wal, wal, { recursive: true });
    segments = readdirSync(wal).sort();
    await indexCase({ caseDir, backups: [backup], wal: [wal] });
    cpSync(caseDir, pristine.case, { recursive: true });
  });
  beforeEach(() => {
    for (const [from, to] of [[pristine.wal, wal], [pristine.case, caseDir]] as const) {
      rmSync(to, { recursive: true });
      cpSync(from, to, { recursive: true });
    }
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const examine = (): Promise<DoctorReport> => examineCase({ caseDir, manifest: readManifest(caseDir)! });
  function flip(file: string, at: number): void {
    const bytes = readFileSync(file);
    bytes[at]! ^= 0x04;
    writeFileSync(file, bytes);
  }

  it('finds nothing wrong with it, and has read all of it', async () => {
    const report = await examine();
    expect(report.findings).toEqual([]);
    expect(report.wal.segments).toBe(segments.length);
    expect(report.wal.records).toBeGreaterThanOrEqual(readManifest(caseDir)!.records);
    expect(report.timelines).toMatchObject([{ timeline: 1 }]);
    expect(report.backups).toMatchObject([{ usable: true }]);
    expect(report.backups[0]!.checksums).toBeGreaterThan(1000);
    expect(report.layers.files).toBeGreaterThan(0);
    expect(await main(['node', 'walscope', 'doctor', '-C', caseDir, '-o', join(root, 'report')])).toBe(0);
  });

  it('names a missing segment by its positions', async () => {
    rmSync(join(wal, segments[3]!));
    const { findings } = await examine();
    expect(findings.map(({ code }) => code)).toEqual(['wal.gap']);
    expect(findings[0]!.hint).toContain('walscope index');
    expect(await main(['node', 'walscope', 'doctor', '-C', caseDir, '--json', '-o', join(root, 'report')])).toBe(3);
    expect((JSON.parse(readFileSync(join(root, 'report'), 'utf8')) as DoctorReport).findings).toEqual(findings);
  });

  it('a gap before every base backup is none: nothing is answered from there', async () => {
    const manifest = readManifest(caseDir)!;
    rmSync(join(wal, segments[2]!));
    const startLsn = (manifest.runs[0]!.startLsn + 3 * SEGMENT) as Lsn; // in the segment behind the missing one
    const later = { ...manifest, backups: manifest.backups.map((each) => ({ ...each, startLsn })), runs: [{ ...manifest.runs[0]!, startLsn }] };
    expect((await examineCase({ caseDir, manifest: later })).findings.map(({ code }) => code)).not.toContain('wal.gap');
  });

  it('reads on behind damage of any kind: in a header, in the data, at a page\'s head', async () => {
    const whole = (await examine()).wal.records;
    const file = join(wal, segments[4]!);
    const bytes = readFileSync(file);
    for (let i = 0; i < 10; i++) {
      const at = i % 5 === 0 ? 8192 * (i + 1) + 4 : 8192 * (3 + 7 * i) + 997 * (i + 1);
      flip(file, at);
      const { findings, wal: { records } } = await examine();
      writeFileSync(file, bytes);
      expect(findings.map(({ code }) => code), `bit at ${at}`).toEqual(['wal.damage']);
      expect(whole - records, `bit at ${at}`).toBeGreaterThan(0);
      expect(whole - records, `bit at ${at}`).toBeLessThan(2000);
    }
  });

  it('names a flipped bit by file and position, and reads on behind it', async () => {
    const whole = (await examine()).wal.records;
    flip(join(wal, segments[2]!), 100_000);
    const { findings, wal: { records } } = await examine();
    expect(findings).toMatchObject([{ code: 'wal.damage', place: { file: join(wal, segments[2]!) } }]);
    expect(whole - records).toBeGreaterThan(0);
    expect(whole - records).toBeLessThan(1000);
  });

  it('names two copies of a segment that differ', async () => {
    mkdirSync(join(wal, 'second'));
    copyFileSync(join(wal, segments[1]!), join(wal, 'second', segments[1]!));
    expect((await examine()).findings).toEqual([]);
    flip(join(wal, 'second', segments[1]!), 5000);
    expect((await examine()).findings).toMatchObject([{ code: 'wal.duplicate_differs', place: { offset: 5000 } }]);
  });

  it('names a segment that is cut off, and a timeline without its history', async () => {
    const last = segments.at(-1)!;
    writeFileSync(join(wal, last), readFileSync(join(wal, last)).subarray(0, 300_000));
    expect((await examine()).findings).toContainEqual(expect.objectContaining({ code: 'wal.segment_short' }));
    renameSync(join(wal, last), join(wal, last.replace(/^00000001/, '00000002')));
    expect((await examine()).findings).toContainEqual(expect.objectContaining({ code: 'wal.history_missing' }));
  });

  it('says where the index is behind the archive', async () => {
    const later = join(root, 'later-case');
    for (const name of segments.slice(-2)) rmSync(join(wal, name));
    await indexCase({ caseDir: later, backups: [backup], wal: [wal] });
    for (const name of segments.slice(-2)) copyFileSync(join(pristine.wal, name), join(wal, name));
    const { findings } = await examineCase({ caseDir: later, manifest: readManifest(later)! });
    expect(findings).toMatchObject([{ code: 'index.behind', hint: 'run walscope index to take the new segments in' }]);
  });

  it('names a damaged layer and a missing one', async () => {
    const layer = join(caseDir, 'layers', readdirSync(join(caseDir, 'layers'))[0]!);
    flip(layer, 100);
    expect((await examine()).findings).toMatchObject([{ code: 'layer.crc', place: { file: layer } }]);
    rmSync(layer);
    expect((await examine()).findings).toMatchObject([{ code: 'layer.missing', place: { file: layer } }]);
  });

  it('names a file of a backup that is not as its manifest says', async () => {
    const tar = join(backup, 'base.tar');
    const header = readFileSync(tar).indexOf('global/pg_filenode.map');
    flip(tar, header + 512 + 40);
    const { findings } = await examine();
    flip(tar, header + 512 + 40);
    expect(findings).toMatchObject([{ code: 'backup.file_differs', place: { file: 'global/pg_filenode.map' } }]);
  });

  it('names a table that was cut short in a backup without a manifest, in mid-page or at a page\'s end', async () => {
    const plain = join(root, 'plain'), plainCase = join(root, 'plain-case');
    mkdirSync(plain);
    execFileSync('tar', ['-xf', join(backup, 'base.tar'), '-C', plain]);
    await indexCase({ caseDir: plainCase, backups: [plain], wal: [wal] });
    const findings = async () => (await examineCase({ caseDir: plainCase, manifest: readManifest(plainCase)! })).findings;
    expect(await findings()).toEqual([]);
    const file = 'base/1/1255'; // pg_proc of template1
    const { size } = statSync(join(plain, file));
    truncateSync(join(plain, file), size - BLCKSZ);
    const short = { code: 'backup.table_short', place: { file }, message: expect.stringContaining(`has ${size / BLCKSZ - 1} pages in a base backup, but its visibility map speaks of page ${size / BLCKSZ - 1}`) as string };
    expect(await findings()).toMatchObject([short]);
    truncateSync(join(plain, file), size - BLCKSZ - 100);
    expect(await findings()).toMatchObject([{ code: 'backup.file_size', place: { file } }, { code: 'backup.table_short', place: { file } }]);
  });

  it('refuses a damaged manifest in one line', async () => {
    flip(manifestPath(caseDir), 200);
    expect(await main(['node', 'walscope', 'doctor', '-C', caseDir])).toBe(3);
  });
});
