/** The contract of the command line, on the built program as a process over the bundled archive. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, buildCli, demoCase, walscope } from '../support/cli.js';

const TRUTH = join(ROOT, 'fixtures', 'demo', 'truth');
const ESC = '\u001b';

describe('the command line', () => {
  let demo: { dir: string; remove(): void };
  let scratch: string;
  const run = (...args: string[]) => walscope([...args, '-C', demo.dir]);
  /** Runs in a terminal of its own, made by script(1). */
  const onTerminal = (command: string, env: Record<string, string> = {}): string => {
    const result = spawnSync('script', ['-qec', `stty rows 40 cols 200; ${process.execPath} ${join(ROOT, 'bin', 'walscope.js')} ${command}`, '/dev/null'], {
      cwd: scratch, encoding: 'utf8', env: { PATH: process.env['PATH'], TERM: 'xterm', WALSCOPE_CASE: demo.dir, ...env },
    });
    expect(result.status, result.stdout).toBe(0);
    return result.stdout;
  };

  beforeAll(() => {
    buildCli();
    demo = demoCase();
    scratch = mkdtempSync(join(tmpdir(), 'walscope-cli-'));
  });
  afterAll(() => {
    demo?.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('writes CSV as COPY does, on stdout and with -o, and echoes the moment on stderr', () => {
    const expected = readFileSync(join(TRUTH, 'before_delete', 'orders.csv'));
    const { bytes, err, code } = run('asof', 'orders', '--at', 'point:before_delete', '--csv');
    expect(code).toBe(0);
    expect(bytes.equals(expected)).toBe(true);
    expect(err).toMatch(/^as of 2026-\d\d-\d\d [\d:.]+\+00 · LSN 0\/177AD78 · timeline 1\n$/);
    const file = join(scratch, 'orders.csv');
    expect(run('asof', 'orders', '--at', 'point:before_delete', '--csv', '-o', file).out).toBe('');
    expect(readFileSync(file).equals(expected)).toBe(true);
  });

  it.each([
    [2, ['asof', 'no_such_table'], /"no_such_table" does not exist/],
    [2, ['asof', 'orders', '--format', 'xml'], /unknown format "xml"/],
    [2, ['asof', 'orders', '--at', 'yesterdayish'], /is not a moment/],
    [2, ['asfo', 'orders'], /unknown command 'asfo' \(Did you mean asof\?\)/],
    [2, ['asof', 'orders', '--limt', '3'], /unknown option '--limt' \(Did you mean --limit\?\)/],
    [2, ['asof'], /no table was named/],
    [2, ['asof', 'orders', '--limit', 'x'], /--limit needs a number, not "x"; write --limit 10$/],
    [2, ['log', '--at', '-1m'], /^walscope: log takes no --at; see walscope help log$/],
    [2, ['-d', 'shop', 'status'], /^walscope: status takes no --dbname; see walscope help status$/],
    [2, ['compact', '--fanout', '1'], /--fanout needs a number from 2 to 256, not "1"; write --fanout 64$/],
    [2, ['verify', '--memory', 'much'], /--memory: "much" is not a size; write --memory 512MB$/],
    [2, ['index', '--interval', '2'], /--interval belongs to --follow; add --follow, or leave it out$/],
    [2, ['compact', '--jobs', '2'], /--jobs belongs to --pack; add --pack, or leave it out$/],
    [2, ['diff', 'earliest', 'latest', '--stat', '--pages'], /--stat and --pages exclude each other; choose one$/],
    [2, ['diff', 'earliest', 'latest', '--sql', '--filter', 'removed'], /--sql goes without --filter; leave --filter out$/],
    [2, ['diff', 'earliest', 'latest', '--sql', '--csv'], /SQL is not written as csv; leave the format out$/],
    [2, ['diff', 'earliest', 'latest', '--on-conflict', 'nothing'], /--on-conflict needs --sql; write walscope diff --sql FROM TO$/],
    [2, ['show', '5052', '--on-conflict', 'nothing'], /--on-conflict needs --undo; write walscope show 5052 --undo$/],
    [2, ['show', '5052', '--undo', '--json'], /SQL is not written as json; leave the format out$/],
    [2, ['diff', 'earliest', 'latest', '--filter', 'moved'], /unknown change "moved"/],
    [2, ['layers', 'nothing.delta'], /no layer nothing\.delta/],
    [4, ['asof', 'orders', '--at', '2001-01-01'], /before the first moment/],
    [4, ['asof', 'orders', '--at', '2091-01-01'], /after the last moment/],
    [3, ['asof', 'orders', '-o', '/nonexistent/folder/file'], /\/nonexistent\/folder\/file/],
  ])('fails with exit %i and one line: %j', (exitCode, args, message) => {
    const { code, out, err } = run(...args);
    expect(code, err).toBe(exitCode);
    expect(out).toBe('');
    const failures = err.split('\n').filter((line) => line !== '' && !line.startsWith('as of '));
    expect(failures.length, err).toBe(1);
    expect(failures[0]).toMatch(/^walscope: /);
    expect(failures[0]).toMatch(message);
  });

  it('names what is no case', () => {
    const { code, err } = walscope(['status', '-C', scratch]);
    expect(code).toBe(3);
    expect(err).toContain('is not a case directory');
  });

  it('stops quietly when the reader goes away', () => {
    const result = spawnSync('sh', ['-c', `${process.execPath} ${join(ROOT, 'bin', 'walscope.js')} asof orders --at point:before_delete -C ${demo.dir} | head -n 1; exit 0`], { encoding: 'utf8' });
    expect(result.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('as of '))).toEqual([]);
    expect(result.stdout.split('\n').length).toBe(2);
  });

  it('explains every command, with examples', () => {
    const commands = [...walscope(['--help']).out.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]!).filter((name) => name !== 'help');
    expect(commands.length).toBeGreaterThan(8);
    for (const name of commands) expect(walscope(['help', name]).out, name).toMatch(new RegExp(`^Usage: walscope ${name} [^]*\n\nExamples:\n  walscope ${name}\\b`));
    expect(walscope(['help', 'asof']).out).toContain("Examples:\n  walscope asof orders --at '2026-04-06 10:00:00+02'");
  });

  it('colours differences only where that is wanted', () => {
    const diff = ['diff', 'point:before_drop', 'point:noticed', 'products', '--filter', 'changed', '--columns', 'price'];
    expect(run(...diff).out).not.toContain(ESC);
    expect(run(...diff, '--color', 'always').out).toContain(`${ESC}[7m`);
    const command = `${diff.join(' ')} --no-pager`;
    expect(onTerminal(command)).toContain(ESC);
    expect(onTerminal(command, { NO_COLOR: '1' })).not.toContain(ESC);
    expect(onTerminal(command, { TERM: 'dumb' })).not.toContain(ESC);
    expect(onTerminal(`${command} --color never`)).not.toContain(ESC);
  });

  it('pages only on a terminal, only what does not fit, and not with --no-pager', () => {
    const env = { PAGER: "sed 's/^/paged: /'" };
    expect(onTerminal('asof orders --limit 100', env)).toContain('paged: ');
    expect(onTerminal('asof orders --limit 3', env)).not.toContain('paged: ');
    expect(onTerminal('asof orders --limit 100 --no-pager', env)).not.toContain('paged: ');
    expect(onTerminal('asof orders --limit 100', { PAGER: 'no-such-pager-here' })).toContain('(100 rows)');
    expect(walscope(['asof', 'orders', '--limit', '100', '-C', demo.dir], { env }).out).not.toContain('paged: ');
  });

  it('counts differences as git diff --stat does, and says so with --exit-code', () => {
    const { out, code } = run('diff', 'point:before_delete', 'point:after_delete', '--stat', '--exit-code');
    expect(code).toBe(1);
    expect(out.split('\n').map((line) => line.replace(/ -+$/, ''))).toEqual([
      ' order_items | 9440', ' orders      | 3761', ' payments    | 3192', ' 3 tables changed, 16393 rows removed(-)', '',
    ]);
    expect(run('diff', 'latest', 'latest', '--exit-code').code).toBe(0);
    expect(run('diff', 'latest', 'latest', '--exit-code').out).toBe('');
  });

  it('takes a relative moment wherever it takes a moment', () => {
    const atOption = run('tables', '--at', '-2m');
    const [moment] = atOption.err.split('\n');
    expect(moment).toMatch(/^as of /);
    const diff = run('diff', '-2m', 'latest', '--stat');
    expect([diff.code, diff.err.split('\n')[0]]).toEqual([0, moment]);
    expect(run('diff', '--stat', 'earliest', '-2m')).toMatchObject({ code: 0, err: expect.stringContaining(`\n${moment}\n`) });
    expect(run('page', 'orders', '0', '--lsn-diff', '-3m', '-2m')).toMatchObject({ code: 0, err: expect.stringContaining(`\n${moment}\n`) });
    expect(run('pin', 'then', '-2m').out).toContain(`pinned then at ${/LSN (\S+)/.exec(moment!)![1]!}`);
    expect(run('unpin', 'then').code).toBe(0);
    expect(run('diff', '-2m', 'latest', '--nope')).toMatchObject({ code: 2, err: "walscope: unknown option '--nope'; see walscope help diff\n" });
  });

  it('gives differences as objects with table, change, key, before and after', () => {
    const { out, code } = run('diff', 'point:before_drop', 'point:noticed', 'products', 'coupons', '--json');
    expect(code).toBe(0);
    const changes = JSON.parse(out) as { table: string; change: string; key: Record<string, unknown> | null; before: Record<string, unknown> | null; after: Record<string, unknown> | null }[];
    const product = changes.find((c) => c.table === 'products' && c.change === 'changed')!;
    expect(Object.keys(product)).toEqual(['table', 'change', 'key', 'before', 'after']);
    expect(product.after!['price']).toBe('9.99');
    expect(product.key).toEqual({ id: product.before!['id'] });
    const coupons = changes.filter((c) => c.table === 'coupons');
    expect(coupons.length).toBe(240);
    expect(coupons.every((c) => c.change === 'removed' && c.after === null)).toBe(true);
    const lines = run('diff', 'point:before_drop', 'point:noticed', 'products', 'coupons', '--jsonl').out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(changes);
    const csv = run('diff', 'point:before_drop', 'point:noticed', 'products', '--csv', '--columns', 'price', '--filter', 'changed').out.split('\n');
    expect(csv[0]).toBe('change,side,id,price');
    expect(csv[2]).toMatch(/^changed,after,\d+,9\.99$/);
  });

  it('shows schema changes with the rows, beside them where these are for machines', () => {
    const [, xid] = /xid (\d+) [^]*dropped table coupons/.exec(run('log', '--table', 'coupons', '--limit', '1').out)!;
    expect(run('show', xid!)).toMatchObject({ code: 0, out: '    dropped table coupons\n', err: expect.stringMatching(/^xid \d+ · committed [^\n]+\n$/) });
    expect(run('show', xid!, '--json')).toMatchObject({ code: 0, out: '[]\n', err: expect.stringContaining('    dropped table coupons\n') });
  });

  it('shows a definition as psql, SQL and JSON', () => {
    const text = run('schema', 'orders', '--at', 'point:before_deploy').out;
    expect(text).toContain('Table "public.orders"\n');
    expect(text).toContain('    "orders_pkey" PRIMARY KEY, btree (id)\n');
    expect(text).not.toContain('channel');
    const json = JSON.parse(run('schema', 'orders', '--json').out) as { columns: { name: string; default: string | null }[] };
    expect(json.columns.find((c) => c.name === 'channel')!.default).toBe("'web'::text");
    expect(run('schema', 'coupons', '--ddl').err).toContain('does not exist');
    expect(run('schema', 'coupons', '--at', 'point:before_drop', '--ddl').out).toContain('CREATE TABLE public.coupons (\n    code text NOT NULL,');
  });

  it('lists layers, dumps one, prints records, and finds damage', () => {
    const layers = JSON.parse(run('layers', '--json').out) as { file: string; records: number; start_lsn: string }[];
    expect(layers.length).toBeGreaterThan(0);
    const dump = run('layers', layers[0]!.file).out;
    expect(dump).toMatch(/^key \S+ block 0: /m);
    expect(dump).toMatch(/^xact 0\/\w+ commit xid \d+/m);
    expect(run('layers', '--records', '0/177AD78..0/177AE00').out.split('\n')[0]).toMatch(/^rmgr: Heap {8}len \(rec\/tot\): {5}54\/ {4}54, tx: {7}5052, lsn: 0\/0177AD78, prev 0\/0177AD10, desc: DELETE /);
    expect(run('layers', '--verify').out).toBe(layers.map(({ file }) => `${file}: ok\n`).join(''));
    const damaged = join(scratch, 'damaged');
    mkdirSync(join(damaged, 'layers'), { recursive: true });
    for (const name of readdirSync(demo.dir)) if (name !== 'layers' && existsSync(join(demo.dir, name))) spawnSync('cp', ['-r', join(demo.dir, name), damaged]);
    for (const name of readdirSync(join(demo.dir, 'layers'))) copyFileSync(join(demo.dir, 'layers', name), join(damaged, 'layers', name));
    const file = join(damaged, 'layers', layers[0]!.file);
    const bytes = readFileSync(file);
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    writeFileSync(file, bytes);
    const { code, out, err } = walscope(['layers', '--verify', '-C', damaged]);
    expect(code).toBe(3);
    expect(out).toContain(`${layers[0]!.file}: damaged\n`);
    expect(err).toMatch(/^walscope: damaged: .*checksum mismatch/m);
  });

  it('tells the demo to its end and leaves the case it names', () => {
    const { code, out, err } = walscope(['demo'], { env: { TMPDIR: scratch } });
    expect(code, err).toBe(0);
    const recovered = /^\$ rm -r (\S+)$/m.exec(out)![1]!;
    expect(existsSync(join(recovered, 'case', 'manifest'))).toBe(true);
    expect(readFileSync(join(recovered, 'recovered', 'orders.copy'), 'utf8').trimEnd().split('\n').length).toBe(3761);
    for (const wanted of ['3,761 rows', '9,440 rows', '3,192 rows', 'CREATE TABLE public.coupons', 'dropped table coupons']) expect(out).toContain(wanted);
    // definitions and rows are as wide as they are; what the demo itself says fits 80 columns
    expect(out.split('\n').filter((line) => line.length > 80 && !/^(ALTER|CREATE| {3})/.test(line))).toEqual([]);
  });
});
