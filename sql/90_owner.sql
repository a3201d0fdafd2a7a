-- The script of a trusted extension runs as the bootstrap superuser, who would own all that it makes. Functions
-- that run as their owner must not run as a superuser: everything is handed to whoever ran CREATE EXTENSION. The
-- grants come after this: made before, they would be saved by pg_dump with the superuser's name, which may
-- not exist where the dump is restored.

DO $icecat$
DECLARE
	v_command text;
BEGIN
	FOR v_command IN
		SELECT pg_catalog.format('ALTER %s %s OWNER TO %s',
			CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::pg_catalog.regclass, '@extowner@')
		FROM pg_catalog.pg_class AS c
		WHERE c.relnamespace IN ('icecat'::pg_catalog.regnamespace, 'icecat_data'::pg_catalog.regnamespace)
			AND c.relkind IN ('r', 'p', 'v')
		UNION ALL
		SELECT pg_catalog.format('ALTER ROUTINE %s OWNER TO %s', p.oid::pg_catalog.regprocedure, '@extowner@')
		FROM pg_catalog.pg_proc AS p
		WHERE p.pronamespace IN ('icecat'::pg_catalog.regnamespace, 'icecat_data'::pg_catalog.regnamespace)
		UNION ALL
		SELECT pg_catalog.format('ALTER TYPE %s OWNER TO %s', t.oid::pg_catalog.regtype, '@extowner@')
		FROM pg_catalog.pg_type AS t
		WHERE t.typnamespace IN ('icecat'::pg_catalog.regnamespace, 'icecat_data'::pg_catalog.regnamespace)
			AND t.typrelid = 0 AND t.typelem = 0
	LOOP
		EXECUTE v_command;
	END LOOP;
END
$icecat$;
