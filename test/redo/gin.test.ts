import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { ginRmgr } from '../../src/redo/gin/index.js';
import { countOpcodes } from '../support/indexRedo.js';
import { expectFlippedBitsNoticed, expectReplayAsRecovered, expectServersDescriptions } from '../support/indexReplaySuite.js';
import { buildRedoArchive, type RedoArchive } from '../support/redoArchive.js';

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
    await expectReplayAsRecovered(archive, ginRmgr, indexes, 5000);
  });

  if (major === 18) {
    it('notices one wrong bit after any of its records', () => {
      // SPLIT and VACUUM_PAGE come as images that are restored
      expectFlippedBitsNoticed(archive, ginRmgr, ['CREATE_PTREE', 'DELETE_LISTPAGE', 'DELETE_PAGE', 'INSERT', 'INSERT_LISTPAGE', 'UPDATE_META_PAGE', 'VACUUM_DATA_LEAF_PAGE']);
    });
  }

  // pg_walinspect came with 15
  if (major >= 15) {
    it('describes each record as the server does', () => {
      expectServersDescriptions(archive, ginRmgr, 10000);
    });
  }
});
