BEGIN;
SELECT version + 1 AS version FROM plain.head WHERE id = 999 FOR UPDATE \gset
UPDATE plain.head SET version = :version WHERE id = 999;
INSERT INTO plain.part VALUES (999, :version, repeat('s', 600));
COMMIT;
