import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { captureDatabases } from '../../fixtures/workloads/truth.js';
import type { PgMajor } from '../../src/pg/version.js';
import { pairTables } from '../../src/query/tablePairs.js';
import { diffScript, undoScript } from '../../src/query/revert.js';
import { Findings } from '../../src/query/session.js';
import { showTransaction } from '../../src/query/show.js';
import { runPsql, scriptText } from './psqlScript.js';
import { indexArchive, type IndexedArchive } from './truthCase.js';

/** The audit triggers record the undoing too, and so change their own table. */
const AUDIT = 'audit.changes';

function sortedLines(csv: Buffer): string[] {
  return csv.toString('utf8').split('\n').sort();
}

/** show --undo on a server recovered to just after, for the lone transactions of `which` and the planted disaster. */
export function undoTruth(major: PgMajor, seed: number, which: readonly number[]): void {
  describe(`show --undo on a real server, PostgreSQL ${major}, seed ${seed}`, () => {
    let archive: Archive;
    let indexed: IndexedArchive;
    beforeAll(async () => {
      archive = await cachedArchive({ major, workload: 'audited', seed });
      indexed = await indexArchive(archive);
    }, 180_000);
    afterAll(() => indexed?.remove());

    it('gives the tables of the moment just before', async () => {
      const { transactions, planted, moments } = archive.truth;
      const solo = transactions!.filter((_, i) => which.includes(i));
      for (const { xid, before } of [...solo, planted!]) {
        const findings = new Findings();
        let script: string;
        const { session } = indexed;
        const isPlanted = planted!.xid === xid;
        if (isPlanted || xid !== transactions![1]!.xid) script = scriptText(undoScript(showTransaction(session, xid, findings), findings));
        else {
          const sides = { before: session.database(session.moment(`before-xid:${xid}`), 'shop'), after: session.database(session.moment(`xid:${xid}`), 'shop') };
          script = scriptText(diffScript(sides, pairTables(sides).filter((pair) => sides.before.catalog.schemaOf(pair.before!) !== 'audit'), findings));
        }
        expect(findings.list).toEqual([]);
        const server = await recoverTo({ major, backup: archive.backup, wal: archive.wal, target: { xid } });
        try {
          runPsql(server, 'shop', script);
          const shop = (await captureDatabases(server)).get('shop')!;
          const truth = moments.find((moment) => moment.name === before)!.databases['shop']!;
          expect([...shop.tables.keys()].sort(), `xid ${xid}`).toEqual(Object.keys(truth.tables).sort());
          for (const [name, table] of shop.tables) {
            if (name === AUDIT) continue;
            expect(sortedLines(table.csv), `${name} after the undo of xid ${xid}`).toEqual(sortedLines(readFileSync(join(archive.directory, truth.tables[name]!.file))));
          }
        } finally {
          await server.destroy();
        }
      }
    }, 120_000);
  });
}
