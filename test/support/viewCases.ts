/** Views and functions with SQL bodies that together use every clause a query can have, for majors that know it. */

/** Statements for an empty database. */
export function viewCases(major: number): string {
  return `
  CREATE SCHEMA other; CREATE TYPE pair AS (a int, "Odd b" text); CREATE TABLE customers (id serial PRIMARY KEY, email text, born date);
  CREATE FUNCTION other.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
  CREATE TABLE base (id int PRIMARY KEY, name text, amount numeric(10,2), at timestamptz, tags text[], p pair, "select" int);
  CREATE TABLE more (id int, name text, extra int, gone int);
  CREATE VIEW v_simple AS SELECT id, name AS "Other name", amount * 2 AS twice FROM base WHERE amount > 3 AND name IS NOT NULL;
  CREATE VIEW v_star AS SELECT * FROM more;
  CREATE VIEW v_whole AS SELECT base, (base).name AS n, ROW(base.*, 1)::text AS r FROM base;
  CREATE VIEW v_joins AS SELECT b.id, m.extra, c.born FROM base b JOIN more m USING (id) LEFT JOIN customers c ON c.id = b.id AND c.born > '2000-01-01' CROSS JOIN LATERAL (SELECT b.amount + 1 AS up) l FULL JOIN more m2 ON m2.id = b.id;
  CREATE VIEW v_using AS SELECT * FROM (base FULL JOIN more USING (id, name)) x;
  CREATE VIEW v_dangerous AS SELECT id, name FROM base FULL JOIN more USING (id, name);
  CREATE VIEW v_self AS SELECT a.id, b.id AS id_1 FROM base a, base b, base WHERE a.id = b.id AND base.id = a.id;
  CREATE VIEW v_group AS SELECT name, count(*), sum(DISTINCT amount) FILTER (WHERE id > 3), array_agg(id ORDER BY amount DESC NULLS LAST, id) AS ids, percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) FROM base GROUP BY name HAVING count(*) > 1 ORDER BY 2 DESC, name COLLATE "C" LIMIT 5 OFFSET 2;
  CREATE VIEW v_sets AS SELECT name, date_trunc('day', at) AS day, GROUPING(name) AS g, sum(amount) FROM base GROUP BY GROUPING SETS ((name, date_trunc('day', at)), ROLLUP (name), CUBE (name, id), ());
  CREATE VIEW v_distinct AS SELECT DISTINCT ON (name) name, id FROM base ORDER BY name, id DESC;
  CREATE VIEW v_window AS SELECT id, rank() OVER w, sum(amount) OVER (w ROWS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE TIES) AS s, lag(name, 2, 'x') OVER (PARTITION BY name ORDER BY id), first_value(id) OVER (ORDER BY at RANGE BETWEEN '1 day' PRECEDING AND '1 hour' FOLLOWING) AS f FROM base WINDOW w AS (PARTITION BY name ORDER BY amount DESC);
  CREATE VIEW v_union AS (SELECT id FROM base ORDER BY id LIMIT 1) UNION ALL SELECT extra FROM more EXCEPT (SELECT 1 INTERSECT SELECT 2) ORDER BY 1;
  CREATE VIEW v_values AS VALUES (1, 'a'), (2, NULL);
  CREATE VIEW v_values2 AS SELECT v.a, v.b FROM (VALUES (1, 'a'::text), (2, 'it''s')) v(a, b);
  CREATE VIEW v_with AS WITH RECURSIVE t(n) AS MATERIALIZED (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5), u AS (SELECT n FROM t) SELECT t.n, u.n AS m, (SELECT max(x.n) FROM u x WHERE x.n > t.n) AS up FROM t, u;
  CREATE VIEW v_subs AS SELECT id, ARRAY(SELECT extra FROM more m WHERE m.id = b.id) AS extras, id IN (SELECT id FROM more) AS isin, (id, name) IN (SELECT id, name FROM more) AS rowin, id > ALL (SELECT extra FROM more) AS allof, EXISTS (SELECT 1 FROM more WHERE more.id = b.id) AS ex, (id, 1) < (SELECT 1, 2) AS rc, ROW(id, name) < ROW(1, 'a') AS lt, id = ANY ((SELECT ARRAY[1,2])::int[]) AS anyarr FROM base b;
  CREATE VIEW v_cases AS SELECT CASE id WHEN 1 THEN 'one' WHEN 2 THEN CASE WHEN amount > 1 THEN 'x' ELSE 'y' END END AS c, CASE WHEN name = 'a' THEN 1 END AS d, COALESCE(name, 'n') || 'z' AS e, tags[1] AS t1, tags[1:2] AS t2, (p).a, p IS NULL AS pn, p IS DISTINCT FROM NULL AS pd, amount::int::text AS at1, name::varchar(3) AS v3, "select" FROM base;
  CREATE VIEW v_functions AS SELECT g, o FROM generate_series(1, 3) WITH ORDINALITY AS s(g, o);
  CREATE VIEW v_rows AS SELECT * FROM ROWS FROM (generate_series(1, 2), json_to_record('{"a":1}') AS (a int, b text)) AS r(x, y, z);
  CREATE VIEW v_record AS SELECT r.a, r.b FROM json_to_recordset('[]') AS r(a int, b text COLLATE "C");
  CREATE VIEW v_unnest AS SELECT * FROM unnest(ARRAY[1,2], ARRAY['a','b']) AS u(n, t), LATERAL (VALUES (u.n)) w;
  CREATE VIEW v_sample AS SELECT id FROM ONLY base TABLESAMPLE system (10) REPEATABLE (3);
  CREATE VIEW v_xml AS SELECT XMLELEMENT(NAME foo, XMLATTRIBUTES(id AS "a b"), name) AS e, XMLFOREST(id, name AS n) AS f, XMLPARSE(DOCUMENT '<a/>') AS pd, XMLPI(NAME x, 'y') AS pi, XMLROOT(XMLPARSE(CONTENT 'a'), VERSION '1.0', STANDALONE YES) AS r, XMLSERIALIZE(CONTENT '<a/>'::xml AS text) AS s FROM base;
  CREATE VIEW v_xmltable AS SELECT x.* FROM base, XMLTABLE(XMLNAMESPACES ('http://a' AS a), '/r' PASSING (name::xml) COLUMNS n FOR ORDINALITY, v int PATH '@v' NOT NULL DEFAULT 3, w text) x;
  CREATE VIEW v_syntax AS SELECT EXTRACT(year FROM at) AS y, at AT TIME ZONE 'UTC' AS u, overlay(name PLACING 'x' FROM 2) AS o, position('a' IN name) AS pos, substring(name FROM 2 FOR 3) AS s, trim(LEADING 'x' FROM name) AS t, (at, at) OVERLAPS (at, '1 day'::interval) AS ov, CURRENT_TIMESTAMP(2) AS now2, NULLIF(id, 1) AS nu, GREATEST(id, 2) AS gr, id IS DISTINCT FROM 3 AS dis, name LIKE 'a%' AS li, name ~~* 'b' AS il, NOT (id = 1 OR id = 2) AS nt, (id > 1) IS NOT TRUE AS bt FROM base;
  CREATE VIEW v_lock AS SELECT id FROM base b FOR UPDATE OF b SKIP LOCKED;
  CREATE VIEW other.v_elsewhere WITH (security_barrier) AS SELECT abs(id), other.twice(id) AS t2 FROM (SELECT id FROM base) sub(id);
  CREATE MATERIALIZED VIEW m_data AS SELECT id, count(*) AS n FROM base GROUP BY id;
  CREATE MATERIALIZED VIEW m_none WITH (fillfactor = 70) AS SELECT * FROM m_data WITH NO DATA;
  CREATE UNIQUE INDEX m_data_id ON m_data (id);
  CREATE VIEW v_over_view AS SELECT s.*, m.n FROM v_simple s JOIN m_data m USING (id);
  ALTER TABLE more DROP COLUMN extra CASCADE; ALTER TABLE more ADD COLUMN late text; ALTER TABLE more RENAME COLUMN name TO renamed;
  CREATE VIEW v_key AS SELECT b.id, b.name, b.amount, count(*) FROM base b GROUP BY b.id;
  COMMENT ON VIEW v_key IS 'needs the primary key'; COMMENT ON MATERIALIZED VIEW m_data IS 'kept';
  ALTER VIEW v_simple ALTER COLUMN twice SET DEFAULT 7;
  ${major >= 14 ? SINCE_14 : ''} ${major >= 15 ? SINCE_15 : ''} ${major >= 17 ? SINCE_17 : ''} ${major >= 18 ? SINCE_18 : ''}`;
}

const SINCE_14 = `
  CREATE VIEW v_search AS WITH RECURSIVE t(a, b) AS (SELECT 1, 2 UNION ALL SELECT a + 1, b FROM t WHERE a < 3) SEARCH DEPTH FIRST BY a SET ord CYCLE a SET is_cycle USING path SELECT a, b, is_cycle FROM t;
  CREATE VIEW v_using_alias AS SELECT j.id FROM base JOIN more USING (id) AS j;
  CREATE VIEW v_group_distinct AS SELECT name, id FROM base GROUP BY DISTINCT ROLLUP (name, id), CUBE (name);
  CREATE FUNCTION plus(a int, b int DEFAULT 1) RETURNS int IMMUTABLE LANGUAGE sql RETURN a + b;
  CREATE FUNCTION unnamed(int, text) RETURNS text LANGUAGE sql RETURN $2 || $1 || CASE WHEN $1 > 1 THEN 'x' ELSE 'y' END;
  CREATE FUNCTION counted(wanted text) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM base WHERE name = wanted; END;
  CREATE PROCEDURE changes(what int, INOUT how text) LANGUAGE sql BEGIN ATOMIC
    INSERT INTO base (id, name, tags[2], p.a) VALUES (what, how, 'x', 3) ON CONFLICT (id) WHERE id > 0 DO UPDATE SET name = excluded.name, (amount, at) = (SELECT 1, now()) WHERE base.id < 5 RETURNING name;
    INSERT INTO more SELECT id, name FROM base; INSERT INTO base AS b DEFAULT VALUES; INSERT INTO more (id) VALUES (1), (2) ON CONFLICT DO NOTHING;
    UPDATE ONLY base x SET name = m.renamed, p.a = 4, tags[1] = 'y' FROM more m WHERE m.id = x.id;
    DELETE FROM more USING base WHERE base.id = more.id RETURNING more.id, base.name;
    WITH gone AS (DELETE FROM base RETURNING *) SELECT gone.name FROM gone; END;`;
const SINCE_15 = `
  CREATE PROCEDURE merged() LANGUAGE sql BEGIN ATOMIC
    MERGE INTO base b USING (SELECT id, renamed FROM more) m ON b.id = m.id WHEN MATCHED AND b.amount > 1 THEN UPDATE SET name = m.renamed WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, name) VALUES (m.id, m.renamed); END;`;
const SINCE_17 = `
  CREATE VIEW v_json AS SELECT JSON_OBJECT('a' : 1, 'b' : name ABSENT ON NULL WITH UNIQUE KEYS RETURNING jsonb) AS o, JSON_ARRAY(1, 'x' NULL ON NULL) AS a, JSON_OBJECTAGG(name : id) AS oa, JSON_ARRAYAGG(id ORDER BY id) AS aa, name IS JSON OBJECT WITH UNIQUE KEYS AS ij, JSON_VALUE(name::jsonb, '$.a' PASSING 1 AS x RETURNING int DEFAULT 0 ON EMPTY) AS jv, JSON_QUERY(name::jsonb, '$.b' WITH WRAPPER) AS jq, JSON_EXISTS(name::jsonb, '$.c' ERROR ON ERROR) AS je, JSON_SCALAR(id) AS js, JSON_SERIALIZE(name RETURNING bytea) AS jz, JSON(name) AS jj FROM base GROUP BY name, id;
  CREATE VIEW v_json_table AS SELECT t.* FROM base, JSON_TABLE(name::jsonb, '$.list[*]' AS root PASSING 3 AS x COLUMNS (n FOR ORDINALITY, a int PATH '$.a', e bool EXISTS PATH '$.e', q text FORMAT JSON PATH '$.q', NESTED PATH '$.inner[*]' AS sub COLUMNS (i int, j text))) t;
  CREATE PROCEDURE merged_more() LANGUAGE sql BEGIN ATOMIC
    MERGE INTO base b USING more m ON b.id = m.id WHEN NOT MATCHED BY SOURCE THEN DO NOTHING WHEN NOT MATCHED BY TARGET THEN INSERT DEFAULT VALUES RETURNING merge_action(), b.id; END;`;
const SINCE_18 = `
  CREATE PROCEDURE returned() LANGUAGE sql BEGIN ATOMIC UPDATE base SET amount = 1 RETURNING WITH (OLD AS o) o.amount, new.amount, id; END;`;
