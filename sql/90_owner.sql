-- The script of a trusted extension runs as the bootstrap superuser, who would own all that it makes. Functions
-- that run as their owner must not run as a superuser: everything is handed to the owner of the extension, who
-- ran CREATE EXTENSION (and not to the role that runs an update). The grants come after this: made before, they would be
-- saved by pg_dump with the superuser's name, which may not exist where the dump is restored. What others have put into the
-- two schemas is no member of the extension, and stays theirs.
-- Behaviour only: re-run whole by every upgrade.

DO $icecat$
DECLARE
	v_command text;
BEGIN
	FOR v_command IN
		SELECT pg_catalog.format('ALTER %s OWNER TO %s', o.object, e.extowner::pg_catalog.regrole)
		FROM pg_catalog.pg_extension AS e
		CROSS JOIN LATERAL (
			SELECT pg_catalog.format('%s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::pg_catalog.regclass), c.relowner,
				c.tableoid, c.oid
			FROM pg_catalog.pg_class AS c
			WHERE c.relnamespace IN ('icecat'::pg_catalog.regnamespace, 'icecat_data'::pg_catalog.regnamespace)
				AND c.relkind IN ('r', 'p', 'v')
			UNION ALL
			SELECT pg_catalog.format('ROUTINE %s', p.oid::pg_catalog.regprocedure), p.proowner, p.tableoid, p.oid
			FROM pg_catalog.pg_proc AS p
			WHERE p.pronamespace IN ('icecat'::pg_catalog.regnamespace, 'icecat_data'::pg_catalog.regnamespace)
			UNION ALL
			SELECT pg_catalog.format('TYPE %s', t.oid::pg_catalog.regtype), t.typowner, t.tableoid, t.oid
			FROM pg_catalog.pg_type AS t
			WHERE t.typnamespace IN ('icecat'::pg_catalog.regnamespace, 'icecat_data'::pg_catalog.regnamespace)
				AND t.typrelid = 0 AND t.typelem = 0) AS o (object, owner, classid, objid)
		WHERE e.extname = 'icecat' AND o.owner <> e.extowner AND EXISTS (
			SELECT FROM pg_catalog.pg_depend AS d
			WHERE d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'e'
				AND d.refclassid = e.tableoid AND d.refobjid = e.oid)
	LOOP
		EXECUTE v_command;
	END LOOP;
END
$icecat$;
