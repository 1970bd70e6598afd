/** What ALTER TABLE alone says of a table: its row-level security and replica identity, and how its columns are compressed and analysed. */
import type { Relation } from '../catalog/relation.js';
import { flattenOptions, foreignOptions } from '../catalog/definitions.js';
import { quoteIdentifier } from '../util/quote.js';
import type { DatabaseAt } from './session.js';

interface Settings {
  tables: Map<number, string[]>;
  columns: Map<number, Map<number, string[]>>;
}

/** What follows ALTER TABLE, in order; `indexes`: those of the table, of which one may be its replica identity. */
export function tableSettings(database: DatabaseAt, relation: Relation, indexes: readonly { name: string; isReplicaIdentity: boolean }[]): string[] {
  const { tables, columns } = database.once(readSettings);
  const identity = indexes.find((index) => index.isReplicaIdentity);
  const ofColumns = columns.get(relation.oid);
  return [
    ...database.catalog.columns(relation.oid).filter((column) => !column.dropped).flatMap((column) => (ofColumns?.get(column.attnum) ?? []).map((setting) => `ALTER COLUMN ${quoteIdentifier(column.name)} ${setting}`)),
    ...(tables.get(relation.oid) ?? []), ...(identity ? [`REPLICA IDENTITY USING INDEX ${quoteIdentifier(identity.name)}`] : []),
  ];
}

const REPLICA_IDENTITY: Record<string, string> = { f: 'REPLICA IDENTITY FULL', n: 'REPLICA IDENTITY NOTHING' };
/** The options of columns that users have: attribute_reloptions' own, access/common/reloptions.c. A patched server keeps others there for itself (Debian's 15.20: pg_attver). */
const ATTRIBUTE_OPTION = /^n_distinct(_inherited)?=/;
const COMPRESSION: Record<string, string> = { p: 'pglz', l: 'lz4' };

function readSettings({ catalog }: DatabaseAt): Settings {
  const tables: Settings['tables'] = new Map();
  const columns: Settings['columns'] = new Map();
  catalog.scan('pg_class', (row) => {
    const identity = 'rp'.includes(row.char('relkind')) ? REPLICA_IDENTITY[row.char('relreplident')] : undefined;
    const settings = [...(row.bool('relrowsecurity') ? ['ENABLE ROW LEVEL SECURITY'] : []), ...(row.bool('relforcerowsecurity') ? ['FORCE ROW LEVEL SECURITY'] : []), ...(identity === undefined ? [] : [identity])];
    if (settings.length > 0) tables.set(row.oid('oid'), settings);
  });
  const { major } = catalog.snapshot;
  catalog.scan('pg_attribute', (row) => {
    // -1, since 17 NULL: as the configuration says
    const target = row.isNull('attstattarget') ? -1 : major >= 16 ? row.int2('attstattarget') : row.int4('attstattarget');
    const compression = row.has('attcompression') ? COMPRESSION[row.char('attcompression')] : undefined;
    const relation = catalog.relations.get(row.oid('attrelid'));
    if (row.int2('attnum') <= 0 || !relation || !'rpfm'.includes(relation.kind)) return;
    const options = row.texts('attoptions').filter((option) => ATTRIBUTE_OPTION.test(option ?? ''));
    const settings = [
      ...(target >= 0 ? [`SET STATISTICS ${target}`] : []), ...(compression === undefined ? [] : [`SET COMPRESSION ${compression}`]),
      ...(options.length === 0 ? [] : [`SET (${flattenOptions(options)})`]), ...(row.isNull('attfdwoptions') ? [] : [`OPTIONS (${foreignOptions(row.texts('attfdwoptions'))})`]),
    ];
    if (settings.length === 0) return;
    const ofTable = columns.get(relation.oid) ?? new Map<number, string[]>();
    columns.set(relation.oid, ofTable.set(row.int2('attnum'), settings));
  });
  return { tables, columns };
}
