\set id random(0, 31)
SELECT body FROM plain.large WHERE id = :id;
