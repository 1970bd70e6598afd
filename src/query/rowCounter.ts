/** How many rows tables held at moments of the past: counted where that is cheap enough, else by another count near by, or by a sample of pages. */
import type { Relation } from '../catalog/relation.js';
import type { Lsn } from '../util/lsn.js';
import { databaseByOid } from './databaseAt.js';
import type { DatabaseAt, Session } from './session.js';
import { countRows } from './tables.js';

/** Pages of one table and of all together that are read for counting: 160 MB and 800 MB. */
const COUNTED_BLOCKS = 20_000;
const ALL_COUNTED_BLOCKS = 100_000;
/** A table is counted at most at so many moments. */
const COUNTS_A_TABLE = 5;
/** Of larger tables so many pages, evenly spread, stand for the others. */
const SAMPLED_BLOCKS = 256;

export interface CountedRows {
  rows: number;
  isEstimate: boolean;
}

interface Count extends CountedRows {
  lsn: Lsn;
}

export class RowCounter {
  private left = ALL_COUNTED_BLOCKS;
  /** Rows by relation and moment. */
  private readonly counts = new Map<number, Count[]>();
  private last: { dbOid: number; lsn: Lsn; database: DatabaseAt | undefined } | undefined;

  /** A database just before a record. */
  database(session: Session, dbOid: number, lsn: Lsn): DatabaseAt | undefined {
    if (this.last?.dbOid !== dbOid || this.last.lsn !== lsn) this.last = { dbOid, lsn, database: databaseByOid(session, dbOid, lsn, null) };
    return this.last.database;
  }

  /** The rows of tables together at the moments nearest to a position at which each was looked at; undefined where one was not. */
  nearest(oids: readonly number[], lsn: Lsn): number | undefined {
    let sum = 0;
    for (const oid of oids) {
      const [nearest] = (this.counts.get(oid) ?? []).sort((a, b) => Math.abs(a.lsn - lsn) - Math.abs(b.lsn - lsn));
      if (!nearest) return undefined;
      sum += nearest.rows;
    }
    return sum;
  }

  sum(database: DatabaseAt, relations: readonly Relation[]): CountedRows {
    const sum: CountedRows = { rows: 0, isEstimate: false };
    for (const relation of relations) {
      if (relation.locator.relNumber === 0 || relation.persistence !== 'p') continue;
      const { rows, isEstimate } = this.count(database, relation);
      sum.rows += rows;
      sum.isEstimate ||= isEstimate;
    }
    return sum;
  }

  private count(database: DatabaseAt, relation: Relation): CountedRows {
    const { lsn } = database.moment;
    const known = this.counts.get(relation.oid) ?? [];
    const same = known.find((count) => count.lsn === lsn);
    if (same) return same;
    const counted = this.newCount(database, relation, known);
    this.counts.set(relation.oid, [...known, { lsn, ...counted }]);
    return counted;
  }

  private newCount(database: DatabaseAt, relation: Relation, known: readonly Count[]): CountedRows {
    const { lsn } = database.moment;
    const blocks = database.blocks(relation) ?? 0;
    const exact = known.filter((count) => !count.isEstimate);
    if (blocks <= COUNTED_BLOCKS && blocks <= this.left && exact.length < COUNTS_A_TABLE) {
      this.left -= blocks;
      const rows = countRows(database, relation, () => undefined);
      if (rows !== undefined) return { rows, isEstimate: false };
    }
    const [nearest] = [...known].sort((a, b) => Math.abs(a.lsn - lsn) - Math.abs(b.lsn - lsn));
    if (nearest && (exact.length > 0 || known.length >= COUNTS_A_TABLE)) return { rows: nearest.rows, isEstimate: true };
    this.left -= SAMPLED_BLOCKS;
    return { rows: sampledRows(database, relation, blocks), isEstimate: true };
  }
}

/** The rows that can be seen count: an open transaction may have written as many again. */
function sampledRows(database: DatabaseAt, relation: Relation, blocks: number): number {
  const table = database.open(relation);
  const sampled = Math.min(SAMPLED_BLOCKS, blocks);
  let rows = 0;
  for (let i = 0; i < sampled; i++) {
    const block = Math.floor((i * blocks) / sampled);
    // a page that cannot be read counts as empty: this is an estimate
    table.scan(() => void rows++, () => undefined, block, block + 1);
  }
  return sampled === 0 ? 0 : Math.round((rows / sampled) * blocks);
}
