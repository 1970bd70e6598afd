SELECT setseed(0.42);
CREATE TABLE pts (id int, p point);
ALTER TABLE pts SET (autovacuum_enabled = off);
CREATE INDEX pts_p ON pts USING gist (p);
INSERT INTO pts SELECT i, point(random() * 100, random() * 100) FROM generate_series(1, 1500) i;
CREATE TABLE shapes (id int, b box, r int4range);
ALTER TABLE shapes SET (autovacuum_enabled = off);
CREATE INDEX shapes_b ON shapes USING gist (b);
CREATE INDEX shapes_br ON shapes USING gist (r, b);
INSERT INTO shapes SELECT i, box(point(random() * 100, random() * 100), point(random() * 100, random() * 100)), CASE WHEN i % 50 = 0 THEN NULL ELSE int4range(i % 700, i % 700 + (i % 13)) END FROM generate_series(1, 600) i;
CREATE TABLE docs (id int, v tsvector);
ALTER TABLE docs SET (autovacuum_enabled = off);
CREATE INDEX docs_v ON docs USING gist (v tsvector_ops (siglen = 2000));
INSERT INTO docs SELECT i, (SELECT array_to_tsvector(array_agg(md5((i * 31 + j * 7)::text || i))) FROM generate_series(1, 1 + (i * 37) % 450) j) FROM generate_series(1, 160) i;
CHECKPOINT;
INSERT INTO pts SELECT i, point(random() * 100, random() * 100) FROM generate_series(2501, 3000) i;
INSERT INTO docs SELECT i, (SELECT array_to_tsvector(array_agg(md5((i * 31 + j * 7)::text || i))) FROM generate_series(1, 1 + (i * 37) % 450) j) FROM generate_series(161, 260) i;
-- dead entries that scans mark and inserts remove; on a table without images, because the primary and replay leave
-- F_TUPLES_DELETED different (gistprunepage() does not set it, gist_redo() does), which real recovery refuses
SET wal_consistency_checking = '';
CREATE TABLE killed (id int, p point);
ALTER TABLE killed SET (autovacuum_enabled = off);
CREATE INDEX killed_p ON killed USING gist (p);
INSERT INTO killed SELECT i, point(random() * 100, random() * 100) FROM generate_series(1, 1500) i;
DELETE FROM killed WHERE p <@ box '(30,30),(60,60)';
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM killed WHERE p <@ box '(0,0),(100,100)';
SELECT count(*) FROM killed WHERE p <@ box '(0,0),(100,100)';
INSERT INTO killed SELECT i, point(random() * 100, random() * 100) FROM generate_series(1501, 2500) i;
RESET enable_seqscan;
RESET enable_bitmapscan;
-- no images anywhere: replay has nothing but the records
INSERT INTO pts SELECT i, point(random() * 100, random() * 100) FROM generate_series(3501, 4000) i;
INSERT INTO docs SELECT i, (SELECT array_to_tsvector(array_agg(md5((i * 31 + j * 7)::text || i))) FROM generate_series(1, 1 + (i * 37) % 450) j) FROM generate_series(331, 360) i;
RESET wal_consistency_checking;
-- pages that empty, go, and come back
DELETE FROM pts WHERE p <@ box '(0,0),(100,55)';
VACUUM pts;
DELETE FROM docs WHERE id % 3 <> 0;
VACUUM docs;
SELECT txid_current();
SELECT txid_current();
VACUUM pts;
VACUUM docs;
SELECT txid_current();
VACUUM pts;
VACUUM docs;
INSERT INTO pts SELECT i, point(random() * 100, random() * 100) FROM generate_series(4501, 5400) i;
INSERT INTO docs SELECT i, (SELECT array_to_tsvector(array_agg(md5((i * 31 + j * 7)::text || i))) FROM generate_series(1, 1 + (i * 37) % 450) j) FROM generate_series(261, 330) i;
UPDATE shapes SET b = box(point(id, id), point(id + 1, id - 1)) WHERE id % 3 = 0;
DELETE FROM shapes WHERE id % 4 = 1;
VACUUM shapes;
-- builds: sorted where the major can, buffered, plain
CREATE INDEX pts_built ON pts USING gist (p) WITH (fillfactor = 60);
CREATE INDEX pts_buffered ON pts USING gist (p) WITH (buffering = on);
CREATE INDEX shapes_built ON shapes USING gist (r) WITH (buffering = off);
INSERT INTO pts SELECT i, point(random() * 10, random() * 10) FROM generate_series(5801, 6100) i;
