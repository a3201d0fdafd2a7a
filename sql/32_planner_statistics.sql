-- UPGRADE: changes here need an upgrade script.
-- What the planner must assume about keys, whatever it last saw. A statistic from when there was one warehouse with one table
-- says that each column alone finds one row; then every index that starts with the warehouse looks as good as the right
-- one, and look-ups read a warehouse from end to end until the next ANALYZE, thousands of tables later.

DO $icecat$
DECLARE
	v_table oid;
BEGIN
	FOR v_table IN
		SELECT c.oid FROM pg_catalog.pg_class AS c
		JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'warehouse_id'
		WHERE c.relnamespace = 'icecat_data'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
			AND c.oid <> 'icecat_data.warehouse'::pg_catalog.regclass
			AND EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.deptype = 'e')
		ORDER BY c.relname
	LOOP
		EXECUTE pg_catalog.format('ALTER TABLE %s ALTER COLUMN warehouse_id SET (n_distinct = 1)', v_table::pg_catalog.regclass);
	END LOOP;
END
$icecat$;
ALTER TABLE icecat_data.relation ALTER COLUMN namespace_id SET (n_distinct = 10);
ALTER TABLE icecat_data.table_part ALTER COLUMN table_id SET (n_distinct = 10);
ALTER TABLE icecat_data.view_part ALTER COLUMN view_id SET (n_distinct = 10);
