-- UPGRADE: changes here need an upgrade script: a new table must be registered by it.
-- pg_dump saves the rows of these tables; without this, only CREATE EXTENSION would be restored. It does not save what tokens are
-- signed with: a dump holds no private key, and the first gateway makes another one where it is restored.
--
-- The partitions of event, audit and metrics_report belong to the extension and are not registered, so a dump has neither them nor
-- a COPY for each. pg_dump adds the condition of a table to "SELECT columns FROM table": with a UNION as condition
-- it saves the rows of all partitions as rows of the table into which they are to be restored.

DO $icecat$
DECLARE
	v_table oid;
BEGIN
	FOR v_table IN
		SELECT c.oid FROM pg_catalog.pg_class AS c
		WHERE c.relnamespace = 'icecat_data'::pg_catalog.regnamespace AND c.relkind = 'r' AND NOT c.relispartition
			AND c.relname <> 'signing_key'
			AND EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.deptype = 'e')
		ORDER BY c.relname
	LOOP
		PERFORM pg_catalog.pg_extension_config_dump(v_table, '');
	END LOOP;
	PERFORM pg_catalog.pg_extension_config_dump('icecat_data.event_restored', 'UNION ALL
SELECT warehouse_id, number, event_id, occurred_at, event_type, object_kind, object_id, namespace, name, version, actor, request_id, details, principal
FROM icecat_data.event');
	PERFORM pg_catalog.pg_extension_config_dump('icecat_data.metrics_report_restored', 'UNION ALL
SELECT warehouse_id, report_id, table_id, received_at, report_type, report FROM icecat_data.metrics_report');
	PERFORM pg_catalog.pg_extension_config_dump('icecat_data.audit_restored', 'UNION ALL
SELECT warehouse_id, audit_id, occurred_at, action, outcome, status, object_kind, object_id, warehouse, namespace, name, version, role, login, source, principal, tenant, request_id, client_address, details
FROM icecat_data.audit');
	-- A role that is gone has only a number, which may be another role's where the dump is restored.
	FOR v_table IN
		SELECT t FROM pg_catalog.unnest('{icecat_data.access_grant,icecat_data.read_restriction,icecat_data.trusted_engine,
			icecat_data.view_definer,icecat_data.subscription}'::pg_catalog.regclass[]) AS t
	LOOP
		PERFORM pg_catalog.pg_extension_config_dump(v_table,
			'WHERE role = 0::pg_catalog.oid OR EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role)');
	END LOOP;
	PERFORM pg_catalog.pg_extension_config_dump('icecat_data.commit_policy',
		'WHERE EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.oid = function)');
	PERFORM pg_catalog.pg_extension_config_dump('icecat_data.client', 'WHERE EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role)');
	PERFORM pg_catalog.pg_extension_config_dump('icecat_data.api_key', 'WHERE EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role)');
	PERFORM pg_catalog.pg_extension_config_dump('icecat_data.principal_mapping',
		'WHERE EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role)');
	PERFORM pg_catalog.pg_extension_config_dump('icecat_data.tenant_role',
		'WHERE EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role)');
END
$icecat$;
