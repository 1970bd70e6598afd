/** A screen over a case, drawn into memory: the worker's end answers in this thread. */
import { MessageChannel } from 'node:worker_threads';
import { render } from 'ink-testing-library';
import type { Session } from '../../src/query/session.js';
import { App } from '../../src/tui/App.js';
import { Client } from '../../src/tui/client.js';
import type { Files } from '../../src/tui/model/exports.js';
import { Model } from '../../src/tui/model/model.js';
import { serve } from '../../src/tui/model/serve.js';
import { painter } from '../../src/tui/paint.js';
import { Screen } from '../../src/tui/screen.js';

export interface ShownScreen {
  screen: Screen;
  /** Presses keys one after the other and gives what is shown once they have had their effect. */
  press(...keys: string[]): Promise<string>;
  shown(): Promise<string>;
  /** What was written to files, by name, and what was copied. */
  written: Map<string, string>;
  copied: string[];
  hasQuit(): boolean;
  close(): void;
}

export interface ShowOptions {
  at?: string;
  columns?: number;
  rows?: number;
  colour?: boolean;
}

/** A client and what answers it. */
export function connect(session: Session, files: Files): { client: Client; close(): void } {
  const { port1, port2 } = new MessageChannel();
  const stop = new Int32Array(new SharedArrayBuffer(4));
  serve(port1, stop, (work) => new Model(session, work, files));
  return { client: new Client(port2, stop), close: () => port1.close() };
}

export async function show(session: Session, { at = 'latest', columns = 100, rows = 24, colour = false }: ShowOptions = {}): Promise<ShownScreen> {
  const written = new Map<string, string>();
  const copied: string[] = [];
  const files: Files = {
    create: (path) => ({
      path, write: (text) => void written.set(path, (written.get(path) ?? '') + text), close: () => undefined, discard: () => void written.delete(path),
    }),
  };
  const front = connect(session, files), back = connect(session, files);
  let quit = false;
  const screen = new Screen({
    client: front.client, background: () => back.client, at, database: undefined, copy: (text) => void copied.push(text),
    quit: (error) => {
      if (error !== undefined) throw error;
      quit = true;
    },
  });
  const app = render(<App screen={screen} paint={painter(colour)} />);
  screen.resize({ columns, rows });
  const shown = async (): Promise<string> => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    // eslint-disable-next-line no-control-regex -- styles are not what is compared
    return app.lastFrame()!.replace(/\u001b\[[0-9;]*m/g, '');
  };
  const press = async (...keys: string[]): Promise<string> => {
    for (const key of keys) {
      screen.press(key);
      await screen.idle();
    }
    return shown();
  };
  await new Promise((resolve) => setTimeout(resolve, 20));
  screen.resize({ columns, rows });
  await screen.idle();
  return {
    screen, press, shown, written, copied, hasQuit: () => quit,
    close: () => {
      app.unmount();
      front.close();
      back.close();
    },
  };
}

/** Keys that enter a text. */
export function typed(text: string): string[] {
  return [...text, 'enter'];
}
