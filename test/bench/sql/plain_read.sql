\set id random(0, 999)
SELECT body FROM plain.small WHERE id = :id;
