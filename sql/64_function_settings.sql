-- Settings of functions, by rule and not one by one.
--
-- search_path: of every function that runs as its owner (SECURITY DEFINER, or C that changes to the owner itself), of every one in PL/pgSQL, and of those in SQL that
-- change something. Otherwise a caller could put another function or operator before ours. SQL functions that only read
-- as their caller have none: it would keep them from being inlined into the query.
--
-- enable_seqscan, enable_bitmapscan: of every C function that runs as its owner. Their plans are kept as long as the session lives, and
-- a plan made while a table was small must not read it whole when it has grown. The worker has the same settings
-- (src/worker/worker_session.c).
-- Behaviour only: run again by every upgrade. CREATE OR REPLACE FUNCTION took the settings away.

DO $icecat$
DECLARE
	v_command text;
BEGIN
	FOR v_command IN
		SELECT pg_catalog.format('ALTER ROUTINE %s SET search_path = pg_catalog, pg_temp%s', p.oid::pg_catalog.regprocedure,
			CASE WHEN l.lanname = 'c' THEN ' SET enable_seqscan = off SET enable_bitmapscan = off' END)
		FROM pg_catalog.pg_proc AS p
		JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
		WHERE p.pronamespace IN ('icecat'::pg_catalog.regnamespace, 'icecat_data'::pg_catalog.regnamespace)
			AND (p.prosecdef OR l.lanname = 'plpgsql' OR (l.lanname = 'sql' AND p.provolatile = 'v')
				OR (l.lanname = 'c' AND p.provolatile <> 'i' AND p.proname NOT IN ('version', 'start_worker', '_pending_files', '_answer_is_secret',
					'_file_is_missing')))
			AND EXISTS (
				SELECT FROM pg_catalog.pg_depend AS d
				JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.tableoid = d.refclassid
				WHERE d.classid = p.tableoid AND d.objid = p.oid AND d.deptype = 'e' AND e.extname = 'icecat')
	LOOP
		EXECUTE v_command;
	END LOOP;
END
$icecat$;
