CREATE EXTENSION bloom;
CREATE TABLE b (i int, j int, t text) WITH (autovacuum_enabled = off);
CREATE INDEX b_all ON b USING bloom (i, j, t);
INSERT INTO b SELECT i, i % 10, 't' || i FROM generate_series(1, 900) i;
DELETE FROM b WHERE i % 3 = 0;
VACUUM b;
DELETE FROM b WHERE i < 500;
VACUUM b;
INSERT INTO b SELECT i, i % 10, 't' || i FROM generate_series(901, 1500) i;
