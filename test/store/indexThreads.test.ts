/** Threads that begin before there is work for them. */
import { expect, it } from 'vitest';
import { IndexThreads } from '../../src/store/indexThreads.js';

it('tells of a failure and an end that came before anybody took the thread', async () => {
  const threads = new IndexThreads(1);
  const { worker } = (threads as unknown as { spare: { worker: { emit(event: 'error', error: Error): void; terminate(): Promise<number> } }[] }).spare[0]!;
  worker.emit('error', new RangeError('no memory left'));
  await worker.terminate();
  const { failure, exit } = threads.take();
  expect((await failure).message).toBe('no memory left');
  await exit;
});
