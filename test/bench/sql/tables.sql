-- Tables t0 … t(:tables - 1) with :snapshots snapshots each, and table "one", in namespace bench of warehouse :warehouse.
\set ON_ERROR_STOP on
SELECT icecat.create_namespace(:'warehouse', '{bench}')
WHERE NOT icecat.namespace_exists(:'warehouse', '{bench}');

\ir maker.sql
SELECT count(pg_temp.make_table(:'warehouse', 't' || i, :snapshots)) FROM generate_series(0, :tables - 1) AS i;
SELECT pg_temp.make_table(:'warehouse', 'one', :snapshots);
