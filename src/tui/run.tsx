/** Puts the screen on the terminal, and the terminal back as it was however the screen ends. */
import { render } from 'ink';
import { App } from './App.js';
import type { Model } from './model.js';
import type { Paint } from './paint.js';
import { Screen } from './screen.js';

const ENTER_ALTERNATE = '\u001b[?1049h\u001b[H';
const LEAVE_ALTERNATE = '\u001b[?1049l\u001b[?25h';
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

/** Runs until the user quits. Throws what went wrong, after the terminal is restored. */
export async function runTui(model: Model, paint: Paint): Promise<void> {
  const { stdout } = process;
  let restored = false;
  const restore = (): void => {
    if (restored) return;
    restored = true;
    stdout.write(LEAVE_ALTERNATE);
  };
  stdout.write(ENTER_ALTERNATE);
  process.on('exit', restore);
  let failure: unknown;
  const screen = new Screen(model, (error) => {
    failure = error;
    ink.unmount();
  });
  const ink = render(<App screen={screen} paint={paint} />, { exitOnCtrlC: false, patchConsole: false });
  const onSignal = (signal: NodeJS.Signals): void => {
    ink.unmount();
    restore();
    for (const each of SIGNALS) process.off(each, onSignal);
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    await ink.waitUntilExit();
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    restore();
    process.off('exit', restore);
  }
  if (failure !== undefined) throw failure;
}
