/** The short run of `npm run fuzz`: the same seed on each machine, so that what it finds can be seen again. */
import { describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import { fuzzCorpus, RecordFuzzer } from '../support/recordFuzz.js';

const ROUNDS = 3000;

describe.each(PG_MAJORS)('mutated records of %i', (major) => {
  it('end in a result or a typed error, within the page and within a moment', () => {
    const fuzzer = new RecordFuzzer(20261121 + major, [major]);
    for (let i = 0; i < ROUNDS; i++) fuzzer.round();
    // a fuzzer that gets nowhere finds nothing
    expect(fuzzer.counts.rounds).toBe(ROUNDS);
    expect(fuzzer.counts.redone).toBeGreaterThan(ROUNDS / 4);
    expect(fuzzer.counts.refused).toBeGreaterThan(ROUNDS / 20);
    expect(fuzzer.counts.ingested).toBeGreaterThan(ROUNDS / 4);
    expect(fuzzer.counts.undecodable).toBeGreaterThan(0);
  });

  it('come from real records of heap, SP-GiST, BRIN, B-tree, hash and generic', () => {
    const managers = new Set(fuzzCorpus(major).map((bytes) => RMGRS[bytes[17]!]!.name));
    expect([...managers]).toEqual(expect.arrayContaining(['Heap', 'Heap2', 'Btree', 'Hash', 'SPGist', 'BRIN', 'Generic']));
  });
});
