/**
 * What hangs on a table beside constraints and indexes, as SQL: triggers, rules, policies and extended statistics, in the words of
 * pg_get_triggerdef(), pg_get_ruledef() and pg_get_statisticsobjdef(), utils/adt/ruleutils.c, and of pg_dump, PG 13–18.
 */
import { qualifyName, quoteIdentifier, quoteLiteral } from '../util/quote.js';
import { PG_POLICY, PG_REWRITE, PG_STATISTIC_EXT, PG_TRIGGER } from './catalogOids.js';
import type { CatalogRow } from './catalogRow.js';
import { deparse, deparseRule, deparseText, deparseWhen, type DeparseLookup, type Deparsed } from './deparse.js';
import type { Definition } from './definitions.js';
import { parseNodeTree } from './ruleutils/nodeTree.js';
import { looksLikeFunction } from './ruleutils/tableFunctions.js';

export const TABLE_OBJECTS = ['trigger', 'rule', 'policy', 'statistics'] as const;
export type TableObjectKind = (typeof TABLE_OBJECTS)[number];

/** The statement has a semicolon; others may follow it, which say whether a trigger or rule fires. */
export interface TableObject extends Definition {
  kind: TableObjectKind;
  oid: number;
  relOid: number;
  name: string;
  /** As COMMENT ON takes it: `TRIGGER t ON shop.orders`. */
  target: string;
}

/** Where each kind is kept: its catalog, and the columns that name it and its table. */
export const TABLE_OBJECT_CATALOGS: Readonly<Record<TableObjectKind, { catalog: string; classOid: number; name: string; table: string }>> = {
  trigger: { catalog: 'pg_trigger', classOid: PG_TRIGGER, name: 'tgname', table: 'tgrelid' },
  rule: { catalog: 'pg_rewrite', classOid: PG_REWRITE, name: 'rulename', table: 'ev_class' },
  policy: { catalog: 'pg_policy', classOid: PG_POLICY, name: 'polname', table: 'polrelid' },
  statistics: { catalog: 'pg_statistic_ext', classOid: PG_STATISTIC_EXT, name: 'stxname', table: 'stxrelid' },
};

/** All of a database, without what a foreign key or a view is made of and without a partition's copies of triggers; by table, kind and name. */
export function tableObjects(lookup: DeparseLookup): Map<number, TableObject[]> {
  const found = new Map<number, TableObject[]>();
  for (const kind of TABLE_OBJECTS) {
    const { catalog, name, table } = TABLE_OBJECT_CATALOGS[kind];
    const objects: TableObject[] = [];
    lookup.catalog.scan(catalog, (row) => {
      const relOid = row.oid(table);
      if (!isOwn(kind, row) || !lookup.catalog.relations.has(relOid)) return;
      const unknown: string[] = [];
      const noted = (deparsed: Deparsed): string => {
        if (deparsed.sql === undefined) unknown.push(deparsed.unknown);
        return deparsed.sql ?? '';
      };
      const sql = WRITERS[kind](lookup, row, relOid, noted);
      const target = kind === 'statistics' ? `STATISTICS ${statisticsName(lookup, row)}` : `${kind.toUpperCase()} ${quoteIdentifier(row.name(name))} ON ${tableName(lookup, relOid)}`;
      objects.push({ kind, oid: row.oid('oid'), relOid, name: row.name(name), target, sql, unknown: unknown.join(', ') });
    });
    for (const object of objects.sort((a, b) => (a.name < b.name ? -1 : 1))) found.set(object.relOid, [...(found.get(object.relOid) ?? []), object]);
  }
  return found;
}

function isOwn(kind: TableObjectKind, row: CatalogRow): boolean {
  if (kind === 'trigger') return !row.bool('tgisinternal') && row.oid('tgparentid') === 0;
  return kind !== 'rule' || row.name('rulename') !== '_RETURN';
}

type Writer = (lookup: DeparseLookup, row: CatalogRow, relOid: number, noted: (deparsed: Deparsed) => string) => string;

const WRITERS: Readonly<Record<TableObjectKind, Writer>> = { trigger, rule, policy, statistics };

function tableName({ catalog }: DeparseLookup, relOid: number): string {
  const relation = catalog.relations.get(relOid)!;
  return qualifyName(catalog.schemaOf(relation), relation.name);
}

function columnNames({ catalog }: DeparseLookup, relOid: number, attnums: readonly number[]): string[] {
  return attnums.map((attnum) => quoteIdentifier(catalog.columns(relOid).find((column) => column.attnum === attnum)?.name ?? ''));
}

const FIRES: Record<string, string> = { D: 'DISABLE', R: 'ENABLE REPLICA', A: 'ENABLE ALWAYS' };

/** ALTER TABLE … DISABLE TRIGGER, where it does not fire as it was made to. */
function firing(table: string, kind: 'TRIGGER' | 'RULE', name: string, enabled: string): string {
  return FIRES[enabled] === undefined ? '' : `\nALTER TABLE ${table} ${FIRES[enabled]} ${kind} ${name};`;
}

/** pg_trigger.tgtype */
const TriggerType = { row: 1, before: 2, insert: 4, delete: 8, update: 16, truncate: 32, instead: 64 } as const;

function trigger(lookup: DeparseLookup, row: CatalogRow, relOid: number, noted: (deparsed: Deparsed) => string): string {
  const name = quoteIdentifier(row.name('tgname')), table = tableName(lookup, relOid);
  const type = row.int2('tgtype');
  const columns = columnNames(lookup, relOid, row.numbers('tgattr', 2));
  const events = [
    ...(type & TriggerType.insert ? ['INSERT'] : []), ...(type & TriggerType.delete ? ['DELETE'] : []),
    ...(type & TriggerType.update ? [`UPDATE${columns.length > 0 ? ` OF ${columns.join(', ')}` : ''}`] : []), ...(type & TriggerType.truncate ? ['TRUNCATE'] : []),
  ];
  const isConstraint = row.oid('tgconstraint') !== 0;
  const when = type & TriggerType.before ? 'BEFORE' : type & TriggerType.instead ? 'INSTEAD OF' : 'AFTER';
  let sql = `CREATE ${isConstraint ? 'CONSTRAINT ' : ''}TRIGGER ${name} ${when} ${events.join(' OR ')} ON ${table} `;
  if (isConstraint) {
    const other = lookup.types.regName('regclass', row.oid('tgconstrrelid'));
    sql += `${row.oid('tgconstrrelid') !== 0 ? `FROM ${other} ` : ''}${row.bool('tgdeferrable') ? '' : 'NOT '}DEFERRABLE INITIALLY ${row.bool('tginitdeferred') ? 'DEFERRED' : 'IMMEDIATE'} `;
  }
  const [before, after] = ['tgoldtable', 'tgnewtable'].map((column) => (row.isNull(column) ? '' : quoteIdentifier(row.name(column))));
  if (before || after) sql += `REFERENCING ${before ? `OLD TABLE AS ${before} ` : ''}${after ? `NEW TABLE AS ${after} ` : ''}`;
  sql += `FOR EACH ${type & TriggerType.row ? 'ROW' : 'STATEMENT'} `;
  const condition = row.text('tgqual');
  if (condition !== null) sql += `WHEN (${noted(deparseWhen(lookup, condition, relOid))}) `;
  const args = (row.text('tgargs') ?? '').split('\0').slice(0, row.int2('tgnargs'));
  return `${sql}EXECUTE FUNCTION ${lookup.types.regName('regproc', row.oid('tgfoid'))}(${args.map(quoteLiteral).join(', ')});${firing(table, 'TRIGGER', name, row.char('tgenabled'))}`;
}

const RULE_EVENTS: Record<string, string> = { 1: 'SELECT', 2: 'UPDATE', 3: 'INSERT', 4: 'DELETE' };

function rule(lookup: DeparseLookup, row: CatalogRow, relOid: number, noted: (deparsed: Deparsed) => string): string {
  const name = quoteIdentifier(row.name('rulename')), table = tableName(lookup, relOid);
  const body = noted(deparseRule(lookup, { condition: row.text('ev_qual') ?? '<>', action: row.text('ev_action') ?? '', isInstead: row.bool('is_instead') }));
  return `CREATE RULE ${name} AS\n    ON ${RULE_EVENTS[row.char('ev_type')]} TO ${table}${body}${firing(table, 'RULE', name, row.char('ev_enabled'))}`;
}

const POLICY_COMMANDS: Record<string, string> = { r: ' FOR SELECT', a: ' FOR INSERT', w: ' FOR UPDATE', d: ' FOR DELETE' };

function policy(lookup: DeparseLookup, row: CatalogRow, relOid: number, noted: (deparsed: Deparsed) => string): string {
  const roles = row.numbers('polroles', 4, false).filter((oid) => oid !== 0).map((oid) => quoteIdentifier(lookup.types.roleName(oid) ?? String(oid)));
  const [using, check] = ['polqual', 'polwithcheck'].map((column) => row.text(column)).map((text) => (text === null ? null : noted(deparseText(lookup, text, { relOid }))));
  return `CREATE POLICY ${quoteIdentifier(row.name('polname'))} ON ${tableName(lookup, relOid)}${row.bool('polpermissive') ? '' : ' AS RESTRICTIVE'}${POLICY_COMMANDS[row.char('polcmd')] ?? ''}`
    + `${roles.length > 0 ? ` TO ${roles.join(', ')}` : ''}${using === null ? '' : ` USING (${using})`}${check === null ? '' : ` WITH CHECK (${check})`};`;
}

function statisticsName(lookup: DeparseLookup, row: CatalogRow): string {
  return qualifyName(lookup.catalog.namespaces.get(row.oid('stxnamespace')) ?? '', row.name('stxname'));
}

const STATISTICS: Record<string, string> = { d: 'ndistinct', f: 'dependencies', m: 'mcv' };

function statistics(lookup: DeparseLookup, row: CatalogRow, relOid: number, noted: (deparsed: Deparsed) => string): string {
  const ARRAY_HEADER = 20;
  const name = statisticsName(lookup, row);
  const enabled = Buffer.from(row.varlena('stxkind')!.subarray(ARRAY_HEADER)).toString('latin1');
  const kinds = Object.keys(STATISTICS).filter((kind) => enabled.includes(kind));
  const expressions = row.has('stxexprs') ? row.text('stxexprs') : null;
  const trees = expressions === null ? [] : parseNodeTree(expressions);
  const columns = [
    ...columnNames(lookup, relOid, row.numbers('stxkeys', 2)),
    ...(Array.isArray(trees) ? trees : [trees]).map((tree) => {
      const text = noted(deparse(lookup, tree, { relOid }));
      return looksLikeFunction(tree) ? text : `(${text})`;
    }),
  ];
  const target = row.has('stxstattarget') && !row.isNull('stxstattarget') ? (lookup.catalog.snapshot.major >= 17 ? row.int2('stxstattarget') : row.int4('stxstattarget')) : -1;
  return `CREATE STATISTICS ${name}${kinds.length < 3 && columns.length > 1 ? ` (${kinds.map((kind) => STATISTICS[kind]).join(', ')})` : ''} ON ${columns.join(', ')} FROM ${lookup.types.regName('regclass', relOid)};`
    + (target >= 0 ? `\nALTER STATISTICS ${name} SET STATISTICS ${target};` : '');
}
