CREATE TABLE h (id int, k int, t text) WITH (autovacuum_enabled = off);
CREATE INDEX h_k ON h USING hash (k);
CREATE INDEX h_t ON h USING hash (t) WITH (fillfactor = 40);
-- Duplicates make chains of overflow pages; distinct keys make splits.
INSERT INTO h SELECT i, i % 5, 't' || (i % 700) FROM generate_series(1, 1400) i;
INSERT INTO h SELECT i, i, 't' || (i % 3) FROM generate_series(1401, 2200) i;
-- Squeezed onto one page before the last, and onto several.
DELETE FROM h WHERE id % 2 = 0;
VACUUM h;
INSERT INTO h SELECT i, i % 2, 't' || (i % 4) FROM generate_series(2201, 3200) i;
DELETE FROM h WHERE id % 10 <> 1 AND id < 3000;
VACUUM h;
-- Items that a scan found dead go when their page is full.
INSERT INTO h SELECT i, i % 5, 't' || (i % 4) FROM generate_series(6501, 7200) i;
DELETE FROM h WHERE id BETWEEN 6501 AND 7000;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM h WHERE k = 1;
SELECT count(*) FROM h WHERE k = 2;
SELECT count(*) FROM h WHERE t = 't1';
INSERT INTO h SELECT i, i % 5, 't' || (i % 4) FROM generate_series(8001, 8500) i;
VACUUM h;
CREATE UNLOGGED TABLE unlogged (k int);
CREATE INDEX unlogged_k ON unlogged USING hash (k);
-- An index built with more than two buckets.
CREATE INDEX h_id ON h USING hash (id) WITH (fillfactor = 10);
-- The estimate for an empty table of wide rows is two buckets, so that these splits pass powers of two.
CREATE TABLE narrow (k int, pad char(1900)) WITH (autovacuum_enabled = off);
CREATE INDEX narrow_k ON narrow USING hash (k) WITH (fillfactor = 10);
INSERT INTO narrow SELECT generate_series(1, 900);
