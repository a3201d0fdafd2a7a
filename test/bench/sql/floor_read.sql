\set id random(0, 999)
SELECT body FROM floor.document WHERE id = :id;
