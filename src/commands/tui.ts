/** walscope tui: the same questions on screen. */
import { colourWanted } from '../output/colour.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { findCase, openSession, type CommonOptions } from './context.js';

export async function tuiCommand(options: CommonOptions): Promise<ExitCode> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new WalscopeError('tui.no_terminal', 'tui needs a terminal', { exitCode: ExitCode.usage, hint: 'use walscope tables, asof and diff in scripts' });
  }
  const session = openSession(options);
  const [{ Model }, { painter }, { runTui }] = await Promise.all([import('../tui/model.js'), import('../tui/paint.js'), import('../tui/run.js')]);
  const model = new Model(session, findCase(options.case), options.at ?? 'latest', options.dbname);
  await runTui(model, painter(colourWanted(options.color ?? 'auto', true)));
  return ExitCode.done;
}
