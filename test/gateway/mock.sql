-- mock.sql: a stand-in for the SQL contract, so that the gateway can be tested without the extension.
--
-- It has the functions that routes.def calls and no catalog behind them. Readers echo their
-- arguments; a table's name or a member of a request body asks for a delay, an error, a large answer
-- or a lost connection. Calls that change something are logged, so that tests can count effects.
--
-- SPDX-License-Identifier: PostgreSQL
CREATE SCHEMA icecat;
CREATE FUNCTION icecat._rest_body(p_text text) RETURNS json LANGUAGE sql AS $$ SELECT p_text::json $$;

-- Every effect, with the backend that made it and the application_name it ran under.
CREATE TABLE icecat.effect (id bigserial, operation text, warehouse text, namespace text[], name text,
	request json, pid integer DEFAULT pg_backend_pid(), tag text, role text DEFAULT current_user,
	key text DEFAULT coalesce(current_setting('icecat.idempotency_key', true), ''),
	error text DEFAULT coalesce(current_setting('icecat.idempotency_error', true), ''),
	deduplicate text DEFAULT coalesce(current_setting('icecat.deduplicate', true), ''),
	principal text DEFAULT coalesce(current_setting('icecat.principal', true), ''),
	isolation text DEFAULT current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only') || ' ' ||
		current_setting('synchronous_commit'),
	request_id text DEFAULT coalesce(current_setting('icecat.request_id', true), ''),
	members integer DEFAULT coalesce(nullif(current_setting('mock.members', true), '')::integer, 1), -- calls that were made with it
	began timestamptz DEFAULT clock_timestamp(), ended timestamptz);

-- Which role a token's subject has.
CREATE TABLE icecat.mapping (sub text PRIMARY KEY, role text);
CREATE FUNCTION icecat._principal_role(p_issuer text, p_claims json) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$
	SELECT coalesce((SELECT CASE WHEN m.role LIKE '!%' THEN substr(m.role, 2) WHEN k.oid IS NULL THEN 'missing ' WHEN NOT pg_has_role(session_user, k.oid, 'MEMBER') THEN 'foreign '
			ELSE 'role ' END || CASE WHEN m.role LIKE '!%' THEN '' ELSE m.role END
		FROM icecat.mapping AS m LEFT JOIN pg_roles AS k ON k.rolname = m.role WHERE m.sub = p_claims ->> 'sub'), 'none') $$;

-- Clients and keys by their ids, and what tokens are signed with. A secret's verifier is made by the test.
CREATE TABLE icecat.credential (kind text, id text, document json, PRIMARY KEY (kind, id));
CREATE TABLE icecat.signing_key (kid text PRIMARY KEY, seed text, signs_from bigint);
INSERT INTO icecat.signing_key VALUES ('first', repeat('0f', 32), 0);
CREATE FUNCTION icecat._credential(p_kind text, p_id text, p_role text DEFAULT NULL) RETURNS json LANGUAGE sql STABLE SECURITY DEFINER AS $$
	SELECT document FROM icecat.credential WHERE kind = p_kind AND id = p_id $$;
CREATE TABLE icecat.token_audience (audience text);
INSERT INTO icecat.token_audience VALUES ('urn:icecat:mock');
CREATE FUNCTION icecat._signing_keys() RETURNS json LANGUAGE sql STABLE SECURITY DEFINER AS $$
	SELECT json_build_object('audience', (SELECT audience FROM icecat.token_audience),
		'keys', json_agg(json_build_object('kid', kid, 'seed', seed, 'signs_from', signs_from) ORDER BY signs_from, kid)) FROM icecat.signing_key $$;

-- What tenants' rates are: a line for each role that has some.
CREATE TABLE icecat.rate (role text PRIMARY KEY, line text);
CREATE FUNCTION icecat._rates(p_roles text[]) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$
	SELECT string_agg(coalesce(r.line, '-') || E'\n', '' ORDER BY u.place) FROM unnest(p_roles) WITH ORDINALITY AS u (role, place) LEFT JOIN icecat.rate AS r USING (role) $$;

-- "latch" waits until there is a row.
CREATE TABLE icecat.latch (id integer);

-- Counts the calls that say "once": the first of them loses its connection.
CREATE SEQUENCE icecat.once;

-- Fails at COMMIT: the constraint is deferred.
CREATE TABLE icecat.parent (id integer PRIMARY KEY);
CREATE TABLE icecat.child (id integer REFERENCES icecat.parent DEFERRABLE INITIALLY DEFERRED);

-- Ends the session at COMMIT, after the statement was answered.
CREATE TABLE icecat.last_words (id integer);
CREATE FUNCTION icecat.terminate_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_terminate_backend(pg_backend_pid());
	PERFORM pg_sleep(5);
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON icecat.last_words DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
	EXECUTE FUNCTION icecat.terminate_late();

-- Does what a word such as "sleep_500", "hold_1", "error_IC203", "terminate_1" or "latefail_1" says.
CREATE FUNCTION icecat.act(p_word text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_verb text := split_part(p_word, '_', 1);
	v_value text := split_part(p_word, '_', 2);
BEGIN
	IF v_verb = 'sleep' THEN
		PERFORM pg_sleep(v_value::double precision / 1000);
	ELSIF v_verb = 'hold' THEN -- until nobody holds that lock: Mock.held()
		PERFORM pg_advisory_xact_lock_shared(v_value::bigint);
	ELSIF v_verb = 'error' THEN
		RAISE EXCEPTION 'mock error %', v_value USING ERRCODE = v_value,
			DETAIL = CASE WHEN v_value LIKE 'IC%' THEN 'At updates[3], line 1, byte 5.' ELSE 'secret detail' END;
	ELSIF v_verb = 'terminate' THEN
		PERFORM pg_terminate_backend(pg_backend_pid());
		PERFORM pg_sleep(5);
	ELSIF v_verb = 'once' AND nextval('icecat.once') <= v_value::bigint THEN
		PERFORM pg_terminate_backend(pg_backend_pid());
		PERFORM pg_sleep(5);
	ELSIF v_verb = 'lateterminate' THEN
		INSERT INTO icecat.last_words VALUES (1);
	ELSIF v_verb = 'notice' THEN
		RAISE NOTICE 'a notice' USING ERRCODE = v_value;
	ELSIF v_verb = 'latch' THEN
		WHILE NOT EXISTS (SELECT FROM icecat.latch) LOOP
			PERFORM pg_sleep(0.01);
		END LOOP;
	ELSIF v_verb = 'latefail' THEN
		INSERT INTO icecat.child VALUES (42);
	ELSIF v_verb = 'wait' THEN -- "wait_a,b": the answer names files with the keys a and b
		PERFORM set_config('mock.pending', replace(v_value, ',', ' '), true);
	END IF;
END $$;

-- Which files are still to be written, and whether a worker writes them. An announcement is a plain NOTIFY icecat_files.
CREATE TABLE icecat.queued (key text);
CREATE TABLE icecat.no_worker ();
CREATE TABLE icecat.file_of (name text, key text);	-- the file of a table that is loaded by its name
CREATE FUNCTION icecat._answer_is_secret() RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION icecat._pending_files() RETURNS text LANGUAGE sql AS $$
	SELECT nullif(current_setting('mock.pending', true), '') $$;
CREATE FUNCTION icecat._queued_files(p_keys text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(key, ' '), '') FROM icecat.queued WHERE key = ANY (string_to_array(p_keys, ' '))
	HAVING (SELECT count(*) FROM icecat.no_worker) = 0 $$;
CREATE FUNCTION icecat.open_event_stream(p_warehouse text, p_from bigint, p_last_event_id bigint, p_namespace text[], p_kinds text, p_types text,
	p_table text, p_uuid text) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT E'00000000-0000-0000-0000-000000000000\t5\t\t\t\t\t' $$;
CREATE FUNCTION icecat.rest_query_events(p_warehouse text, p_request json) RETURNS json LANGUAGE sql AS $$
	SELECT json_build_object('events', '[]'::json, 'continuation-token', 'next', 'asked', p_request) $$;
CREATE FUNCTION icecat._event_feed(p_warehouse_id uuid, p_after bigint, p_limit integer, p_roles text[]) RETURNS text LANGUAGE sql AS $$
	SELECT E'8\t8\t1\t' || roles || E'\n' || coalesce(string_agg(n || E'\t' || roles || E'\ttable\tcommit-table\t-\t["n"]\t"t"\t\t\t{"sequence":"' || n || E'"}\n', '' ORDER BY n), '')
	FROM repeat('1', cardinality(p_roles)) AS roles LEFT JOIN generate_series(greatest(p_after + 1, 6), 8) AS n ON true GROUP BY roles $$;	-- events 6, 7 and 8
CREATE FUNCTION icecat._listen_files() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	LISTEN icecat_files;
	RETURN (SELECT count(*) FROM icecat.no_worker) = 0;
END $$;

CREATE FUNCTION icecat.note(p_operation text, p_warehouse text, p_namespace text[], p_name text,
	p_request json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_id bigint;
BEGIN
	INSERT INTO icecat.effect (operation, warehouse, namespace, name, request, tag)
		VALUES (p_operation, p_warehouse, p_namespace, p_name, p_request,
			current_setting('application_name')) RETURNING id INTO v_id;
	-- With an error to store nothing runs, as in the extension; "store" says what comes of that.
	PERFORM icecat.act(CASE WHEN coalesce(current_setting('icecat.idempotency_error', true), '') = ''
		THEN coalesce(p_request ->> 'act', p_name, p_namespace[1]) ELSE p_request ->> 'store' END);
	UPDATE icecat.effect SET ended = clock_timestamp() WHERE id = v_id;
END $$;

-- Names that begin with "no+" do not exist.
CREATE FUNCTION icecat.no_plus(p_warehouse text, p_namespace text[], p_table text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF starts_with(p_warehouse, 'no+') THEN
		RAISE EXCEPTION 'Warehouse does not exist: %', p_warehouse USING ERRCODE = 'IC101';
	ELSIF starts_with(p_namespace[1], 'no+') THEN
		RAISE EXCEPTION 'Namespace does not exist: %', p_namespace[1] USING ERRCODE = 'IC102';
	ELSIF starts_with(p_table, 'no+') THEN
		RAISE EXCEPTION 'Table does not exist: %', p_table USING ERRCODE = 'IC103';
	END IF;
END $$;

CREATE FUNCTION icecat.get_config(p_warehouse text DEFAULT NULL, p_namespace_separator text DEFAULT '%1F') RETURNS json
	LANGUAGE sql STABLE AS $$
	SELECT json_build_object('defaults', json_build_object('warehouse', p_warehouse), 'overrides',
		json_build_object('prefix', coalesce(nullif(current_setting('icecat.config_prefix', true), '') || '%2F', '') || p_warehouse, 'namespace-separator', p_namespace_separator)) $$;
CREATE FUNCTION icecat.list_namespaces(p_warehouse text, p_parent text[] DEFAULT NULL, p_page_token text DEFAULT NULL,
	p_page_size integer DEFAULT NULL) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT pg_advisory_xact_lock_shared(42) WHERE p_parent[1] = 'held'; -- answered when the test lets go of the lock
	SELECT json_build_object('namespaces', '[]'::json, 'warehouse', p_warehouse, 'parent', p_parent, 'token', p_page_token,
		'size', p_page_size) $$;
CREATE FUNCTION icecat.load_namespace(p_warehouse text, p_namespace text[]) RETURNS json
	LANGUAGE sql STABLE AS $$
	SELECT json_build_object('warehouse', p_warehouse, 'namespace', p_namespace) $$;
CREATE FUNCTION icecat.namespace_exists(p_warehouse text, p_namespace text[]) RETURNS boolean
	LANGUAGE sql STABLE AS $$ SELECT p_namespace[1] <> 'missing' AND NOT starts_with(p_namespace[1], 'no+') $$;
CREATE FUNCTION icecat.list_tables(p_warehouse text, p_namespace text[], p_page_token text DEFAULT NULL,
	p_page_size integer DEFAULT NULL, p_deleted boolean DEFAULT false) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT icecat.no_plus(p_warehouse, p_namespace, NULL);
	SELECT json_build_object('identifiers', '[]'::json, 'namespace', p_namespace, 'token', p_page_token, 'size', p_page_size) $$;
CREATE FUNCTION icecat.table_exists(p_warehouse text, p_namespace text[], p_table text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	PERFORM icecat.act(p_table);
	PERFORM icecat.no_plus(p_warehouse, NULL, NULL);
	RETURN p_table <> 'missing' AND NOT starts_with(p_table, 'no+');
END $$;

-- What a session is like, for the table "settings".
CREATE FUNCTION icecat.settings() RETURNS json LANGUAGE sql AS $$
	SELECT json_object_agg(name, current_setting(name, true)) FROM unnest('{transaction_isolation,search_path,synchronous_commit,
		statement_timeout,lock_timeout,idle_in_transaction_session_timeout,row_security,client_min_messages,client_encoding,DateStyle,
		IntervalStyle,TimeZone,bytea_output,extra_float_digits,array_nulls,standard_conforming_strings,idle_session_timeout}'::text[]) AS name $$;

-- "size_N" answers with N bytes more; a table with a row in icecat.version has a tag, and conditional requests work; "fast" answers without PL/pgSQL's help, for measuring.
CREATE TABLE icecat.answer (name text PRIMARY KEY, document json);
INSERT INTO icecat.answer SELECT 'fast', json_build_object('metadata', repeat('x', 2000));
CREATE TABLE icecat.version (name text PRIMARY KEY, version integer DEFAULT 1);
CREATE FUNCTION icecat.rest_load_table(p_warehouse text, p_namespace text[], p_table text,
	p_if_none_match text DEFAULT NULL, p_snapshots text DEFAULT 'all', p_referenced_by json DEFAULT NULL,
	OUT body json, OUT etag text, OUT large boolean) RETURNS record LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	large := false;
	IF p_table = 'fast' THEN
		body := (SELECT document FROM icecat.answer WHERE name = 'fast');
		RETURN;
	END IF;
	PERFORM icecat.no_plus(p_warehouse, p_namespace, p_table);
	PERFORM icecat.act(p_table);
	PERFORM icecat.act('wait_' || f.key) FROM icecat.file_of AS f WHERE f.name = p_table;
	IF p_table = 'settings' THEN
		body := icecat.settings();
	END IF;
	IF p_table IN ('null', 'settings') THEN
		RETURN;
	END IF;
	IF p_table LIKE 'large\_%' THEN
		large := true;
		RETURN;
	END IF;
	SELECT format('W/"%s-%s"', coalesce(p_snapshots, 'all'), v.version) INTO etag FROM icecat.version AS v WHERE name = p_table;
	IF p_table LIKE 'held%' THEN -- what was read by now is answered when the test lets go of the lock
		PERFORM pg_advisory_xact_lock_shared(42);
		PERFORM icecat.act(split_part(p_table, '-', 2));
	END IF;
	IF p_if_none_match = '*' OR ltrim(etag, 'W/') = ANY (string_to_array(replace(p_if_none_match, 'W/', ''), ',')) THEN
		RETURN;
	END IF;
	body := json_build_object('version', etag, 'if_none_match', p_if_none_match, 'snapshots', p_snapshots, 'warehouse', p_warehouse, 'namespace', p_namespace, 'table', p_table, 'referenced_by', p_referenced_by,
		'pid', pg_backend_pid(), 'of', current_setting('mock.of', true), 'role', current_user, 'tag', current_setting('application_name'),
		'filler', CASE WHEN p_table LIKE 'size\_%' THEN repeat('x', split_part(p_table, '_', 2)::int) END);
END $$;

-- "large_N" comes in N pieces of 256 kB; "large_N_error" fails after them, "large_0_error" before the first.
CREATE FUNCTION icecat.fail(p_table text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RAISE EXCEPTION 'mock error in the middle' USING ERRCODE = 'IC103';
END $$;
CREATE FUNCTION icecat.rest_load_table_pieces(p_warehouse text, p_namespace text[], p_table text, p_snapshots text DEFAULT 'all',
	p_referenced_by json DEFAULT NULL)
	RETURNS SETOF text LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN p_table LIKE '%error' AND i >= split_part(p_table, '_', 2)::integer THEN icecat.fail(p_table)
		WHEN i = 0 THEN 'W/"large"'
		WHEN i = 1 THEN '["' || repeat('a', 262142)
		WHEN i = split_part(p_table, '_', 2)::integer THEN repeat('z', 262142) || '"]'
		ELSE repeat(chr(97 + i % 26), 262144) END
	FROM generate_series(0, split_part(p_table, '_', 2)::integer) AS i $$;

CREATE FUNCTION icecat.drop_namespace(p_warehouse text, p_namespace text[], p_force boolean DEFAULT false) RETURNS void
	LANGUAGE sql AS $$ SELECT icecat.note('drop_namespace', p_warehouse, p_namespace, NULL, NULL) $$;
CREATE FUNCTION icecat.drop_table(p_warehouse text, p_namespace text[], p_table text,
	p_purge boolean DEFAULT false, p_force boolean DEFAULT false) RETURNS void LANGUAGE sql AS $$
	SELECT icecat.note('drop_table', p_warehouse, p_namespace, p_table,
		json_build_object('purge', p_purge)) $$;
CREATE FUNCTION icecat.unregister_table(p_warehouse text, p_namespace text[], p_table text) RETURNS json
	LANGUAGE sql AS $$
	SELECT icecat.note('unregister_table', p_warehouse, p_namespace, p_table, NULL);
	SELECT '{"metadata-location":null}'::json $$;
CREATE FUNCTION icecat.load_credentials(p_warehouse text, p_namespace text[], p_table text, p_referenced_by json) RETURNS json LANGUAGE sql AS $$
	SELECT '{"storage-credentials":[]}'::json $$;
CREATE FUNCTION icecat.sign_request(p_warehouse text, p_namespace text[], p_table text, p_request json) RETURNS json LANGUAGE sql AS $$
	SELECT p_request $$;
CREATE FUNCTION icecat.sign_any_request(p_request json) RETURNS json LANGUAGE sql AS $$ SELECT p_request $$;
CREATE FUNCTION icecat.report_metrics(p_warehouse text, p_namespace text[], p_table text, p_report json)
	RETURNS void LANGUAGE sql AS $$
	SELECT icecat.note('report_metrics', p_warehouse, p_namespace, p_table, p_report) $$;
CREATE FUNCTION icecat.rest_create_namespace(p_warehouse text, p_request json) RETURNS json
	LANGUAGE sql AS $$
	SELECT icecat.note('create_namespace', p_warehouse, NULL, NULL, p_request); SELECT p_request $$;
CREATE FUNCTION icecat.rest_update_namespace_properties(p_warehouse text, p_namespace text[],
	p_request json) RETURNS json LANGUAGE sql AS $$
	SELECT icecat.note('update_properties', p_warehouse, p_namespace, NULL, p_request);
	SELECT p_request $$;
CREATE FUNCTION icecat.rest_create_table(p_warehouse text, p_namespace text[], p_request json,
	OUT body json, OUT etag text, OUT large boolean) RETURNS record LANGUAGE sql AS $$
	SELECT icecat.note('create_table', p_warehouse, p_namespace, NULL, p_request);
	SELECT p_request, 'W/"created"', false $$;
CREATE FUNCTION icecat.rest_register_table(p_warehouse text, p_namespace text[], p_request json,
	OUT body json, OUT etag text, OUT large boolean) RETURNS record LANGUAGE sql AS $$
	SELECT icecat.note('register_table', p_warehouse, p_namespace, NULL, p_request);
	SELECT p_request, 'W/"registered"', false $$;
CREATE FUNCTION icecat.rest_commit_table(p_warehouse text, p_namespace text[], p_table text,
	p_request json, OUT body json, OUT etag text, OUT large boolean) RETURNS record LANGUAGE sql AS $$
	SELECT icecat.no_plus(p_warehouse, p_namespace, p_table);
	SELECT icecat.note('commit_table', p_warehouse, p_namespace, p_table, p_request);
	SELECT json_build_object('length', length(p_request::text), 'request',
		CASE WHEN length(p_request::text) < 10000 THEN p_request END), 'W/"committed"', p_table LIKE 'large\_%'
	WHERE coalesce(current_setting('icecat.idempotency_error', true), '') = '' OR p_request ->> 'store' = 'won' $$;
-- Many at once, each as if alone; "again" is left to be called alone.
CREATE FUNCTION icecat.rest_commit_table_group(p_warehouse text, p_namespace text[], p_table text, p_requests text[], p_ids text[], p_clients text[],
	p_keys text[], p_deduplicate text[], p_tags text[]) RETURNS TABLE (body json, etag text, large boolean, pending text, secret boolean, sqlstate text,
	message text, detail text, hint text, again boolean) LANGUAGE plpgsql AS $$
DECLARE
	v_state text;
BEGIN
	FOR i IN 1 .. array_length(p_requests, 1) LOOP
		PERFORM set_config('mock.members', array_length(p_requests, 1)::text, true), set_config('mock.pending', '', true), set_config('icecat.request_id', p_ids[i], true),
			set_config('icecat.client_address', p_clients[i], true), set_config('icecat.idempotency_key', coalesce(p_keys[i], ''), true),
			set_config('icecat.deduplicate', coalesce(p_deduplicate[i], 'off'), true), set_config('application_name', coalesce(p_tags[i], 'untagged'), true);
		SELECT NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, (p_requests[i]::json ->> 'act') = 'again'
			INTO body, etag, large, pending, secret, sqlstate, message, detail, hint, again;
		again := coalesce(again, false);
		v_state := NULL;
		BEGIN
			IF NOT again THEN
				SELECT r.body, r.etag, r.large FROM icecat.rest_commit_table(p_warehouse, p_namespace, p_table, p_requests[i]::json) AS r INTO body, etag, large;
				pending := icecat._pending_files();
			END IF;
		EXCEPTION WHEN OTHERS THEN
			IF SQLSTATE NOT LIKE 'IC%' THEN
				RAISE;
			END IF;
			GET STACKED DIAGNOSTICS v_state := RETURNED_SQLSTATE, message := MESSAGE_TEXT, detail := PG_EXCEPTION_DETAIL;
		END;
		sqlstate := v_state;
		RETURN NEXT;
	END LOOP;
END $$;
CREATE FUNCTION icecat.rest_rename_table(p_warehouse text, p_request json) RETURNS void
	LANGUAGE sql AS $$ SELECT icecat.note('rename_table', p_warehouse, NULL, NULL, p_request) $$;
CREATE FUNCTION icecat.rest_commit_transaction(p_warehouse text, p_request json) RETURNS void
	LANGUAGE sql AS $$ SELECT icecat.note('commit_transaction', p_warehouse, NULL, NULL, p_request) $$;

CREATE FUNCTION icecat.list_views(p_warehouse text, p_namespace text[], p_page_token text DEFAULT NULL,
	p_page_size integer DEFAULT NULL, p_deleted boolean DEFAULT false) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('identifiers', '[]'::json, 'namespace', p_namespace, 'token', p_page_token, 'size', p_page_size) $$;
CREATE FUNCTION icecat.view_exists(p_warehouse text, p_namespace text[], p_view text) RETURNS boolean
	LANGUAGE sql STABLE AS $$ SELECT p_view <> 'missing' AND NOT starts_with(p_view, 'no+') $$;
CREATE FUNCTION icecat.load_view(p_warehouse text, p_namespace text[], p_view text, p_referenced_by json DEFAULT NULL) RETURNS json LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	IF starts_with(p_view, 'no+') THEN
		RAISE EXCEPTION 'View does not exist: %', p_view USING ERRCODE = 'IC105';
	END IF;
	PERFORM icecat.act(p_view);
	RETURN json_build_object('warehouse', p_warehouse, 'namespace', p_namespace, 'view', p_view, 'referenced_by', p_referenced_by);
END $$;
CREATE FUNCTION icecat.rest_create_view(p_warehouse text, p_namespace text[], p_request json) RETURNS json LANGUAGE sql AS $$
	SELECT icecat.note('create_view', p_warehouse, p_namespace, NULL, p_request); SELECT p_request $$;
CREATE FUNCTION icecat.rest_register_view(p_warehouse text, p_namespace text[], p_request json) RETURNS json LANGUAGE sql AS $$
	SELECT icecat.note('register_view', p_warehouse, p_namespace, NULL, p_request); SELECT p_request $$;
CREATE FUNCTION icecat.rest_replace_view(p_warehouse text, p_namespace text[], p_view text, p_request json) RETURNS json
	LANGUAGE sql AS $$
	SELECT icecat.note('replace_view', p_warehouse, p_namespace, p_view, p_request); SELECT p_request $$;
CREATE FUNCTION icecat.set_protection(p_warehouse text, p_namespace text[], p_name text, p_protected boolean, p_kind text DEFAULT NULL) RETURNS void
	LANGUAGE sql AS $$ SELECT icecat.note('set_protection', p_warehouse, p_namespace, p_name, json_build_object('protected', p_protected)) $$;
CREATE FUNCTION icecat.undrop_table(p_warehouse text, p_namespace text[], p_table text, p_uuid text, p_new_name text) RETURNS void
	LANGUAGE sql AS $$ SELECT icecat.note('undrop_table', p_warehouse, p_namespace, p_table, NULL) $$;
CREATE FUNCTION icecat.undrop_view(p_warehouse text, p_namespace text[], p_view text, p_uuid text, p_new_name text) RETURNS void
	LANGUAGE sql AS $$ SELECT icecat.note('undrop_view', p_warehouse, p_namespace, p_view, NULL) $$;
CREATE FUNCTION icecat.drop_view(p_warehouse text, p_namespace text[], p_view text, p_force boolean DEFAULT false) RETURNS void
	LANGUAGE sql AS $$ SELECT icecat.note('drop_view', p_warehouse, p_namespace, p_view, NULL) $$;
CREATE FUNCTION icecat.rest_rename_view(p_warehouse text, p_request json) RETURNS void
	LANGUAGE sql AS $$ SELECT icecat.note('rename_view', p_warehouse, NULL, NULL, p_request) $$;

-- Remembers that it was called, as the worker of the real extension would be started.
CREATE TABLE icecat.worker_start (pid integer DEFAULT pg_backend_pid());
CREATE FUNCTION icecat.start_worker() RETURNS boolean LANGUAGE sql AS $$
	INSERT INTO icecat.worker_start DEFAULT VALUES; SELECT true $$;

-- As much of the real one as /metrics needs; a text and a NULL among it.
CREATE FUNCTION icecat.worker_status(OUT pid integer, OUT pending_writes bigint, OUT oldest_write_s double precision, OUT failing bigint,
	OUT last_error text) RETURNS record LANGUAGE sql AS $$ SELECT 7, 14857::bigint, 17.25::float8, NULL::bigint, 'no "space"'::text $$;

CREATE FUNCTION icecat.storage_status(OUT storage_profile text, OUT pending_writes bigint, OUT last_error text, OUT files_written bigint, OUT lag_s double precision)
	RETURNS SETOF record LANGUAGE sql AS $$ VALUES ('', 3::bigint, NULL::text, 10::bigint, 0.5::float8), (E'a "b"\\ c', 4, 'no', 20, 1.25) $$;
