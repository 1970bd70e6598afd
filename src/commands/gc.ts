/** walscope gc: drops old history; walscope pin and unpin: moments that it keeps. */
import { asWriter } from '../layerfile/caseLock.js';
import { formatBytes, parseBytes, formatCount } from '../output/units.js';
import { writeManifest } from '../layerfile/manifest.js';
import type { Session } from '../query/session.js';
import { manifestOf } from '../store/openCase.js';
import { countCutoffPages } from '../store/cutoffWriter.js';
import { cutCase, cutForSize, planCut, sweepCase } from '../store/retention.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { findCase, openSession, type CommonOptions } from './context.js';

export interface GcCommandOptions extends CommonOptions {
  keep?: string;
  maxSize?: string;
  dryRun?: boolean;
}

/** Where to cut; undefined: everything may stay. */
function cutOf(session: Session, options: GcCommandOptions): Lsn | undefined {
  if (options.maxSize !== undefined) return cutForSize(session.store, parseBytes(options.maxSize, '--max-size'));
  try {
    return session.moment(`-${options.keep!}`).lsn;
  } catch (error) {
    if (error instanceof WalscopeError && error.code === 'moment.past') return undefined;
    throw error;
  }
}

export async function gcCommand(options: GcCommandOptions): Promise<ExitCode> {
  if ((options.keep === undefined) === (options.maxSize === undefined)) {
    throw new WalscopeError('usage.gc', 'gc needs either --keep or --max-size', { exitCode: ExitCode.usage, hint: 'write --keep 30d or --max-size 50GB' });
  }
  if (options.keep !== undefined && !/^\d+(\.\d+)?(s|min|m|h|d|w)$/.test(options.keep)) {
    throw new WalscopeError('usage.keep', `"${options.keep}" is not a length of time`, { exitCode: ExitCode.usage, hint: 'write 30d, 12h or 2w' });
  }
  return asWriter(findCase(options.case), 'gc', () => collect(openSession(options), options));
}

function collect(session: Session, options: GcCommandOptions): ExitCode {
  const { store } = session;
  if (!options.dryRun) sweepCase(store.caseDir, store.manifest);
  const lsn = cutOf(session, options);
  const range = lsn === undefined ? undefined : store.coverage.find((each) => lsn >= each.firstLsn && lsn <= each.lastLsn)!;
  if (lsn === undefined || lsn === store.coverage[0]!.firstLsn) {
    process.stdout.write('nothing to drop\n');
    return ExitCode.done;
  }
  const plan = planCut(store, lsn);
  const time = store.lastTimeBefore(range!, lsn);
  const first = `first moment ${formatLsn(lsn)}${time === null ? '' : ` (${formatTimestamptz(time, session.zone)})`}`;
  const drops = `${plan.files} file${plan.files === 1 ? '' : 's'} of ${formatBytes(plan.bytes)}${plan.backups.map((backup) => `, base backup ${backup}`).join('')}`;
  if (options.dryRun) {
    const pages = countCutoffPages(store, lsn);
    process.stdout.write(`would drop ${drops}; ${first}; ${formatCount(pages)} page images to write\n`);
    return ExitCode.done;
  }
  const { cutoff } = cutCase(store, lsn);
  process.stdout.write(`dropped ${drops}; ${first}; ${formatCount(cutoff!.images)} page images written, ${formatBytes(cutoff!.bytes)}\n`);
  return ExitCode.done;
}

export async function pinCommand(name: string, moment: string, options: CommonOptions): Promise<ExitCode> {
  return asWriter(findCase(options.case), 'pin', () => pin(openSession(options), name, moment));
}

function pin(session: Session, name: string, moment: string): ExitCode {
  const { manifest, caseDir } = session.store;
  if (manifest.pins?.some((pin) => pin.name === name)) throw new WalscopeError('usage.pin', `there is a pin "${name}" already`, { exitCode: ExitCode.usage, hint: `choose another name, or walscope unpin ${name}` });
  const { lsn, time } = session.moment(moment);
  manifest.pins = [...(manifest.pins ?? []), { name, lsn, time }].sort((a, b) => a.lsn - b.lsn);
  writeManifest(caseDir, manifest);
  process.stdout.write(`pinned ${name} at ${formatLsn(lsn)}${time === null ? '' : ` (${formatTimestamptz(time, session.zone)})`}\n`);
  return ExitCode.done;
}

export async function unpinCommand(name: string, options: CommonOptions): Promise<ExitCode> {
  return asWriter(findCase(options.case), 'unpin', () => unpin(findCase(options.case), name));
}

function unpin(caseDir: string, name: string): ExitCode {
  const manifest = manifestOf(caseDir);
  const pins = manifest.pins?.filter((pin) => pin.name !== name) ?? [];
  if (pins.length === (manifest.pins?.length ?? 0)) {
    const known = manifest.pins?.map((pin) => pin.name).join(', ') ?? '';
    throw new WalscopeError('usage.pin', `there is no pin "${name}"`, { exitCode: ExitCode.usage, hint: known === '' ? 'walscope pin NAME MOMENT makes one' : `there are: ${known}` });
  }
  if (pins.length > 0) manifest.pins = pins;
  else delete manifest.pins;
  writeManifest(caseDir, manifest);
  return ExitCode.done;
}
