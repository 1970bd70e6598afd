/**
 * The row layouts of pg_class and pg_attribute, which must be known before any catalog can be read: every other catalog's layout is
 * then read from pg_attribute as of the moment. Read from real servers of each major (include/catalog/pg_class.h, pg_attribute.h).
 */
import type { PgMajor } from '../pg/version.js';
import type { TypeAlign } from '../rows/deform.js';

/** A column as the bootstrap tables give it. */
export interface BootstrapColumn {
  name: string;
  typeOid: number;
  attlen: number;
  attalign: TypeAlign;
}

/** `name:type:attlen:attalign`, in order of attnum. */
const PG_CLASS_13 =
  'oid:26:4:i relname:19:64:c relnamespace:26:4:i reltype:26:4:i reloftype:26:4:i relowner:26:4:i relam:26:4:i relfilenode:26:4:i reltablespace:26:4:i ' +
  'relpages:23:4:i reltuples:700:4:i relallvisible:23:4:i reltoastrelid:26:4:i relhasindex:16:1:c relisshared:16:1:c relpersistence:18:1:c relkind:18:1:c ' +
  'relnatts:21:2:s relchecks:21:2:s relhasrules:16:1:c relhastriggers:16:1:c relhassubclass:16:1:c relrowsecurity:16:1:c relforcerowsecurity:16:1:c ' +
  'relispopulated:16:1:c relreplident:18:1:c relispartition:16:1:c relrewrite:26:4:i relfrozenxid:28:4:i relminmxid:28:4:i relacl:1034:-1:i ' +
  'reloptions:1009:-1:i relpartbound:194:-1:i';
const PG_CLASS_16 =
  'oid:26:4:i relname:19:64:c relnamespace:26:4:i reltype:26:4:i reloftype:26:4:i relowner:26:4:i relam:26:4:i relfilenode:26:4:i reltablespace:26:4:i ' +
  'relpages:23:4:i reltuples:700:4:i relallvisible:23:4:i reltoastrelid:26:4:i relhasindex:16:1:c relisshared:16:1:c relpersistence:18:1:c relkind:18:1:c ' +
  'relnatts:21:2:s relchecks:21:2:s relhasrules:16:1:c relhastriggers:16:1:c relhassubclass:16:1:c relrowsecurity:16:1:c relforcerowsecurity:16:1:c ' +
  'relispopulated:16:1:c relreplident:18:1:c relispartition:16:1:c relrewrite:26:4:i relfrozenxid:28:4:i relminmxid:28:4:i relacl:1034:-1:d ' +
  'reloptions:1009:-1:i relpartbound:194:-1:i';
const PG_CLASS_18 =
  'oid:26:4:i relname:19:64:c relnamespace:26:4:i reltype:26:4:i reloftype:26:4:i relowner:26:4:i relam:26:4:i relfilenode:26:4:i reltablespace:26:4:i ' +
  'relpages:23:4:i reltuples:700:4:i relallvisible:23:4:i relallfrozen:23:4:i reltoastrelid:26:4:i relhasindex:16:1:c relisshared:16:1:c ' +
  'relpersistence:18:1:c relkind:18:1:c relnatts:21:2:s relchecks:21:2:s relhasrules:16:1:c relhastriggers:16:1:c relhassubclass:16:1:c ' +
  'relrowsecurity:16:1:c relforcerowsecurity:16:1:c relispopulated:16:1:c relreplident:18:1:c relispartition:16:1:c relrewrite:26:4:i relfrozenxid:28:4:i ' +
  'relminmxid:28:4:i relacl:1034:-1:d reloptions:1009:-1:i relpartbound:194:-1:i';
const PG_ATTRIBUTE_13 =
  'attrelid:26:4:i attname:19:64:c atttypid:26:4:i attstattarget:23:4:i attlen:21:2:s attnum:21:2:s attndims:23:4:i attcacheoff:23:4:i atttypmod:23:4:i ' +
  'attbyval:16:1:c attstorage:18:1:c attalign:18:1:c attnotnull:16:1:c atthasdef:16:1:c atthasmissing:16:1:c attidentity:18:1:c attgenerated:18:1:c ' +
  'attisdropped:16:1:c attislocal:16:1:c attinhcount:23:4:i attcollation:26:4:i attacl:1034:-1:i attoptions:1009:-1:i attfdwoptions:1009:-1:i ' +
  'attmissingval:2277:-1:d';
const PG_ATTRIBUTE_14 =
  'attrelid:26:4:i attname:19:64:c atttypid:26:4:i attstattarget:23:4:i attlen:21:2:s attnum:21:2:s attndims:23:4:i attcacheoff:23:4:i atttypmod:23:4:i ' +
  'attbyval:16:1:c attalign:18:1:c attstorage:18:1:c attcompression:18:1:c attnotnull:16:1:c atthasdef:16:1:c atthasmissing:16:1:c attidentity:18:1:c ' +
  'attgenerated:18:1:c attisdropped:16:1:c attislocal:16:1:c attinhcount:23:4:i attcollation:26:4:i attacl:1034:-1:i attoptions:1009:-1:i ' +
  'attfdwoptions:1009:-1:i attmissingval:2277:-1:d';
const PG_ATTRIBUTE_16 =
  'attrelid:26:4:i attname:19:64:c atttypid:26:4:i attlen:21:2:s attnum:21:2:s attcacheoff:23:4:i atttypmod:23:4:i attndims:21:2:s attbyval:16:1:c ' +
  'attalign:18:1:c attstorage:18:1:c attcompression:18:1:c attnotnull:16:1:c atthasdef:16:1:c atthasmissing:16:1:c attidentity:18:1:c attgenerated:18:1:c ' +
  'attisdropped:16:1:c attislocal:16:1:c attinhcount:21:2:s attstattarget:21:2:s attcollation:26:4:i attacl:1034:-1:d attoptions:1009:-1:i ' +
  'attfdwoptions:1009:-1:i attmissingval:2277:-1:d';
const PG_ATTRIBUTE_17 =
  'attrelid:26:4:i attname:19:64:c atttypid:26:4:i attlen:21:2:s attnum:21:2:s attcacheoff:23:4:i atttypmod:23:4:i attndims:21:2:s attbyval:16:1:c ' +
  'attalign:18:1:c attstorage:18:1:c attcompression:18:1:c attnotnull:16:1:c atthasdef:16:1:c atthasmissing:16:1:c attidentity:18:1:c attgenerated:18:1:c ' +
  'attisdropped:16:1:c attislocal:16:1:c attinhcount:21:2:s attcollation:26:4:i attstattarget:21:2:s attacl:1034:-1:d attoptions:1009:-1:i ' +
  'attfdwoptions:1009:-1:i attmissingval:2277:-1:d';
const PG_ATTRIBUTE_18 =
  'attrelid:26:4:i attname:19:64:c atttypid:26:4:i attlen:21:2:s attnum:21:2:s atttypmod:23:4:i attndims:21:2:s attbyval:16:1:c attalign:18:1:c ' +
  'attstorage:18:1:c attcompression:18:1:c attnotnull:16:1:c atthasdef:16:1:c atthasmissing:16:1:c attidentity:18:1:c attgenerated:18:1:c ' +
  'attisdropped:16:1:c attislocal:16:1:c attinhcount:21:2:s attcollation:26:4:i attstattarget:21:2:s attacl:1034:-1:d attoptions:1009:-1:i ' +
  'attfdwoptions:1009:-1:i attmissingval:2277:-1:d';

const PG_CLASS: Record<PgMajor, string> = {
  13: PG_CLASS_13,
  14: PG_CLASS_13,
  15: PG_CLASS_13,
  16: PG_CLASS_16,
  17: PG_CLASS_16,
  18: PG_CLASS_18,
};

const PG_ATTRIBUTE: Record<PgMajor, string> = {
  13: PG_ATTRIBUTE_13,
  14: PG_ATTRIBUTE_14,
  15: PG_ATTRIBUTE_14,
  16: PG_ATTRIBUTE_16,
  17: PG_ATTRIBUTE_17,
  18: PG_ATTRIBUTE_18,
};

function parse(text: string): BootstrapColumn[] {
  return text.split(' ').map((column) => {
    const [name, typeOid, attlen, attalign] = column.split(':');
    return { name: name!, typeOid: Number(typeOid), attlen: Number(attlen), attalign: attalign as TypeAlign };
  });
}

export function pgClassLayout(major: PgMajor): BootstrapColumn[] {
  return parse(PG_CLASS[major]);
}

export function pgAttributeLayout(major: PgMajor): BootstrapColumn[] {
  return parse(PG_ATTRIBUTE[major]);
}
