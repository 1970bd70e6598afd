/** Transactions whose undoing constraints, triggers and odd shapes get in the way of: made, reverted and made again on a real server. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { copyOut } from '../../fixtures/postgres/copy.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import type { PgMajor } from '../../src/pg/version.js';
import { pairTables } from '../../src/query/tablePairs.js';
import { diffScript, undoScript } from '../../src/query/revert.js';
import { Findings } from '../../src/query/session.js';
import { showTransaction } from '../../src/query/show.js';
import { prepareVirtualColumns } from '../../src/query/virtualColumns.js';
import { runPsql, scriptText } from './psqlScript.js';
import { indexArchive, type IndexedArchive } from './truthCase.js';

interface UndoCase {
  name: string;
  setup: string;
  change: string;
  /** What it does to the schema cannot be made again from rows. */
  isDdl?: boolean;
  since?: number;
}

export const UNDO_CASES: readonly UndoCase[] = [
  { name: 'keys and deferrable unique values move up by one',
    setup: `create table t(id int primary key deferrable, v text, u int unique deferrable); insert into t select i, 'v'||i, i from generate_series(1,20) i;`,
    change: `update t set id = id + 1, u = u + 1` },
  { name: 'unique values move down by one',
    setup: `create table t(id int primary key, u int unique not null); insert into t select i, i from generate_series(1,20) i;`,
    change: `update t set u = u - 1` },
  { name: 'keys move under unique values',
    setup: `create table t(id int primary key, u text unique not null); insert into t select i, 'v'||i from generate_series(1,20) i;`,
    change: `update t set id = id - 1` },
  { name: 'two rows swap unique values',
    setup: `create table t(id int primary key, u text unique not null, w text); insert into t select i, 'v'||i from generate_series(1,20) i;`,
    change: `update t set u = 'tmp' where id=3; update t set u='v3', w='x' where id=4; update t set u='v4' where id=3` },
  { name: 'two rows swap values of a unique expression index',
    setup: `create table t(id int primary key, u text not null); create unique index on t (lower(u)); insert into t select i, 'v'||i from generate_series(1,20) i;`,
    change: `update t set u = 'tmp' where id=3; update t set u='V3' where id=4; update t set u='V4' where id=3` },
  { name: 'unique values go to a new row and an old one',
    setup: `create table t(id int primary key, u text unique not null); insert into t select i, 'v'||i from generate_series(1,5) i;`,
    change: `update t set u='other' where id=1; insert into t values (9,'v1'); delete from t where id = 2; update t set u='v2' where id=3` },
  { name: 'ranges under an exclusion constraint change places',
    setup: `create table t(id int primary key, r int4range, exclude using gist (r with &&)); insert into t select i, int4range(i*10,i*10+5) from generate_series(1,5) i;`,
    change: `update t set r = 'empty' where id = 1; update t set r = '[10,15)' where id = 2; update t set r = '[20,25)' where id = 1` },
  { name: 'a deleted parent sets its children to NULL',
    setup: `create table p(id int primary key, v text); create table c(id int primary key, p int references p on delete set null); insert into p select i, 'p'||i from generate_series(1,5) i; insert into c select i, 1 + i%5 from generate_series(1,20) i;`,
    change: `delete from p where id = 3` },
  { name: 'a deleted parent takes its children',
    setup: `create table p(id int primary key, v text); create table c(id int primary key, p int references p on delete cascade); insert into p select i, 'p'||i from generate_series(1,5) i; insert into c select i, 1 + i%5 from generate_series(1,20) i;`,
    change: `delete from p where id = 3` },
  { name: 'parents get other keys, and their children with them',
    setup: `create table p(id int primary key, v text); create table c(id int primary key, p int references p on update cascade on delete cascade); insert into p select i, 'p'||i from generate_series(1,5) i; insert into c select i, 1 + i%5 from generate_series(1,20) i;`,
    change: `update p set id = id + 100 where id > 2` },
  { name: 'children move to a new parent, ON DELETE CASCADE',
    setup: `create table p(id int primary key, v text); create table c(id int primary key, p int not null references p on delete cascade); insert into p select i, 'p'||i from generate_series(1,5) i; insert into c select i, 1 + i%5 from generate_series(1,20) i;`,
    change: `insert into p values (50,'new'); update c set p = 50 where p in (1,2); delete from p where id in (1,2)` },
  { name: 'children move to a new parent, ON DELETE RESTRICT',
    setup: `create table p(id int primary key, v text); create table c(id int primary key, p int not null references p on delete restrict on update restrict); insert into p select i, 'p'||i from generate_series(1,5) i; insert into c select i, 1 + i%5 from generate_series(1,20) i;`,
    change: `insert into p values (50,'new'); update c set p = 50 where p in (1,2); delete from p where id in (1,2)` },
  { name: 'a subtree goes',
    setup: `create table t(id int primary key, up int references t, n text); insert into t select i, nullif(i/2,0), 'n'||i from generate_series(1,31) i;`,
    change: `delete from t where id in (2,4,5,8,9,10,11,16,17,18,19,20,21,22,23)` },
  { name: 'a tree whose rows lie upside down',
    setup: `create table t(id int primary key, up int references t, n text); insert into t select i, null, 'n'||i from generate_series(1,10) i; update t set up = 10 where id = 1; update t set up = 9 where id=10;`,
    change: `delete from t where id in (1,9,10)` },
  { name: 'a new node between a node and its children',
    setup: `create table t(id int primary key, up int references t on delete cascade, n text); insert into t select i, nullif(i/2,0), 'n'||i from generate_series(1,15) i;`,
    change: `insert into t values (99, 1, 'new'); update t set up = 99 where id in (2,3)` },
  { name: 'a large subtree goes',
    setup: `create table t(id int primary key, up int references t on delete cascade, n text); insert into t select i, nullif(i/2,0), 'n'||i from generate_series(1,3000) i;`,
    change: `delete from t where id = 2` },
  { name: 'two tables that refer to each other',
    setup: `create table a(id int primary key, b int); create table b(id int primary key, a int references a); alter table a add foreign key (b) references b; insert into a select i from generate_series(1,5) i; insert into b select i, i from generate_series(1,5) i; update a set b = id;`,
    change: `update a set b = null where id = 2; delete from b where id = 2; delete from a where id = 2` },
  { name: 'a parent without primary key',
    setup: `create table p(code text unique, v text); create table c(id int primary key, p text references p(code) on delete cascade on update cascade); insert into p select 'p'||i, 'v' from generate_series(1,5) i; insert into c select i, 'p'||(1 + i%5) from generate_series(1,20) i;`,
    change: `update p set v = 'w' where code = 'p2'` },
  { name: 'deferred unique values in a circle',
    setup: `create table p(id int primary key, code text unique deferrable initially deferred, v text); create table c(id int primary key, p int); insert into p select i, 'p'||i, 'v' from generate_series(1,5) i; insert into c select i, (1 + i%5) from generate_series(1,20) i;`,
    change: `update p set code = 'p' || (1 + id % 5)` },
  { name: 'referred values swapped, ON UPDATE CASCADE',
    setup: `create table p(id int primary key, code text unique, v text); create table c(id int primary key, p text references p(code) on update cascade); insert into p select i, 'p'||i, 'v' from generate_series(1,5) i; insert into c select i, 'p'||(1 + i%5) from generate_series(1,20) i;`,
    change: `update p set code = 'x' where id = 1; update p set code = 'p1' where id = 2; update p set code = 'p2' where id = 1` },
  { name: 'a trigger that sets a time',
    setup: `create table t(id int primary key, v text, at timestamptz default '2020-01-01'); create function touch() returns trigger language plpgsql as $$ begin new.at := clock_timestamp(); return new; end $$; insert into t select i, 'v'||i from generate_series(1,5) i; create trigger touch before insert or update on t for each row execute function touch();`,
    change: `update t set v = 'w' where id < 3; delete from t where id = 5` },
  { name: 'triggers that fire always, in replication, never',
    setup: `create table t(id int primary key, v text); create table log(n serial, t text); create function f() returns trigger language plpgsql as $$ begin insert into log(t) values (tg_op); return null; end $$; insert into t select i, 'v'||i from generate_series(1,5) i; create trigger a after insert or update or delete on t for each row execute function f(); create trigger b after update on t execute function f(); create trigger c after delete on t execute function f(); alter table t enable always trigger a; alter table t enable replica trigger b; alter table t disable trigger c;`,
    change: `update t set v = 'w' where id < 3; delete from t where id = 5; insert into t values (10,'x')` },
  { name: 'a trigger that refuses',
    setup: `create table t(id int primary key, v text); create function f() returns trigger language plpgsql as $$ begin if tg_op = 'DELETE' then raise 'never delete'; end if; return new; end $$; create trigger a before delete on t for each row execute function f(); `,
    change: `insert into t values (10,'x')` },
  { name: 'rules that do nothing instead',
    setup: `create table t(id int primary key, v text); create rule r as on delete to t do instead nothing; create rule r2 as on update to t do instead nothing; create table l(a int);`,
    change: `insert into t values (10,'x')` },
  { name: 'identity and generated columns',
    setup: `create table t(id int generated always as identity primary key, v text, g int generated always as (length(v)) stored); insert into t(v) select 'v'||i from generate_series(1,5) i;`,
    change: `delete from t where id = 2; update t set v = 'longer' where id = 3; insert into t(v) values ('z')` },
  { name: 'an identity column that is not the key',
    setup: `create table t(k int primary key, id int generated always as identity, v text); insert into t(k, v) select i, 'v'||i from generate_series(1,5) i;`,
    change: `delete from t where k = 2; insert into t(k,v) values (2,'again')` },
  { name: 'duplicates without a key',
    setup: `create table t(a int, b text, c float8); insert into t select 1, 'x', 'NaN' from generate_series(1,10); insert into t select 2, null, '-0' from generate_series(1,3); insert into t values (3, '', 0);`,
    change: `delete from t where ctid in (select ctid from t where a = 1 limit 4); insert into t select 2, null, 0 from generate_series(1,2); update t set b = 'y' where a = 3` },
  { name: 'types',
    setup: `create type comp as (a int, b text, c date[]); create domain dom as text check (value <> 'bad'); create type mood as enum ('a','b''c'); create table t(id int primary key, c comp, ca comp[], ba bytea, j json, jb jsonb, x xml, arr text[], a2 int[], d dom, m mood, ma mood[], iv interval, ts timestamptz, num numeric, f4 float4, f8 float8, r numrange, bi bit(5), vb varbit, i inet, mac macaddr, p point, pg polygon, tsv tsvector, u uuid, mon money, ch char(10), nm name, q "char", xidc xid, o oid, rc regclass, tz timetz, ti time, lseg lseg, pl pg_lsn);
    insert into t select i, row(i, E'q"\\'' || i, array['2020-01-01'::date, null])::comp, array[row(1,null,null)::comp, null, row(null,'a,b(",{}',array[]::date[])::comp], decode('00ff275c0a','hex'), '{ "a" :  1, "a": "\\u0041" }', '{"z":[1,2.50,null],"a":"\\n"}', '<a b="c">&lt;</a>', array['a','NULL',null,'','"','\\','{','a b'], '[2:3][0:1]={{1,2},{3,null}}', 'dom''s', 'b''c', array['a','b''c']::mood[], '1 year -3 days 04:05:06.7', '2020-01-01 00:00:00.123456+03', 'NaN', 'Infinity', 1e-300, numrange(1,null), B'10101', B'1', '10.0.0.1/24', '08:00:2b:01:02:03', '(1,2)', '((0,0),(1,1),(1,0))', 'fat & cat', '00000000-0000-0000-0000-000000000001', 12.34, 'ab', 'nam''e', 'x', '77', 16384, 'pg_class', '10:00+05', '24:00', '[(0,0),(1,1)]', '0/16B3740' from generate_series(1,5) i;`,
    change: `update t set c = row(9,'z',null), ca = null, ba = '\\x', j = '{"b":1}', jb = '[]', x = '<b/>', arr = '{}', a2 = '{1}', d = 'x', m = 'a', ma = '{}', iv = '0', ts = 'infinity', num = 0.00, f4 = '-0', f8 = 'NaN', r = 'empty', bi = B'00000', vb = B'', tsv = '', mon = 0, ch = '', q = '', rc = null where id < 3; delete from t where id = 4; insert into t(id) values (77)` },
  { name: 'types without a key',
    setup: `create type comp as (a int, b text); create table t(id int, c comp, ca comp[], ba bytea, j json, jb jsonb, x xml, arr text[], ts timestamptz, iv interval, f4 float4, p point, ch char(10), "we""ird" text);
    insert into t select i%3, row(i%3, E'q"\\'' )::comp, array[row(1,null)::comp, null], decode('00ff275c0a','hex'), '{ "a" :  1, "a": "\\u0041" }', '{"z":[1,2.50,null],"a":"\\n"}', '<a b="c">&lt;</a>', array['a','NULL',null,'','"','\\','{','a b'], '2020-01-01 00:00:00.123456+03', '1 day', 1.1, '(1,2)', 'ab', E'l\\nm' from generate_series(1,9) i;`,
    change: `delete from t where id = 1; update t set ba = 'x', j = '{}' where id = 2; insert into t select * from t where id = 2; insert into t(id) values (5)` },
  { name: 'dropped and missing columns',
    setup: `create table t(a int, id int primary key, b text, c text default 'cc'); alter table t drop column a; insert into t values (1,'b','c'), (2,'b','c'); alter table t add d int default 7; alter table t drop column b; insert into t values (3,'x',8);`,
    change: `delete from t where id = 1; update t set d = 9 where id = 3; insert into t values (4,'z')` },
  { name: 'rows move between partitions',
    setup: `create table t(id int, k int, v text, primary key (id,k)) partition by list (k); create table t1 partition of t for values in (1); create table t2 partition of t for values in (2); create table td partition of t default; insert into t select i, 1 + i%3, 'v' from generate_series(1,30) i;`,
    change: `update t set k = 2 where k = 1 and id < 10; update t set k = 7 where k = 2 and id > 20; delete from t where k = 3 and id < 8` },
  { name: 'a trigger of a partitioned table',
    setup: `create table log(n serial, x text); create function f() returns trigger language plpgsql as $$ begin insert into log(x) values (tg_table_name || tg_op); return null; end $$; create table t(id int, k int, v text, primary key (id,k)) partition by list (k); create table t1 partition of t for values in (1); create table t2 partition of t for values in (2); create trigger a after insert or update or delete on t for each row execute function f(); insert into t select i, 1 + i%2, 'v' from generate_series(1,30) i;`,
    change: `update t set k = 2 where k = 1 and id < 10; update t set v = 'x' where id > 20; delete from t where id = 15` },
  { name: 'foreign keys to and from partitioned tables',
    setup: `create table t(id int, k int, v text, primary key (id,k)) partition by list (k); create table t1 partition of t for values in (1); create table t2 partition of t for values in (2); create table c(id int primary key, a int, k int, foreign key (a,k) references t on delete set null); create table pc(id int, a int, k int, foreign key (a,k) references t on delete cascade) partition by range (id); create table pc1 partition of pc for values from (0) to (100); insert into t select i, 1 + i%2, 'v' from generate_series(1,30) i; insert into c select i, i, 1+i%2 from generate_series(1,10) i; insert into pc select i, i, 1+i%2 from generate_series(1,10) i;`,
    change: `delete from t where id in (3,4)` },
  { name: 'an inherited table',
    setup: `create table t(id int primary key, v text); create table s(x int, primary key (id)) inherits (t); insert into t select i,'v' from generate_series(1,5) i; insert into s select i,'v',i from generate_series(1,5) i;`,
    change: `update t set v = 'w' where id < 3; delete from t where id = 5` },
  { name: 'values out of line',
    setup: `create table t(id int primary key, v text, w text); alter table t alter v set storage external; insert into t select i, repeat('ab'||i, 5000), 'w' from generate_series(1,5) i;`,
    change: `update t set w = 'x' where id = 1; update t set v = 'short' where id = 2; delete from t where id = 3; update t set v = v || 'z' where id = 4` },
  { name: 'no columns',
    setup: `create table t(); insert into t default values; insert into t default values;`,
    change: `insert into t default values` },
  { name: 'emptied tables, one filled again',
    setup: `create table p(id int primary key, v text); create table c(id int primary key, p int references p); insert into p select i, 'p'||i from generate_series(1,5) i; insert into c select i, 1 + i%5 from generate_series(1,2000) i;`,
    change: `truncate p, c; insert into p values (1,'new')` },
  { name: 'an emptied table with a trigger',
    setup: `create table p(id serial primary key, v text); create function f() returns trigger language plpgsql as $$ begin new.v := 'trig'; return new; end $$; insert into p(v) select 'p'||i from generate_series(1,5) i; create trigger a before insert on p for each row execute function f();`,
    change: `truncate p restart identity` },
  { name: 'a rewrite amid changes', isDdl: true,
    setup: `create table p(id int primary key, v text, n int); insert into p select i, 'p'||i, i from generate_series(1,50) i;`,
    change: `update p set v = 'x' where id < 5; alter table p alter n type bigint; update p set v = 'y' where id between 3 and 8; delete from p where id = 20; insert into p values (100,'z',1)` },
  { name: 'a dropped table with what it hangs on', isDdl: true,
    setup: `create type mood as enum ('a','b'); create sequence sq; create function dflt() returns int language sql as 'select 5'; create table p(id int primary key, v text, n int default nextval('sq'), m mood default 'a', d int default dflt(), check (n > 0)); insert into p select i, 'p'||i from generate_series(1,50) i; create index on p (v) where n > 3; create table c(id serial primary key, p int references p on delete cascade); insert into c(p) select i from generate_series(1,10) i; create function tf() returns trigger language plpgsql as 'begin return new; end'; create trigger tg before insert on p for each row execute function tf(); create view vv as select * from p; grant select on p to public; comment on column p.v is 'it''s';`,
    change: `drop table p cascade; drop type mood cascade; drop function dflt()` },
  { name: 'a dropped schema with partitions and children', isDdl: true,
    setup: `create schema inner_schema; set search_path = inner_schema; create table p(id int generated by default as identity primary key, v text); insert into p(v) select 'p'||i from generate_series(1,50) i; create table pt(id int, k int) partition by range (k); create table pt1 partition of pt for values from (0) to (10) partition by list (id); create table pt11 partition of pt1 for values in (1,2,3); create table pt1d partition of pt1 default; insert into pt select i, i%10 from generate_series(1,50) i; create table inh() inherits (p); insert into inh select i, 'inh' from generate_series(100,110) i;`,
    change: `drop schema inner_schema cascade` },
  { name: 'virtual columns', since: 18,
    setup: `create table t(id int primary key, v text, g int generated always as (length(v)) virtual); insert into t(id,v) select i,'v'||i from generate_series(1,5) i;`,
    change: `delete from t where id = 2; update t set v = 'longer' where id = 3; insert into t values (9,'z')` },
  { name: 'virtual columns without a key', since: 18,
    setup: `create table t(id int, v text, g int generated always as (length(v)) virtual); insert into t(id,v) select i,'v'||i from generate_series(1,5) i;`,
    change: `delete from t where id = 2; update t set v = 'longer' where id = 3; insert into t values (9,'z')` },
  { name: 'a key without overlaps', since: 18,
    setup: `create extension if not exists btree_gist; create table t(id int, at daterange, v text, primary key (id, at without overlaps)); insert into t values (1,'[2020-01-01,2020-02-01)','a'),(1,'[2020-02-01,2020-03-01)','b');`,
    change: `update t set v = 'c' where v = 'a'; delete from t where v = 'b'; insert into t values (1,'[2020-02-10,2020-02-20)','n')` },
  { name: 'NULLs that are not distinct', since: 15,
    setup: `create table t(id int primary key, u int, unique nulls not distinct (u)); insert into t values (1,null),(2,2);`,
    change: `update t set u = 5 where id = 1; update t set u = null where id = 2` },
  { name: 'a check of two columns',
    setup: `create table t(id int primary key, a int, b int, check (a < b)); insert into t select i, i, i+1 from generate_series(1,5) i;`,
    change: `update t set a = a + 10, b = b + 10` },
  { name: 'keys of many types',
    setup: `create table t(k1 text, k2 timestamptz, k3 bytea, k4 numeric, k5 char(5), v int, primary key (k1,k2,k3,k4,k5)); insert into t select 'k''\\'||i, '2020-01-01 00:00:00.5+00'::timestamptz + i * interval '1 day', decode('00ff','hex'), 1.10*i, 'a', i from generate_series(1,5) i; create table f(k float4 primary key, v int); insert into f values ('NaN',1), (1.1,2), ('-0',3), ('Infinity',4), (1e-40,5); create table e(k interval primary key, v int); insert into e values ('1 mon',1), ('29 days 23:00',2); create table ar(k int[] primary key, v int); insert into ar values ('{}',1), ('[0:1]={1,2}', 2), ('{1,null}',3);`,
    change: `update t set v = -v; delete from t where v = -2; update f set v = v + 1; delete from f where v = 3; update e set v = 9; update ar set v = v + 1; delete from ar where v = 3` },
  { name: 'row security, forced',
    setup: `create table t(id int primary key, v text); insert into t values (1,'a'); alter table t enable row level security; alter table t force row level security; create policy p on t for all using (id > 5);`,
    change: `update t set v = 'b'; insert into t values (9,'x')` },
  { name: 'so many rows that COPY loads them',
    setup: `create table t(id int primary key, v text); insert into t select i, 'v'||i from generate_series(1,3000) i;`,
    change: `delete from t where id % 2 = 0; update t set v = 'w' where id % 3 = 0; insert into t select i, 'n' from generate_series(5000,7000) i` },
  { name: 'a deferred foreign key',
    setup: `create table p(id int primary key, v text); create table c(id int primary key, p int references p deferrable initially deferred); insert into p select i, 'p'||i from generate_series(1,5) i; insert into c select i, 1 + i%5 from generate_series(1,20) i;`,
    change: `delete from p where id = 3; insert into p values (30,'n'); update c set p = 30 where p = 3` },
];

interface Made {
  schema: string;
  xid: number;
  before: string[];
  after: string[];
}

/** Every table of the case's schemas, with its own rows in order of their text. */
function capture(server: PostgresServer, schema: string, { setup }: UndoCase): Promise<string[]> {
  return server.session('postgres', async (client) => {
    const { rows } = await client.query<{ name: string }>(`SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' AND nspname IN ('${schema}'${setup.includes('inner_schema') ? ", 'inner_schema'" : ''}) ORDER BY 1`);
    const tables: string[] = [];
    for (const { name } of rows) tables.push(`${name}\n${(await copyOut(client, `COPY (SELECT * FROM ONLY ${name}) TO STDOUT (FORMAT csv, HEADER)`)).toString().split('\n').sort().join('\n')}`);
    return tables;
  });
}

/** show --undo gives the tables of before, diff --sql the other way round those of after. `wanted`: names of cases; all without. */
export function undoCases(major: PgMajor, wanted?: readonly string[]): void {
  const cases = UNDO_CASES.filter(({ name, since }) => (since ?? 13) <= major && (wanted?.includes(name) ?? true));
  describe(`what is in the way of an undo, PostgreSQL ${major}`, () => {
    let server: PostgresServer;
    let indexed: IndexedArchive;
    const made = new Map<UndoCase, Made>();
    beforeAll(async () => {
      server = await PostgresServer.create({ major, walSegmentMb: 1, settings: { autovacuum: false } });
      await server.sql('CREATE UNLOGGED TABLE xids AS SELECT 0::int8 AS xid');
      const backup = await takePlainBackup(server, join(server.root, 'backup'));
      for (const [i, each] of cases.entries()) {
        const schema = `case_${i}`;
        const path = `SET client_min_messages = error; SET search_path = ${schema}, public;`;
        runPsql(server, 'postgres', `CREATE SCHEMA ${schema}; ${path} ${each.setup}`);
        const before = await capture(server, schema, each);
        runPsql(server, 'postgres', `${path} BEGIN; ${each.change}; UPDATE public.xids SET xid = txid_current(); COMMIT;`);
        const xid = Number((await server.sql<{ xid: string }>('SELECT xid FROM public.xids'))[0]!.xid);
        made.set(each, { schema, xid, before, after: await capture(server, schema, each) });
      }
      await server.archiveAll();
      indexed = await indexArchive({ backup, wal: server.walDir });
    });
    afterAll(async () => {
      indexed?.remove();
      await server?.destroy();
    });

    it.each(cases.map((each) => [each.name, each] as const))('%s', async (_, each) => {
      const { schema, xid, before, after } = made.get(each)!;
      expect(after).not.toEqual(before);
      const { session } = indexed;
      const findings = new Findings();
      const shown = showTransaction(session, xid, findings);
      await prepareVirtualColumns(session, shown.before, shown.after);
      runPsql(server, 'postgres', scriptText(undoScript(shown, findings)));
      expect(await capture(server, schema, each)).toEqual(before);
      if (each.isDdl) return;
      const sides = { before: session.database(session.moment(`xid:${xid}`), 'postgres'), after: session.database(session.moment(`before-xid:${xid}`), 'postgres') };
      const pairs = pairTables(sides).filter((pair) => sides.before.catalog.schemaOf(pair.before!) === schema);
      runPsql(server, 'postgres', scriptText(diffScript(sides, pairs, findings)));
      expect(await capture(server, schema, each)).toEqual(after);
      expect(findings.list).toEqual([]);
    });
  });
}
