-- Wide keys make a deep tree of few rows; ascending, descending and middle inserts make every kind of split.
CREATE TABLE wide (k text NOT NULL, n int, pad text) WITH (autovacuum_enabled = off);
ALTER TABLE wide ALTER COLUMN k SET STORAGE PLAIN;
CREATE UNIQUE INDEX wide_k ON wide (k);
CREATE INDEX wide_n ON wide (n) INCLUDE (pad);
INSERT INTO wide SELECT repeat('k', 1200) || lpad(i::text, 6, '0'), i % 50, 'p' || i FROM generate_series(1, 420, 2) i;
INSERT INTO wide SELECT repeat('k', 1200) || lpad(i::text, 6, '0'), i % 50, 'p' || i FROM generate_series(420, 2, -2) i;
DELETE FROM wide WHERE k < repeat('k', 1200) || '000210';
VACUUM wide;
-- All but the last few: whole subtrees go, and the fast root descends.
DELETE FROM wide WHERE k < repeat('k', 1200) || '000418';
VACUUM wide;
VACUUM wide;
SELECT pg_current_xact_id();
SELECT pg_current_xact_id();
VACUUM wide;
-- The fast root splits, and recycled pages are taken again.
INSERT INTO wide SELECT repeat('k', 1200) || lpad(i::text, 6, '0'), i % 50, 'p' || i FROM generate_series(421, 480) i;
INSERT INTO wide SELECT repeat('k', 1200) || lpad(i::text, 6, '0'), i % 50, 'p' || i FROM generate_series(417, 340, -1) i;
VACUUM wide;
-- Duplicates: deduplication, posting list splits, posting lists that vacuum shrinks.
CREATE TABLE dup (id int, a int, b text, c int) WITH (autovacuum_enabled = off);
CREATE INDEX dup_a ON dup (a);
CREATE INDEX dup_b ON dup (b, a);
CREATE INDEX dup_c ON dup (c DESC NULLS LAST);
CREATE UNIQUE INDEX dup_id ON dup (id);
-- The bulk is replayed too, but its images would be many.
SET wal_consistency_checking = '';
INSERT INTO dup SELECT i, i % 7, 'value ' || (i % 13), CASE WHEN i % 5 = 0 THEN NULL ELSE i % 11 END FROM generate_series(1, 1500) i;
RESET wal_consistency_checking;
DELETE FROM dup WHERE id % 3 = 0;
VACUUM dup;
INSERT INTO dup SELECT i, i % 7, 'value ' || (i % 13), CASE WHEN i % 5 = 0 THEN NULL ELSE i % 11 END FROM generate_series(1501, 2400) i;
VACUUM dup;
-- The heap room of other keys gives TIDs in the middle of full posting lists: those split together with their pages.
CREATE TABLE post (id int, a int, b text DEFAULT 'b') WITH (autovacuum_enabled = off);
INSERT INTO post SELECT i, i % 2 FROM generate_series(1, 5000) i;
CREATE INDEX post_a ON post (a) WITH (fillfactor = 100);
CREATE INDEX post_ab ON post (a, b) WITH (fillfactor = 100);
DELETE FROM post WHERE a = 1 AND id % 3 <> 0;
VACUUM (INDEX_CLEANUP on) post;
INSERT INTO post SELECT i, 0 FROM generate_series(5001, 6500) i;
-- Items that a scan found dead go when their page is full.
DELETE FROM dup WHERE a = 3;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM dup WHERE a = 3;
SELECT count(*) FROM dup WHERE b = 'value 3' AND a = 3;
INSERT INTO dup SELECT i, 3, 'value 3', 3 FROM generate_series(4001, 4500) i;
DELETE FROM dup WHERE id BETWEEN 4001 AND 4300;
SELECT count(*) FROM dup WHERE a = 3;
INSERT INTO dup SELECT i, 3, 'value 3', 3 FROM generate_series(5001, 5500) i;
-- Version churn: bottom-up deletion from 14 on.
CREATE TABLE churn (id int PRIMARY KEY, v int, w int) WITH (autovacuum_enabled = off);
CREATE INDEX churn_v ON churn (v);
CREATE INDEX churn_w ON churn (w);
INSERT INTO churn SELECT i, i, i / 40 FROM generate_series(1, 300) i;
DO $$ BEGIN FOR i IN 1..20 LOOP UPDATE churn SET v = v + 1 WHERE id % 4 = 0; COMMIT; END LOOP; END $$;
DELETE FROM churn WHERE id < 270;
VACUUM churn;
REINDEX TABLE dup;
