/** What happened between the moment for which a script is exact and the end of the archive, as warnings in the script's head. */
import type { Relation } from '../catalog/relation.js';
import { quoteIdentifier } from '../util/quote.js';
import { relationName } from './ddl.js';
import { diffTable, hasChanged } from './diff.js';
import { describeMoment } from './moment.js';
import { Findings, type DatabaseAt } from './session.js';
import { comment } from './sqlScript.js';
import type { TableRevert } from './tableRevert.js';

/** Keys of rows, as JSON, that are others since: changed or removed, and added. */
export interface RowsSince {
  changed: ReadonlySet<string>;
  added: ReadonlySet<string>;
}

/** Keys that are held; of a table that changed more than that no row is compared. */
const MOST_KEYS = 200_000;

export class LatestRows {
  private readonly latest;
  private readonly now: DatabaseAt | undefined;
  private readonly tooMany = new Set<number>();
  /** What of the rows could not be read, so that nothing is known of it. */
  private readonly unread = new Findings();

  constructor(private readonly exact: DatabaseAt) {
    const { session } = exact;
    this.latest = session.moment('latest');
    this.now = session.databasesAt(this.latest).find((each) => each.database.oid === exact.database.oid);
  }

  private get isExact(): boolean {
    return this.latest.lsn <= this.exact.moment.lsn;
  }

  /** The rows of a table that changed since, by this key; undefined where that cannot be told. */
  since(relation: Relation, key: readonly string[]): RowsSince | undefined {
    const current = this.isExact ? undefined : this.now?.catalog.relations.get(relation.oid);
    if (!current) return undefined;
    const diff = diffTable({ before: this.exact, after: this.now! }, { before: relation, after: current }, this.unread);
    if (diff.key.join() !== key.join()) return undefined;
    const places = key.map((name) => diff.columns.findIndex((column) => column.name === name));
    const since = { changed: new Set<string>(), added: new Set<string>() };
    diff.rows(({ change, before, after }) => {
      (change === 'added' ? since.added : since.changed).add(JSON.stringify(places.map((i) => (before ?? after!)[i])));
      if (since.changed.size + since.added.size > MOST_KEYS) this.tooMany.add(relation.oid);
      return !this.tooMany.has(relation.oid);
    });
    return this.tooMany.has(relation.oid) ? undefined : since;
  }

  /** Comment lines for the head of a script that changes these tables. */
  warnings(tables: readonly TableRevert[]): string[] {
    if (this.isExact) return ["-- It is exact for the archive's last moment; what was written since is not known here."];
    const warnings = this.now ? tables.flatMap((table) => this.ofTable(this.now!, table)) : ['-- warning: the database is gone since'];
    warnings.push(...new Set(this.unread.list.map(({ message }) => comment(`warning: rows were not compared with those of now: ${message}`))));
    return [
      `-- It is exact for the database ${describeMoment(this.exact.moment)}; the archive ends later, ${describeMoment(this.latest)}.`,
      ...(warnings.length > 0 ? warnings : ['-- Nothing that the script touches changed in between.']),
    ];
  }

  private ofTable(now: DatabaseAt, { name, pair: { after }, counts, key, since }: TableRevert): string[] {
    if (counts.added + counts.changed + counts.removed === 0) return [];
    if (!after) return [...now.catalog.relations.values()].some((relation) => relationName(now, relation) === name) ? [comment(`warning: there is a ${name} again: it is in the way`)] : [];
    const current = now.catalog.relations.get(after.oid);
    if (!current) return [comment(`warning: ${name} is gone since: see walscope restore`)];
    const names = new Set(now.catalog.columns(current.oid).filter((column) => !column.dropped).map((column) => column.name));
    const gone = this.exact.catalog.columns(after.oid).filter((column) => !column.dropped && !names.has(column.name)).map((column) => quoteIdentifier(column.name));
    const was = relationName(this.exact, after);
    return [
      ...(relationName(now, current) !== was ? [comment(`warning: ${was} is called ${relationName(now, current)} since`)] : []),
      ...gone.map((column) => comment(`warning: column ${column} of ${name} is gone since`)),
      ...(since.changed > 0 ? [comment(`warning: ${name}: of the rows that the script touches, ${since.changed} changed or went since: it overwrites or misses them`)] : []),
      ...(since.added > 0 ? [comment(`warning: ${name}: of the keys that the script inserts, ${since.added} are in use again: --on-conflict nothing leaves them alone`)] : []),
      ...(this.tooMany.has(after.oid) ? [comment(`warning: more than ${MOST_KEYS.toLocaleString('en-US')} rows of ${name} changed since: they were not compared with those that the script touches`)] : []),
      ...(key.length === 0 && hasChanged({ before: this.exact, after: now }, { before: after, after: current }) ? [comment(`warning: ${name}, which has no primary key, changed since: the script looks for rows of the same content`)] : []),
    ];
  }
}
