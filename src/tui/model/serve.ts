/** The worker's end: takes questions from a port, one at a time in their order, and posts the answers. */
import { WalscopeError } from '../../util/errors.js';
import type { Failure, Parts, Reply, Request } from '../protocol.js';
import { Interrupted, Work, type StopFlag } from './work.js';
import type { Model } from './model.js';

/** What is needed of a MessagePort. */
export interface Port {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  postMessage(message: unknown): void;
}

/** A message that ends the serving, once what is being answered is. */
export const END = 'end';

/** Until END comes, serves a model that `open` makes when the first question comes; what fails then is the answer to every question. */
export function serve(port: Port & { close(): void }, stop: StopFlag, open: (work: Work) => Model): void {
  const post = (reply: Reply): void => port.postMessage(reply);
  const work = new Work(stop, (id, progress) => post({ id, kind: 'progress', progress }));
  let model: Model | undefined;
  let queue = Promise.resolve();
  const answer = async ({ id, question, args }: Request): Promise<void> => {
    try {
      work.begin(id);
      model ??= open(work);
      post({ id, kind: 'answer', answer: await call(model, question, args) });
    } catch (error) {
      post({ id, kind: 'failure', failure: failureOf(error) });
    }
  };
  port.on('message', (message) => {
    queue = queue.then(() => (message === END ? port.close() : answer(message as Request)));
  });
}

async function call(model: Model, question: string, args: unknown[]): Promise<unknown> {
  const { transactions, comparisons, pages, exports } = model;
  const parts: Parts = { rows: model, transactions, comparisons, pages, exports };
  const [part, method] = question.split('.') as [keyof Parts, string];
  if (part !== 'rows' && part !== 'pages') await model.prepare();
  const object = parts[part] as unknown as Record<string, (...args: unknown[]) => unknown>;
  return object[method]!(...args);
}

/** An error as it crosses threads. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Interrupted) return { kind: 'interrupted' };
  if (error instanceof WalscopeError) return { kind: 'refused', code: error.code, message: error.message, hint: error.options.hint, exitCode: error.exitCode };
  return { kind: 'bug', stack: error instanceof Error ? error.stack ?? error.message : String(error) };
}
