BEGIN;
SELECT version + 1 AS version FROM plain.head WHERE id = :client_id FOR UPDATE \gset
UPDATE plain.head SET version = :version WHERE id = :client_id;
INSERT INTO plain.part VALUES (:client_id, :version, repeat('s', 600));
COMMIT;
