-- Nobody but the owner gets a right by default. To let a role work with the catalog: icecat.grant_reader(), grant_writer(),
-- grant_admin() (63_grants.sql).
-- Rights on icecat_data are never needed: functions and views reach it as their owner. Those that views call stay callable for
-- all, because a view calls them with its reader's rights: icecat._metadata_file() gives a location to a role that may load the
-- table, _sees_all(), _seen(), _seen_above(), _restricted(), _own_roles() and _own_tenant() tell a role about itself, the others see nothing but their arguments.
--
-- Behaviour only: re-run whole by every upgrade. Only what this script has made is touched, which is what has no
-- initial rights yet: to record the rights of today as initial would make pg_dump leave out what was granted since.

DO $icecat$
DECLARE
	v_object text;
BEGIN
	FOR v_object IN
		SELECT CASE d.classid
			WHEN 'pg_catalog.pg_namespace'::pg_catalog.regclass THEN pg_catalog.format('SCHEMA %s', d.objid::pg_catalog.regnamespace)
			WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN pg_catalog.format('ROUTINE %s', d.objid::pg_catalog.regprocedure)
			ELSE pg_catalog.format('TABLE %s', d.objid::pg_catalog.regclass) END
		FROM pg_catalog.pg_extension AS e
		JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
		WHERE e.extname = 'icecat' AND d.deptype = 'e'
			AND d.classid IN ('pg_catalog.pg_namespace'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass,
				'pg_catalog.pg_class'::pg_catalog.regclass)
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_init_privs AS i WHERE i.classoid = d.classid AND i.objoid = d.objid)
			AND NOT (d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
				AND d.objid IN ('icecat._metadata_file(uuid,uuid)'::pg_catalog.regprocedure,
					'icecat._ancestors(bigint,bigint[],bigint[])'::pg_catalog.regprocedure,
					'icecat._is_among(bigint[],bigint)'::pg_catalog.regprocedure,
					'icecat._schema_fields(json)'::pg_catalog.regprocedure, 'icecat._sees_all(text)'::pg_catalog.regprocedure,
					'icecat._seen(text)'::pg_catalog.regprocedure, 'icecat._seen_above()'::pg_catalog.regprocedure,
					'icecat._restricted(boolean)'::pg_catalog.regprocedure,
					'icecat._sees_event(uuid,text,uuid,timestamptz,text[])'::pg_catalog.regprocedure, 'icecat._own_roles()'::pg_catalog.regprocedure,
					'icecat._own_tenant()'::pg_catalog.regprocedure, 'icecat._guards_estimates()'::pg_catalog.regprocedure))
			AND NOT EXISTS ( -- partitions are made at run time, where nobody gets a right either
				SELECT FROM pg_catalog.pg_class AS c
				WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid AND c.relispartition)
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM PUBLIC', v_object);
	END LOOP;
END
$icecat$;
