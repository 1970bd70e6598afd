-- Every record type of Heap, Heap2 and Sequence that one session can write. Statements end with ";" at a line's end and run alone.
CREATE TABLE wide(id int PRIMARY KEY, a text, b text, c text, d int) WITH (fillfactor = 70);
ALTER TABLE wide ALTER a SET STORAGE plain, ALTER b SET STORAGE plain, ALTER c SET STORAGE plain;
INSERT INTO wide SELECT g, repeat('a', 100 + g % 300), NULL, repeat('c', 200), g FROM generate_series(1, 400) g;
UPDATE wide SET d = d + 1 WHERE id % 3 = 0;
UPDATE wide SET b = 'mid' || id WHERE id % 5 = 0;
UPDATE wide SET c = c || 'x' WHERE id % 7 = 0;
UPDATE wide SET a = 'z' || a WHERE id % 11 = 0;
UPDATE wide SET a = repeat('q', 3000), b = repeat('r', 2000) WHERE id % 97 = 0;
UPDATE wide SET id = id + 100000 WHERE id % 13 = 0;
-- HOT chains, pruned when they are read and by vacuum
CREATE TABLE hot(id int PRIMARY KEY, n int, t text) WITH (fillfactor = 50);
INSERT INTO hot SELECT g, 0, 'hot' FROM generate_series(1, 600) g;
DO $$ BEGIN FOR i IN 1..8 LOOP UPDATE hot SET n = n + 1; COMMIT; END LOOP; END $$;
SELECT count(*) FROM hot;
DELETE FROM hot WHERE id % 4 = 0;
VACUUM hot;
UPDATE hot SET n = n + 1 WHERE id % 3 = 0;
SELECT count(*) FROM hot;
DELETE FROM hot WHERE id % 5 = 0;
VACUUM (FREEZE) hot;
INSERT INTO hot SELECT g, 0, 'again' FROM generate_series(10001, 10200) g;
CREATE TABLE holes(id int PRIMARY KEY, n int) WITH (fillfactor = 30);
INSERT INTO holes SELECT g, 0 FROM generate_series(1, 700) g;
DO $$ BEGIN FOR i IN 1..4 LOOP UPDATE holes SET n = n + 1 WHERE id % 2 = i % 2; COMMIT; DELETE FROM holes WHERE id % 17 = i; COMMIT; PERFORM count(*) FROM holes; COMMIT; END LOOP; END $$;
VACUUM holes;
INSERT INTO holes SELECT g, 9 FROM generate_series(20000, 20300) g;
-- no index: dead tuples become unused line pointers at once
CREATE TABLE noidx(id int, t text);
INSERT INTO noidx SELECT g, 'n' || g FROM generate_series(1, 1500) g;
DELETE FROM noidx WHERE id % 2 = 0;
VACUUM noidx;
INSERT INTO noidx SELECT g, 'm' FROM generate_series(1, 300) g;
VACUUM (FREEZE) noidx;
UPDATE noidx SET t = 'uu' WHERE id % 10 = 1;
DELETE FROM noidx WHERE id % 10 = 3;
SELECT count(*) FROM (SELECT 1 FROM noidx WHERE id % 10 = 5 FOR UPDATE) x;
SELECT count(*) FROM (SELECT 1 FROM noidx WHERE id % 10 = 7 FOR SHARE) x;
-- the heap's tail goes, and the bits of the visibility map with it
VACUUM (FREEZE) noidx;
DELETE FROM noidx WHERE id > 300;
VACUUM noidx;
-- every record that clears bits of the visibility map
CREATE TABLE av(id int PRIMARY KEY, n int, t text) WITH (fillfactor = 60);
INSERT INTO av SELECT g, 0, repeat('v', 60) FROM generate_series(1, 1500) g;
VACUUM (FREEZE, ANALYZE) av;
INSERT INTO av VALUES (5001, 0, 'i');
DELETE FROM av WHERE id = 10;
UPDATE av SET n = 1 WHERE id = 500;
UPDATE av SET t = repeat('w', 3000) WHERE id BETWEEN 900 AND 905;
SELECT 1 FROM av WHERE id = 1300 FOR UPDATE;
SELECT 1 FROM av WHERE id = 1400 FOR KEY SHARE;
VACUUM (FREEZE) av;
COPY av FROM PROGRAM 'seq 6000 6300 | sed "s/$/\t1\tcopied/"';
VACUUM av;
UPDATE av SET n = n + 1 WHERE id % 37 = 0;
-- COPY FREEZE sets PD_ALL_VISIBLE in the record from 14 on
DO $$ BEGIN CREATE TABLE cf(id int, t text); EXECUTE 'COPY cf FROM PROGRAM ''seq 1 1500 | sed "s/$/\tfrozen/"'' WITH (FREEZE)'; END $$;
DELETE FROM cf WHERE id % 50 = 0;
VACUUM cf;
-- TOAST, rows that move to another partition, subtransactions and rollback
CREATE TABLE tt(id int PRIMARY KEY, t text);
INSERT INTO tt SELECT g, (SELECT string_agg(md5(g::text || k), '') FROM generate_series(1, 200) k) FROM generate_series(1, 20) g;
UPDATE tt SET t = t || 'x' WHERE id % 2 = 0;
DELETE FROM tt WHERE id % 3 = 0;
VACUUM tt;
CREATE TABLE pt(k int, v text) PARTITION BY LIST (k);
CREATE TABLE pt1 PARTITION OF pt FOR VALUES IN (1);
CREATE TABLE pt2 PARTITION OF pt FOR VALUES IN (2);
INSERT INTO pt SELECT 1 + g % 2, 'p' || g FROM generate_series(1, 100) g;
UPDATE pt SET k = 3 - k WHERE v LIKE '%7%';
CREATE TABLE sub(id int PRIMARY KEY, n int);
INSERT INTO sub SELECT g, 0 FROM generate_series(1, 100) g;
DO $$ BEGIN UPDATE sub SET n = 1 WHERE id < 20; BEGIN UPDATE sub SET n = 2 WHERE id < 30; PERFORM 1 FROM sub WHERE id > 50 FOR UPDATE; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END; PERFORM 1 FROM sub WHERE id < 60 FOR SHARE; END $$;
UPDATE sub SET n = 3 WHERE id < 40;
-- sequences, and in-place updates of the catalogs
CREATE SEQUENCE sq CACHE 5;
SELECT count(nextval('sq')) FROM generate_series(1, 100);
SELECT setval('sq', 5000);
ALTER SEQUENCE sq RESTART 7 INCREMENT 3;
SELECT nextval('sq');
CREATE INDEX ON noidx(id);
ANALYZE;
-- leaves bits of the visibility map cleared, and others set
VACUUM;
UPDATE av SET n = n + 1 WHERE id % 101 = 0;
DELETE FROM wide WHERE id % 31 = 0;
UPDATE hot SET t = 'end' WHERE id < 20;
SELECT 1 FROM av WHERE id = 700 FOR UPDATE;
