/** What an index run tells of WAL and backups that it could not use. */
import type { Manifest, ManifestRun } from '../layerfile/manifest.js';
import { formatWalFileName, walSegmentNumber } from '../pg/walFileName.js';
import type { WalEnd } from '../pg/xlogReader.js';
import type { Finding } from '../util/finding.js';
import { formatLsn, parseLsn, type Lsn } from '../util/lsn.js';
import type { CaseWal } from './caseWal.js';
import { LayerMap } from './layerMap.js';
import { minimalStretches } from './loggedRuns.js';

/** Why a run of WAL breaks off before the last WAL that there is: nothing where the archive simply ends there, perhaps within a record. */
export function breakFindings({ kind, error }: Pick<WalEnd, 'kind' | 'error'>, run: ManifestRun, lastWal: Lsn, { timelines, segmentSize }: Pick<Manifest, 'timelines' | 'segmentSize'>): Finding[] {
  const { place } = error.options;
  const at = parseLsn(place?.lsn ?? '') ?? run.endLsn;
  if (kind === 'end' || (kind === 'missing' && at >= lastWal)) return [];
  const timeline = timelines.find(({ end }) => at < end) ?? timelines.at(-1)!;
  const segment = formatWalFileName(timeline.timeline, walSegmentNumber(at, segmentSize), segmentSize);
  const inFile = place?.file === undefined || error.message.includes(place.file) ? '' : `, ${place.file}`;
  const what = kind === 'missing' ? 'WAL is missing' : `WAL is damaged (${error.message}${inFile})`;
  return [{
    code: kind === 'missing' ? 'wal.gap' : 'wal.damage', place,
    message: `${what}: moments from ${formatLsn(run.endLsn)} on cannot be answered until segment ${segment} is put back and walscope index is run again`,
  }];
}

/** Backups that never became consistent, stretches under wal_level = minimal, and WAL behind a gap. */
export function unusableParts(manifest: Manifest, layersDir: string, wal: CaseWal): Finding[] {
  const findings: Finding[] = [];
  for (const { path, startLsn } of manifest.backups.filter(({ consistentLsn }) => consistentLsn === null)) {
    findings.push({ code: 'backup.inconsistent', message: `base backup ${path} cannot be used: the WAL from ${formatLsn(startLsn)} to its end is not in the archive`, place: { file: path } });
  }
  const layers = new LayerMap(layersDir, manifest.layers);
  for (const { from, to } of minimalStretches(layers.events)) {
    findings.push({ code: 'wal.minimal', message: `wal_level was minimal from ${formatLsn(from)} ${to === null ? 'on' : `to ${formatLsn(to)}`}: moments in it cannot be answered, and later ones only from a base backup that was taken after it` });
  }
  layers.close();
  const reached = manifest.runs.at(-1)?.endLsn ?? 0;
  for (const { start, end } of wal.coverage()) {
    if (start > reached) findings.push({ code: 'wal.unreachable', message: `WAL from ${formatLsn(start)} to ${formatLsn(end)} lies after a gap and no base backup starts in it` });
  }
  return findings;
}
