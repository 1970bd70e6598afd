/** walscope bundle: answers as evidence, with what they were drawn from, and the check that they still follow from it. */
import fs from 'node:fs';
import path from 'node:path';
import { explainFsError } from '../layerfile/durable.js';
import { caseStatus, type CaseStatus } from '../query/status.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { openSession, type CommonOptions } from './context.js';
import { queryLogPath, readQueryLog, splitCommand } from './queryLog.js';
import { VERSION } from './version.js';
import { fingerprint, readZip, ZipWriter, type Fingerprint } from './zipFile.js';

export interface BundleOptions extends CommonOptions {
  answer?: string[];
  check?: string;
}

type Run = (argv: string[]) => Promise<number>;

interface Answer extends Fingerprint {
  file: string;
  /** The command line after `walscope`. */
  command: string[];
  exitCode: number;
  /** What it said besides: the moments that it resolved, notices, what is missing. */
  notes: string[];
}

interface Evidence {
  tool: { name: string; version: string; node: string };
  created: string;
  status: CaseStatus;
  inputs: ({ path: string } & Partial<Fingerprint>)[];
  answers: Answer[];
}

const EVIDENCE = 'bundle.json', HASHES = 'manifest.sha256', QUERY_LOG = 'query-log.jsonl';
/** Commands whose answer depends on the case and the archive alone. */
const ANSWERING = new Set(['asof', 'tables', 'schema', 'page', 'diff', 'log', 'show', 'incidents', 'history', 'blame', 'find', 'restore', 'export', 'layers']);

export async function bundleCommand(options: BundleOptions, run: Run): Promise<number> {
  return options.check === undefined ? writeBundle(options, run) : checkBundle(options.check, options, run);
}

async function writeBundle(options: BundleOptions, run: Run): Promise<number> {
  if (options.output === undefined) throw new WalscopeError('usage.bundle', 'bundle needs a file to write', { exitCode: ExitCode.usage, hint: 'write walscope bundle -o FILE.zip' });
  const session = openSession(options);
  const { caseDir } = session.store;
  const logged = readQueryLog(caseDir).filter((query) => query.exitCode === 0 || query.exitCode === ExitCode.partial).map((query) => query.command);
  const commands = unique((options.answer ? options.answer.map(splitCommand) : logged).filter((command) => options.answer || ANSWERING.has(command[0] ?? '')).map(answerCommand));
  if (commands.length === 0) throw new WalscopeError('usage.bundle', 'there is nothing to bundle', { exitCode: ExitCode.usage, hint: "name answers with --answer 'asof orders --at before-xid:812 --csv', or log your commands with --log-query first" });
  const zip = new ZipWriter(options.output);
  let evidence: Evidence;
  try {
    const answers: Answer[] = [];
    for (const [i, command] of commands.entries()) {
      const file = `answers/${String(i + 1).padStart(3, '0')}-${command[0]!}.${extensionOf(command)}`;
      answers.push(await answer(caseDir, command, file, run, (from) => zip.addFile(file, from)));
    }
    evidence = {
      tool: { name: 'walscope', version: VERSION, node: process.version }, created: new Date().toISOString(), status: caseStatus(session), inputs: inputFiles(session.store.manifest), answers,
    };
    zip.addText(EVIDENCE, `${JSON.stringify(evidence, null, 1)}\n`);
    if (fs.existsSync(queryLogPath(caseDir))) zip.addFile(QUERY_LOG, queryLogPath(caseDir));
    zip.addText(HASHES, [...zip.hashes].map(([name, { sha256 }]) => `${sha256}  ${name}\n`).join(''));
    zip.end();
  } catch (error) {
    zip.abandon();
    throw error;
  }
  const { answers } = evidence;
  const bad = answers.filter((one) => one.exitCode !== ExitCode.done);
  for (const one of bad) process.stderr.write(`walscope: incomplete: walscope ${one.command.join(' ')} ended with ${one.exitCode}\n`);
  process.stdout.write(`${options.output}: ${answers.length} answer${answers.length === 1 ? '' : 's'}, ${evidence.inputs.length} input files\n`);
  return bad.length > 0 ? ExitCode.partial : ExitCode.done;
}

/** Where an answer goes and which case it asks is the bundle's business. */
function answerCommand(command: string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < command.length; i++) {
    const word = command[i]!;
    if (/^(-o|--output|-C|--case|--color)$/.test(word)) i++;
    else if (!/^(--output=|--case=|--color=|-[oC].|--log-query$|--no-pager$)/.test(word)) kept.push(word);
  }
  if (!ANSWERING.has(kept[0] ?? '')) throw new WalscopeError('usage.answer', `"${kept.join(' ')}" is no answer that can be bundled`, { exitCode: ExitCode.usage, hint: `use ${[...ANSWERING].join(', ')}` });
  return kept;
}

function unique(commands: string[][]): string[][] {
  return [...new Map(commands.map((command) => [JSON.stringify(command), command])).values()];
}

function extensionOf(command: readonly string[]): string {
  const format = command.includes('--csv') ? 'csv' : command.includes('--json') ? 'json' : command.includes('--jsonl') ? 'jsonl' : command.includes('--raw') ? 'page' : undefined;
  const named = command.findIndex((word) => word === '--format');
  if (named >= 0) return command[named + 1] ?? 'txt';
  return format ?? (command[0] === 'restore' || command.includes('--undo') || command.includes('--ddl') ? 'sql' : 'txt');
}

/** Runs a command, its data into a file of the case directory, which `use` may take; what it says on stderr is kept. */
async function answer(caseDir: string, command: string[], file: string, run: Run, use: (file: string) => void): Promise<Answer> {
  const target = path.join(caseDir, `bundle-${process.pid}.tmp`);
  const notes: string[] = [];
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = ((text: string | Uint8Array) => {
    notes.push(...Buffer.from(text).toString('utf8').split('\n').filter((line) => line !== ''));
    return true;
  }) as typeof process.stderr.write;
  let exitCode: number;
  try {
    exitCode = await run(['node', 'walscope', ...command, '-C', caseDir, '-o', target]);
  } finally {
    process.stderr.write = write;
  }
  try {
    if (!fs.existsSync(target)) throw new WalscopeError('bundle.failed', `walscope ${command.join(' ')} gave no answer: ${notes.at(-1) ?? ''}`, { exitCode: exitCode === ExitCode.done ? ExitCode.usage : (exitCode as ExitCode), hint: 'run it by itself first' });
    use(target);
    return { file, command, exitCode, notes, ...fingerprint(target) };
  } finally {
    fs.rmSync(target, { force: true });
  }
}

/** Every file of the backups and WAL directories, hashed; one that is not there any more stands without. */
function inputFiles(manifest: { wal: string[]; backups: { path: string }[] }): Evidence['inputs'] {
  const files = [...new Set([...manifest.backups.map((backup) => backup.path), ...manifest.wal])].flatMap(filesIn);
  return files.map((file) => (fs.existsSync(file) ? { path: file, ...fingerprint(file) } : { path: file }));
}

function filesIn(place: string): string[] {
  const stat = fs.statSync(place, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return [place];
  try {
    return fs.readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name)).sort();
  } catch (error) {
    throw explainFsError(error, place);
  }
}

/** Verifies the hashes inside a bundle; with a case named, also that the archive is the same and gives the same answers. */
async function checkBundle(file: string, options: BundleOptions, run: Run): Promise<number> {
  const { hashes, texts } = readZip(file, [EVIDENCE, HASHES]);
  const listed = texts.get(HASHES), text = texts.get(EVIDENCE);
  if (listed === undefined || text === undefined) throw new WalscopeError('bundle.damaged', `${file} is no bundle of walscope`, { exitCode: ExitCode.input, hint: 'name a file that walscope bundle wrote' });
  const faults: string[] = [];
  const expected = new Map(listed.split('\n').filter((line) => line !== '').map((line) => [line.slice(66), line.slice(0, 64)]));
  for (const [name, sha256] of expected) if (hashes.get(name)?.sha256 !== sha256) faults.push(hashes.has(name) ? `${name} was changed` : `${name} is missing`);
  for (const name of hashes.keys()) if (name !== HASHES && !expected.has(name)) faults.push(`${name} was added`);
  const evidence = JSON.parse(text) as Evidence;
  for (const one of evidence.answers) if (hashes.get(one.file)?.sha256 !== one.sha256) faults.push(`${one.file} is not the answer that ${EVIDENCE} describes`);
  process.stdout.write(`${file}: ${expected.size} files, written by walscope ${evidence.tool.version} on ${evidence.created}\n`);
  if (faults.length === 0 && (options.case ?? process.env['WALSCOPE_CASE'])) faults.push(...await proveAgain(evidence, options, run));
  for (const fault of faults) process.stderr.write(`walscope: ${fault}\n`);
  process.stdout.write(faults.length === 0 ? 'good\n' : `${faults.length} fault${faults.length === 1 ? '' : 's'}\n`);
  return faults.length === 0 ? ExitCode.done : ExitCode.input;
}

async function proveAgain(evidence: Evidence, options: BundleOptions, run: Run): Promise<string[]> {
  const { store } = openSession(options);
  const faults: string[] = [];
  if (store.manifest.systemIdentifier !== evidence.status.systemIdentifier) return [`the case is of system ${store.manifest.systemIdentifier}, the bundle of ${evidence.status.systemIdentifier}`];
  let files = 0;
  for (const { path: file, sha256 } of evidence.inputs) {
    if (sha256 === undefined || !fs.existsSync(file)) continue;
    files++;
    if (fingerprint(file).sha256 !== sha256) faults.push(`${file} is not the file that the bundle was drawn from`);
  }
  for (const one of evidence.answers) {
    const again = await answer(store.caseDir, one.command, one.file, run, () => undefined);
    if (again.sha256 !== one.sha256) faults.push(`walscope ${one.command.join(' ')} gives another answer`);
  }
  process.stdout.write(`proved again: ${evidence.answers.length} answers, ${files} of ${evidence.inputs.length} input files compared\n`);
  return faults;
}
