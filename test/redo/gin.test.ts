import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { ginRmgr } from '../../src/redo/gin/index.js';
import { compareDescriptions, countOpcodes, replayWithFlippedBits } from '../support/indexRedo.js';
import { NaiveRecovery } from '../support/naiveRecovery.js';
import { buildRedoArchive, comparePages, recoverArchive, type RedoArchive } from '../support/redoArchive.js';

const workload = readFileSync(new URL('workloads/gin.sql', import.meta.url), 'utf8');
const indexes = ['arr_a', 'words_w', 'fast_j', 'fast_jv', 'bulk_a', 'words_built', 'bulk_built'];

describe.each(PG_MAJORS)('GIN replay on %i', (major) => {
  let archive: RedoArchive;
  beforeAll(async () => {
    archive = await buildRedoArchive({ major, workload, settings: { wal_consistency_checking: 'gin' }, describe: ['Gin'] });
  });
  afterAll(() => archive.server.destroy());

  it('meets every record that there is', () => {
    expect([...countOpcodes(archive, ginRmgr).keys()].sort()).toEqual([
      'CREATE_PTREE', 'DELETE_LISTPAGE', 'DELETE_PAGE', 'INSERT', 'INSERT_LISTPAGE', 'SPLIT', 'UPDATE_META_PAGE', 'VACUUM_DATA_LEAF_PAGE', 'VACUUM_PAGE',
    ]);
  });

  it('agrees with the images of wal_consistency_checking and with every page of a real recovery', async () => {
    const recovery = new NaiveRecovery({ walDir: archive.walDir, backupDir: archive.backup.path });
    const report = recovery.run();
    expect(report.differences).toEqual([]);
    expect(report.rmgrs['Gin']).toMatchObject({ different: 0, unhandled: 0, failed: 0 });
    expect(report.rmgrs['Gin']!.compared).toBeGreaterThan(5000);
    const recovered = await recoverArchive(archive);
    try {
      for (const name of indexes) {
        const { pages, differences } = comparePages(recovery.pages, recovered, name, archive.relations.get(name)!);
        expect(pages).toBeGreaterThan(3);
        expect(differences).toEqual([]);
      }
    } finally {
      await recovered.destroy();
    }
  });

  if (major === 18) {
    it('notices one wrong bit after any of its records', () => {
      const { spoilt, report } = replayWithFlippedBits(archive, ginRmgr);
      // SPLIT and VACUUM_PAGE come as images that are restored
      expect([...spoilt].sort()).toEqual(['CREATE_PTREE', 'DELETE_LISTPAGE', 'DELETE_PAGE', 'INSERT', 'INSERT_LISTPAGE', 'UPDATE_META_PAGE', 'VACUUM_DATA_LEAF_PAGE']);
      expect(new Set(report.differences.map((d) => d.opcode))).toEqual(spoilt);
    });
  }

  // pg_walinspect came with 15
  if (major >= 15) {
    it('describes each record as the server does', () => {
      const { compared, differences } = compareDescriptions(archive, ginRmgr);
      expect(compared).toBeGreaterThan(10000);
      expect(differences).toEqual([]);
    });
  }
});
