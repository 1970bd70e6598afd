/** The statements that turn one table of a later moment back into what it was at an earlier one. */
import type { Relation } from '../catalog/relation.js';
import { quoteIdentifier, quoteLiteral } from '../util/quote.js';
import { recordText } from '../util/recordText.js';
import { relationName } from './ddl.js';
import { diffTable, type RowChange, type TableDiff } from './diff.js';
import type { DiffSides } from './diffSpan.js';
import type { LatestRows, RowsSince } from './latestRows.js';
import { Findings, type DatabaseAt } from './session.js';
import { copyParts, insertStatement, sqlValue, type InsertTarget, type OnConflict, type ScriptPart } from './sqlScript.js';
import type { ScriptedTable } from './suspended.js';
import { immediateIndexes, orderUpdates, type ImmediateIndex } from './updateOrder.js';

export interface TablePair {
  before: Relation;
  after: Relation | undefined;
}

export interface RevertOptions {
  latest: LatestRows;
  findings: Findings;
  onConflict: OnConflict;
}

type Kind = RowChange['change'];

/** Changes that are held, in bytes or so of their values; a table with more is compared once more for each kind of statement. */
const HELD_BYTES = 16e6;
/** What a value takes beside its characters. */
const VALUE_BYTES = 40;
/** From so many rows on they are loaded by COPY. */
const COPIED_ROWS = 1000;

export class TableRevert {
  readonly name: string;
  /** By what happened to the row. */
  readonly counts: Record<Kind, number> = { added: 0, removed: 0, changed: 0 };
  /** Of the rows that the statements touch: those that changed or went since, and those whose key came since. */
  readonly since = { changed: 0, added: 0 };
  private readonly diff: TableDiff;
  private readonly places: { own: number[]; writable: number[]; key: number[] };
  private readonly target: InsertTarget;
  private held: RowChange[] | undefined = [];
  /** Names of columns that rows get other values in. */
  private readonly updated = new Set<string>();
  /** Undefined: any order will do. */
  private order: { early: RowChange[]; late: RowChange[] } | undefined;
  private inTheWay: readonly ImmediateIndex[] = [];

  /** `into`: the table as it is called, with the columns that it has, when the statements run. */
  constructor(private readonly sides: DiffSides, readonly pair: TablePair, into: { database: DatabaseAt; relation: Relation }, { latest, findings, onConflict }: RevertOptions) {
    this.name = relationName(into.database, into.relation);
    const own = into.database.catalog.columns(into.relation.oid).filter((c) => !c.dropped);
    const was = sides.before.catalog.columns(pair.before.oid).filter((c) => !c.dropped).map((c) => c.name);
    this.diff = diffTable(sides, pair, findings);
    const { columns, key } = this.diff;
    // a generated column takes no value, and one that came later had none
    const writable = columns.flatMap((column, i) => (was.includes(column.name) && own.some((c) => c.name === column.name && c.generated === '') ? [i] : []));
    const placeOf = (name: string): number => columns.findIndex((column) => column.name === name);
    this.places = { own: own.map((c) => placeOf(c.name)), writable, key: key.map(placeOf) };
    this.target = { table: this.name, columns: writable.map((i) => columns[i]!.name), key, hasIdentity: own.some((c) => c.identity !== ''), onConflict };
    this.survey(pair.after && this.key.length > 0 ? latest.since(pair.after, this.key) : undefined);
    this.orderUpdates();
  }

  /** What the statements do to the table as it is when they begin; undefined where it is not there. */
  get scripted(): ScriptedTable | undefined {
    const { counts, updated, inTheWay, pair: { after } } = this;
    return after && { relation: after, inserts: counts.removed > 0, deletes: counts.added > 0, rewrites: this.key.length === 0 && counts.removed > 0 && counts.added > 0, updated, inTheWay };
  }

  private orderUpdates(): void {
    const { after } = this.pair;
    if (!after || this.counts.changed === 0 || this.counts.changed + this.counts.added < 2) return;
    const indexes = immediateIndexes(this.sides.after, after.oid).filter((index) => index.columns.some((name) => this.updated.has(name)));
    if (indexes.length === 0) return;
    // too many to be held: no order is looked for
    if (!this.held) this.inTheWay = indexes;
    else ({ inTheWay: this.inTheWay, ...this.order } = orderUpdates(this.held, this.diff.columns, indexes));
  }

  get key(): readonly string[] {
    return this.diff.key;
  }

  private survey(since: RowsSince | undefined): void {
    let bytes = 0;
    this.diff.rows((change) => {
      const { before, after } = change;
      this.counts[change.change]++;
      if (before && after) for (const i of this.places.writable) if (before[i] !== after[i]) this.updated.add(this.diff.columns[i]!.name);
      if (since) {
        const key = JSON.stringify(this.places.key.map((i) => (after ?? before!)[i]));
        if (since.changed.has(key)) this.since.changed++;
        if (since.added.has(key)) this.since.added++;
      }
      for (const side of [before, after]) for (const value of side ?? []) bytes += VALUE_BYTES + (value?.length ?? 0);
      if (bytes > HELD_BYTES) this.held = undefined;
      this.held?.push(change);
    });
  }

  private each(kind: Kind, emit: (change: RowChange) => void): void {
    const wanted = (change: RowChange): void => {
      if (change.change === kind) emit(change);
    };
    if (this.counts[kind] === 0) return;
    if (this.held) this.held.forEach(wanted);
    // what could not be read was said by the survey
    else diffTable(this.sides, this.pair, new Findings()).rows(wanted);
  }

  deletes(): ScriptPart {
    return { kind: 'statements', each: (emit) => this.each('added', ({ after }) => emit(`DELETE FROM ONLY ${this.name} WHERE ${this.condition(after!)};`)) };
  }

  /** `when`: before or after the deletions. */
  updates(when: 'early' | 'late'): ScriptPart {
    const { columns } = this.diff;
    return {
      kind: 'statements',
      each: (emit) => {
        const update = ({ before: was, after: is }: RowChange): void => {
          const changed = this.places.writable.filter((i) => was![i] !== is![i]);
          if (changed.length > 0) emit(`UPDATE ONLY ${this.name} SET ${changed.map((i) => `${quoteIdentifier(columns[i]!.name)} = ${sqlValue(was![i]!)}`).join(', ')} WHERE ${this.condition(is!)};`);
        };
        if (this.order) this.order[when].forEach(update);
        else if (when === 'early') this.each('changed', update);
      },
    };
  }

  inserts(): ScriptPart[] {
    const values = (emit: (values: (string | null)[]) => void): void => this.each('removed', ({ before }) => emit(this.places.writable.map((i) => before![i]!)));
    if (this.counts.removed >= COPIED_ROWS) return copyParts(this.target, this.pair.before.oid, values);
    return [{ kind: 'statements', each: (emit) => values((row) => emit(insertStatement(this.target, row))) }];
  }

  private condition(values: (string | null)[]): string {
    const { columns } = this.diff;
    if (this.places.key.length > 0) return this.places.key.map((i) => `${quoteIdentifier(columns[i]!.name)} = ${sqlValue(values[i]!)}`).join(' AND ');
    // without a key one row of this very content, whichever
    return `ctid = (SELECT ctid FROM ONLY ${this.name} AS this_row WHERE this_row::text = ${quoteLiteral(recordText(this.places.own.map((i) => values[i]!)))} LIMIT 1)`;
  }
}
