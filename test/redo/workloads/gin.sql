SELECT setseed(0.42);
-- the pending list off: entry pages, posting lists, posting trees
CREATE TABLE arr (id int, a int[]);
ALTER TABLE arr SET (autovacuum_enabled = off);
CREATE INDEX arr_a ON arr USING gin (a) WITH (fastupdate = off);
INSERT INTO arr SELECT i, ARRAY[1, i % 7 + 10, i % 300 + 1000] FROM generate_series(1, 1500) i;
INSERT INTO arr VALUES (0, NULL), (0, '{}'), (0, '{NULL}');
CHECKPOINT;
INSERT INTO arr SELECT i, ARRAY[1, i % 3 + 10] FROM generate_series(1501, 2500) i;
-- three levels of entries
CREATE TABLE words (id int, w text[]);
ALTER TABLE words SET (autovacuum_enabled = off);
CREATE INDEX words_w ON words USING gin (w) WITH (fastupdate = off);
INSERT INTO words SELECT i, ARRAY[repeat(md5(i::text), 20), repeat(md5((-i)::text), 12)] FROM generate_series(1, 700) i;
-- the pending list on
CREATE TABLE fast (id int, j jsonb, v tsvector);
ALTER TABLE fast SET (autovacuum_enabled = off);
CREATE INDEX fast_j ON fast USING gin (j) WITH (fastupdate = on);
CREATE INDEX fast_jv ON fast USING gin (j jsonb_path_ops, v) WITH (fastupdate = on, gin_pending_list_limit = 64);
INSERT INTO fast SELECT i, jsonb_build_object('k', i % 40, 't', md5(i::text), 'l', jsonb_build_array(i, i + 1)), to_tsvector('simple', 'all ' || i || ' w' || i % 60) FROM generate_series(1, 400) i;
-- one row with more keys than a list page holds
INSERT INTO fast SELECT 401, (SELECT jsonb_object_agg('key' || i, repeat(md5(i::text), 3)) FROM generate_series(1, 600) i), NULL;
INSERT INTO fast SELECT i, jsonb_build_object('k', i % 40), NULL FROM generate_series(402, 420) i;
SELECT gin_clean_pending_list('fast_j');
CHECKPOINT;
INSERT INTO fast SELECT i, jsonb_build_object('k', i % 40), to_tsvector('simple', 'all ' || i) FROM generate_series(421, 800) i;
VACUUM fast;
-- many rows at once from the pending list into posting trees; images for the flushes alone
CREATE TABLE bulk (id int, a int[], pad text);
ALTER TABLE bulk SET (autovacuum_enabled = off);
CREATE INDEX bulk_a ON bulk USING gin (a) WITH (fastupdate = on, gin_pending_list_limit = 4096);
SET wal_consistency_checking = '';
INSERT INTO bulk SELECT i, ARRAY[i % 2, 5, 100 + i % 50] FROM generate_series(1, 16000) i;
SET wal_consistency_checking = 'gin';
SELECT gin_clean_pending_list('bulk_a');
SET wal_consistency_checking = '';
INSERT INTO bulk SELECT i, ARRAY[i % 2, 5, 100 + i % 50] FROM generate_series(16001, 32000) i;
SELECT gin_clean_pending_list('bulk_a');
INSERT INTO bulk SELECT i, ARRAY[i % 2, 5, 100 + i % 50] FROM generate_series(32001, 48000) i;
SET wal_consistency_checking = 'gin';
SELECT gin_clean_pending_list('bulk_a');
-- scattered deletions shrink posting lists, a run of them empties leaves of the trees
DELETE FROM bulk WHERE id % 11 = 0;
VACUUM bulk;
DELETE FROM bulk WHERE id BETWEEN 3000 AND 33000;
VACUUM bulk;
VACUUM bulk;
SET wal_consistency_checking = '';
INSERT INTO bulk SELECT i, ARRAY[i % 2, 5, 100 + i % 50] FROM generate_series(48001, 64000) i;
SET wal_consistency_checking = 'gin';
SELECT gin_clean_pending_list('bulk_a');
ALTER INDEX bulk_a SET (fastupdate = off);
INSERT INTO bulk SELECT i, ARRAY[i % 2, 5, 100 + i % 50] FROM generate_series(64001, 64200) i;
-- the same without images: replay has nothing but the records
SET wal_consistency_checking = '';
INSERT INTO bulk SELECT i, ARRAY[i % 2, 5, 100 + i % 50] FROM generate_series(64201, 64400) i;
DELETE FROM bulk WHERE id % 13 = 0 OR id BETWEEN 50000 AND 58000;
VACUUM bulk;
SET wal_consistency_checking = 'gin';
VACUUM bulk;
INSERT INTO bulk SELECT i, ARRAY[i % 2, 5, 100 + i % 50] FROM generate_series(64401, 64500) i;
DELETE FROM arr WHERE id % 3 = 0;
VACUUM arr;
DELETE FROM words WHERE id % 2 = 0;
VACUUM words;
DELETE FROM fast WHERE id < 300;
VACUUM fast;
CREATE INDEX words_built ON words USING gin (w);
CREATE INDEX bulk_built ON bulk USING gin (a);
INSERT INTO words SELECT i, ARRAY[repeat(md5(i::text), 20)] FROM generate_series(701, 760) i;
