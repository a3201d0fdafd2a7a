-- All clients append to one table. Each commit reads the head first, as a client does, and appends to what it
-- saw; a conflict is counted, not retried.
SELECT bench.append(:warehouse);
