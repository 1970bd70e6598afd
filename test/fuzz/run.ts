/** `npm run fuzz -- [--seconds N] [--seed N]`: mutated records until the time is up; the first failure ends it with exit code 1. */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { FuzzFailure, RecordFuzzer } from '../support/recordFuzz.js';

const DEFAULT_SECONDS = 60;
/** Rounds between two looks at the clock. */
const BATCH = 500;

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? DEFAULT_SECONDS);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(seconds > 0) || !Number.isInteger(seed)) throw new Error('usage: npm run fuzz -- [--seconds N] [--seed N]');

const fuzzer = new RecordFuzzer(seed);
const end = performance.now() + seconds * 1000;
try {
  while (performance.now() < end) for (let i = 0; i < BATCH; i++) fuzzer.round();
} catch (error) {
  if (!(error instanceof FuzzFailure)) throw error;
  process.stderr.write(`${error.message}\n${error.cause instanceof Error ? (error.cause.stack ?? '') : ''}\n`);
  process.exitCode = 1;
}
const { rounds, undecodable, redone, refused, ingested } = fuzzer.counts;
process.stderr.write(`seed ${seed}: ${rounds} records, ${undecodable} not decodable, ${ingested} taken in; ${redone} pages replayed, ${refused} refused\n`);
