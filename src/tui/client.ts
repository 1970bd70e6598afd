/** The screen's end: asks a worker, and stops what is no longer wanted. */
import { WalscopeError, type ExitCode } from '../util/errors.js';
import type { Port } from './model/serve.js';
import { Interrupted, type Progress, type StopFlag } from './model/work.js';
import type { Answer, Arguments, Failure, Question, Reply, Request } from './protocol.js';

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

export class Client {
  private lastId = 0;
  private readonly waiting = new Map<number, Waiting>();
  /** Called as a question's work goes on. */
  onProgress: (progress: Progress) => void = () => undefined;

  constructor(private readonly port: Port, private readonly stop: StopFlag) {
    port.on('message', (message) => this.receive(message as Reply));
  }

  /** Asks; rejects with Interrupted where interrupt() came first, with the WalscopeError of the answer, or with a bug's Error. */
  ask<Q extends Question>(question: Q, ...args: Arguments<Q>): Promise<Answer<Q>> {
    const id = ++this.lastId;
    const request: Request = { id, question, args };
    return new Promise<unknown>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.port.postMessage(request);
    }) as Promise<Answer<Q>>;
  }

  /** Whether an answer is still to come. */
  get isBusy(): boolean { return this.waiting.size > 0; }

  /** Stops the work on everything asked so far. */
  interrupt(): void {
    Atomics.store(this.stop, 0, this.lastId);
  }

  /** The worker is gone: nothing will be answered any more. */
  fail(error: unknown): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  private receive(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    if (!waiting) return;
    if (reply.kind === 'progress') {
      this.onProgress(reply.progress);
      return;
    }
    this.waiting.delete(reply.id);
    if (reply.kind === 'answer') waiting.resolve(reply.answer);
    else waiting.reject(errorOf(reply.failure));
  }
}

function errorOf(failure: Failure): Error {
  switch (failure.kind) {
    case 'interrupted': return new Interrupted();
    case 'refused': return new WalscopeError(failure.code, failure.message, { hint: failure.hint, exitCode: failure.exitCode as ExitCode });
    case 'bug': return Object.assign(new Error(failure.stack.split('\n')[0]!.replace(/^\w*Error: /, '')), { stack: failure.stack });
  }
}
