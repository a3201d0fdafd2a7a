-- UPGRADE: changes here need an upgrade script: a new table must be registered by it.
-- pg_dump saves the rows of these tables; without this, only CREATE EXTENSION would be restored. The partitions
-- of event are made at run time and saved as tables of their own.

DO $icecat$
DECLARE
	v_table oid;
BEGIN
	FOR v_table IN
		SELECT c.oid FROM pg_catalog.pg_class AS c
		WHERE c.relnamespace = 'icecat_data'::pg_catalog.regnamespace AND c.relkind = 'r' AND NOT c.relispartition
		ORDER BY c.relname
	LOOP
		PERFORM pg_catalog.pg_extension_config_dump(v_table, '');
	END LOOP;
END
$icecat$;
