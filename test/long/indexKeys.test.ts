/** --key and --where through indexes of every type that has one: what a server's WHERE finds, and by the index. */
import { expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { keyRun } from '../support/keyRun.js';

const SEED = 5_000;
/** Types of extensions and those made of them, and two that no text can be read as here. */
const SCANNED = /^(hstore|citext|ltree|cube|seg|ean13|is[bms]n(13)?|upc|query_int|lquery|ltxtquery)(\[\])?$|^"|^(aclitem|pg_node_tree)$/;

it.each(PG_MAJORS)('PostgreSQL %i: keys of all types', async (major) => {
  const { types, written, differences } = await keyRun({ major, seed: SEED + major, values: 50, made: 40 });
  const byIndex = [...types].filter(([, { index }]) => index > 0), byScan = [...types].filter(([, { scan }]) => scan > 0);
  console.info(`PostgreSQL ${major}: ${byIndex.reduce((sum, [, { index }]) => sum + index, 0)} keys of ${byIndex.length} types found by index; by reading all rows: ${byScan.map(([sql]) => sql).join(', ')}; as written: ${JSON.stringify(written)}`);
  expect(differences.slice(0, 20)).toEqual([]);
  expect(byScan.filter(([sql]) => !SCANNED.test(sql))).toEqual([]);
});
