\set id random(0, 999)
SELECT body FROM baseline.document WHERE id = :id;
