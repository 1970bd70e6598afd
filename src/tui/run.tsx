/** Puts the screen on the terminal, and the terminal back as it was however the screen ends. */
import { render } from './ink.js';
import { App } from './App.js';
import { FrameStream } from './frameStream.js';
import type { Paint } from './paint.js';
import { Screen, type ScreenOptions } from './screen.js';

const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

/** Runs until the user quits. Throws what went wrong, after the terminal is restored. `onScreen` gets the screen, for those who must tell it of failures elsewhere. */
export async function runTui(options: Omit<ScreenOptions, 'quit' | 'copy'>, paint: Paint, onScreen: (screen: Screen) => void): Promise<void> {
  const frames = new FrameStream(process.stdout);
  const restore = (): void => frames.close();
  process.on('exit', restore);
  let failure: unknown;
  const screen = new Screen({
    ...options,
    copy: (text) => frames.tell(`\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`),
    quit: (error) => {
      failure = error;
      ink.unmount();
    },
  });
  // debug: Ink hands over whole frames and leaves it to the stream how they get onto the terminal
  const ink = render(<App screen={screen} paint={paint} />, { stdout: frames as unknown as NodeJS.WriteStream, debug: true, exitOnCtrlC: false, patchConsole: false });
  onScreen(screen);
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
