-- Ready-made sets of rights. A set is nested in the next: an admin may what a writer may, a writer what a reader may. That of a
-- gateway which works as the roles of its clients is apart: its question tells the mapping of principals bit by bit, which no
-- reader is to know. Each of the others is EXECUTE on functions, and rows on the whole catalog (50_access.sql). A user gets the first alone:
-- what it may do is what rows say that are granted to it.
-- Who was granted a set is told by a function of the set that nobody needs to call (_user, _gateway, _reader, _writer, _admin): its
-- rights are kept by upgrades and dumps as all others, so icecat.regrant() finds there whom to give what an upgrade has made
-- again. An upgrade script cannot do that itself: what it grants counts as initial, and pg_dump leaves it out.
-- Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat._user() RETURNS void LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC END;
COMMENT ON FUNCTION icecat._user() IS 'Does nothing. Who may execute it was made a user by icecat.grant_user().';
CREATE OR REPLACE FUNCTION icecat._gateway() RETURNS void LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC END;
COMMENT ON FUNCTION icecat._gateway() IS 'Does nothing. Who may execute it was made a gateway by icecat.grant_gateway().';
CREATE OR REPLACE FUNCTION icecat._reader() RETURNS void LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC END;
COMMENT ON FUNCTION icecat._reader() IS 'Does nothing. Who may execute it was made a reader by icecat.grant_reader().';
CREATE OR REPLACE FUNCTION icecat._writer() RETURNS void LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC END;
COMMENT ON FUNCTION icecat._writer() IS 'Does nothing. Who may execute it was made a writer by icecat.grant_writer().';
CREATE OR REPLACE FUNCTION icecat._admin() RETURNS void LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC END;
COMMENT ON FUNCTION icecat._admin() IS 'Does nothing. Who may execute it was made an admin by icecat.grant_admin().';

-- A function that is not named here is a reader's where it only reads, and an admin's where it does not. A user gets those that ask
-- for privileges. Those that give rights
-- away are the owner's alone, and trigger functions nobody's.
CREATE OR REPLACE VIEW icecat.role_rights AS
SELECT s.role_set, s.level, r.privilege, r.object, r.of_user
FROM (
	SELECT ARRAY[0, 1], 'USAGE', 'SCHEMA icecat', true
	UNION ALL
	SELECT f.levels, 'EXECUTE', pg_catalog.format('FUNCTION %s', p.oid::pg_catalog.regprocedure),
		f.levels <> ARRAY[3] AND p.proname NOT IN ('check_integrity', 'check_integrity_slice', '_check', '_storage_problems', '_reader', '_writer',
				'_gateway', '_principal_role', '_audit_refused', '_credential', '_signing_keys', '_rates', '_make_signing_key', 'worker_status', 'storage_status', 'health', '_listen_files', '_event_feed')
			OR p.proname IN ('create_warehouse', 'alter_warehouse', 'set_maintenance', 'set_tenant_maintenance', 'drop_warehouse', 'create_commit_policy', 'drop_commit_policy', 'set_naming_rule', 'set_quota',
				'create_storage_profile', 'alter_storage_profile', 'drop_storage_profile', 'validate_storage_profile', 'expire_dropped')
	FROM pg_catalog.pg_proc AS p
	CROSS JOIN LATERAL (
		SELECT CASE WHEN p.proname IN ('_writer', 'create_namespace', 'update_namespace_properties', 'drop_namespace', 'create_table',
					'register_table', 'unregister_table', 'commit_table', 'commit_transaction', 'commit_metadata_file', 'drop_table',
					'rename_table', 'create_view', 'register_view', 'replace_view', 'drop_view', 'rename_view', 'wait_for_metadata',
					'undrop_table', 'undrop_view', 'grant', 'revoke', 'apply_grants', 'grant_tenant', 'revoke_tenant', 'set_read_restriction', 'drop_read_restriction', 'set_labels', 'set_protection',
					'trust_engine', 'distrust_engine')
					OR pg_catalog.starts_with(p.proname::text, 'rest_') AND p.provolatile = 'v' AND NOT pg_catalog.starts_with(p.proname::text, 'rest_load_')
						AND p.proname <> 'rest_query_events' THEN ARRAY[2]
				WHEN p.proname IN ('_admin', 'explain_principal') THEN ARRAY[3]
				WHEN p.proname IN ('_gateway', '_principal_role', '_credential', '_signing_keys', '_rates', '_make_signing_key') THEN ARRAY[0]
				WHEN p.proname = '_audit_refused' THEN ARRAY[0, 2]
				WHEN p.proname IN ('worker_status', 'storage_status', 'health', '_queued_files', '_listen_files', '_event_feed') THEN ARRAY[0, 1]
				WHEN p.provolatile <> 'v' OR p.proname IN ('report_metrics', 'read_events', 'rest_query_events', 'create_subscription', 'drop_subscription', 'next_events', 'ack', '_pending_files', '_answer_is_secret', 'load_table',
					'rest_load_table', 'rest_load_table_pieces', 'load_credentials', 'sign_request', 'sign_any_request') THEN ARRAY[1]
				ELSE ARRAY[3] END
	) AS f (levels)
	WHERE p.pronamespace = 'icecat'::pg_catalog.regnamespace AND p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype
		AND p.proname NOT IN ('grant_user', 'grant_gateway', 'grant_reader', 'grant_writer', 'grant_admin', 'revoke_user', 'revoke_gateway',
			'revoke_reader', 'revoke_writer', 'revoke_admin', 'regrant', 'map_principal', 'unmap_principal', '_user',
			'create_client', 'alter_client', 'drop_client', 'rotate_client_secret', 'create_api_key', 'rotate_api_key', 'revoke_api_key',
			'rotate_signing_key', 'rotate_storage_secrets', '_token_audience', '_role_verdict', '_narrowed', '_client_verdict', '_mapped_role', '_give', '_take', '_audit', 'trim_audit',
			'_check_rights_change', '_markers', '_rights_of')
	UNION ALL
	SELECT CASE WHEN l.for_admins THEN ARRAY[3] ELSE ARRAY[1] END, 'SELECT', pg_catalog.format('TABLE %s', c.oid::pg_catalog.regclass),
		NOT l.for_admins
	FROM pg_catalog.pg_class AS c
	CROSS JOIN LATERAL (SELECT c.relname IN ('principal_mappings', 'clients', 'api_keys', 'signing_keys')) AS l (for_admins)
	WHERE c.relnamespace = 'icecat'::pg_catalog.regnamespace AND c.relkind = 'v'
	UNION ALL
	SELECT ARRAY[2], 'INSERT, UPDATE, DELETE', pg_catalog.format('TABLE %s', c.oid::pg_catalog.regclass), true
	FROM pg_catalog.pg_class AS c
	WHERE c.oid IN ('icecat.iceberg_tables'::pg_catalog.regclass, 'icecat.iceberg_namespace_properties'::pg_catalog.regclass)
) AS r (levels, privilege, object, of_user)
JOIN (VALUES (0, 'gateway'), (1, 'reader'), (2, 'writer'), (3, 'admin')) AS s (level, role_set) ON s.level = ANY (r.levels);
COMMENT ON VIEW icecat.role_rights IS 'What icecat.grant_gateway(), grant_reader(), grant_writer() and grant_admin() give, one row for each right. Each from reader on gives what those before it give, too; a gateway''s rights are apart';
COMMENT ON COLUMN icecat.role_rights.role_set IS 'gateway: which role a principal has, how secrets are checked, what tokens are signed with, the worker and its files; reader: loads, lists, the views, events, and reports of metrics; writer: changes of namespaces, tables and views; admin: warehouses, the worker, trimming';
COMMENT ON COLUMN icecat.role_rights.level IS '0 gateway, 1 reader, 2 writer, 3 admin';
COMMENT ON COLUMN icecat.role_rights.privilege IS 'As GRANT takes it';
COMMENT ON COLUMN icecat.role_rights.object IS 'As GRANT takes it';
COMMENT ON COLUMN icecat.role_rights.of_user IS 'icecat.grant_user() gives it, too: what it does is bounded by icecat.privileges';

CREATE OR REPLACE FUNCTION icecat._check_rights_change(p_role regrole) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
AS $icecat$
BEGIN
	IF NOT pg_catalog.pg_has_role((SELECT e.extowner FROM pg_catalog.pg_extension AS e WHERE e.extname = 'icecat'), 'USAGE') THEN
		RAISE insufficient_privilege USING MESSAGE = 'only the owner of extension icecat, or a superuser, gives or takes its rights';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = p_role) THEN
		RAISE undefined_object USING MESSAGE = 'no such role; rights of the catalog are not given to PUBLIC';
	END IF;
END
$icecat$;
COMMENT ON FUNCTION icecat._check_rights_change(regrole) IS 'Raises unless the caller may give and take rights of the catalog, and there is the role.';

CREATE OR REPLACE FUNCTION icecat._markers() RETURNS TABLE (role regrole, level integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT a.grantee::regrole, m.level
	FROM (VALUES (NULL, 'icecat._user()'), (0, 'icecat._gateway()'), (1, 'icecat._reader()'), (2, 'icecat._writer()'), (3, 'icecat._admin()'))
		AS m (level, marker)
	JOIN pg_catalog.pg_proc AS p ON p.oid = m.marker::pg_catalog.regprocedure
	CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS a
	WHERE a.grantee NOT IN (0, p.proowner);
END;
COMMENT ON FUNCTION icecat._markers() IS 'Who was granted which set; a user has no level.';

CREATE OR REPLACE FUNCTION icecat._rights_of(p_role regrole) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.json_agg(CASE m.level WHEN 0 THEN 'gateway' WHEN 1 THEN 'reader' WHEN 2 THEN 'writer' WHEN 3 THEN 'admin' ELSE 'user' END
		ORDER BY m.level NULLS FIRST)
	FROM icecat._markers() AS m
	WHERE m.role = p_role;
END;
COMMENT ON FUNCTION icecat._rights_of(regrole) IS 'The sets of icecat.role_rights that a role was given, for the audit log; NULL: none.';

CREATE OR REPLACE FUNCTION icecat._set_privileges() RETURNS TABLE (level integer, privilege text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC VALUES (1, 'select'), (2, 'write'), (2, 'create'), (2, 'drop'), (3, 'manage'); END;
COMMENT ON FUNCTION icecat._set_privileges() IS 'What the sets of icecat.role_rights grant on the whole catalog; each grants what those of a lower level grant, too.';

CREATE OR REPLACE FUNCTION icecat._give(p_role regrole, p_level integer) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $icecat$
DECLARE
	v_right record;
	v_before json;
BEGIN
	PERFORM icecat._check_rights_change(p_role);
	v_before := icecat._rights_of(p_role);
	FOR v_right IN SELECT * FROM icecat.role_rights AS r WHERE r.level BETWEEN pg_catalog.sign(p_level) AND p_level LOOP
		EXECUTE pg_catalog.format('GRANT %s ON %s TO %s', v_right.privilege, v_right.object, p_role);
	END LOOP;
	PERFORM icecat.grant(p_role, s.privilege) FROM icecat._set_privileges() AS s WHERE s.level <= p_level;
	PERFORM icecat._audit('give-rights', 'role', pg_catalog.pg_get_userbyid(p_role), v_before, icecat._rights_of(p_role));
END
$icecat$;
COMMENT ON FUNCTION icecat._give(regrole, integer) IS 'Gives a role the rights of icecat.role_rights: those of a gateway (0), or from a reader''s up to a level, with its rows.';

CREATE OR REPLACE FUNCTION icecat._take(p_role regrole, p_level integer) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $icecat$
DECLARE
	v_right record;
	v_before json;
BEGIN
	PERFORM icecat._check_rights_change(p_role);
	v_before := icecat._rights_of(p_role);
	FOR v_right IN SELECT * FROM icecat.role_rights AS r WHERE r.level >= p_level LOOP
		EXECUTE pg_catalog.format('REVOKE %s ON %s FROM %s', v_right.privilege, v_right.object, p_role);
	END LOOP;
	PERFORM icecat.revoke(p_role, s.privilege) FROM icecat._set_privileges() AS s WHERE s.level >= p_level;
	IF p_level = 0 THEN
		EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION icecat._user() FROM %s', p_role);
	ELSIF EXISTS (SELECT FROM icecat._markers() AS m WHERE m.role = p_role AND m.level IS NULL) THEN
		PERFORM icecat.grant_user(p_role);
	END IF;
	PERFORM icecat._audit('take-rights', 'role', pg_catalog.pg_get_userbyid(p_role), v_before, icecat._rights_of(p_role));
END
$icecat$;
COMMENT ON FUNCTION icecat._take(regrole, integer) IS 'Takes from a role all rights of icecat.role_rights from a level on, and the rows of it. From the lowest level on it is no user any more, either.';

CREATE OR REPLACE FUNCTION icecat.grant_user(p_role regrole) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $icecat$
DECLARE
	v_right record;
	v_before json;
BEGIN
	PERFORM icecat._check_rights_change(p_role);
	v_before := icecat._rights_of(p_role);
	FOR v_right IN SELECT * FROM icecat.role_rights AS r WHERE r.of_user LOOP
		EXECUTE pg_catalog.format('GRANT %s ON %s TO %s', v_right.privilege, v_right.object, p_role);
	END LOOP;
	EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION icecat._user() TO %s', p_role);
	PERFORM icecat._audit('give-rights', 'role', pg_catalog.pg_get_userbyid(p_role), v_before, icecat._rights_of(p_role));
END
$icecat$;
COMMENT ON FUNCTION icecat.grant_user(regrole) IS
'Lets a role, and the members of it, call the functions and read the views, where it sees and may do what icecat.grant() says, and by itself nothing. Give it to one role of all users: each GRANT is an entry in the list of rights of every function.
p_role: a role, not PUBLIC. Only the owner of the extension, or a superuser, may call. View icecat.role_rights lists what is given.';

CREATE OR REPLACE FUNCTION icecat.revoke_user(p_role regrole) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $icecat$
DECLARE
	v_right record;
	v_before json;
	v_levels integer[] := ARRAY(SELECT pg_catalog.max(m.level) FROM icecat._markers() AS m WHERE m.role = p_role AND m.level >= 0 GROUP BY m.level = 0);
BEGIN
	PERFORM icecat._check_rights_change(p_role);
	v_before := icecat._rights_of(p_role);
	FOR v_right IN SELECT * FROM icecat.role_rights AS r WHERE r.of_user LOOP
		EXECUTE pg_catalog.format('REVOKE %s ON %s FROM %s', v_right.privilege, v_right.object, p_role);
	END LOOP;
	EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION icecat._user() FROM %s', p_role);
	PERFORM icecat._audit('take-rights', 'role', pg_catalog.pg_get_userbyid(p_role), v_before, icecat._rights_of(p_role));
	PERFORM icecat._give(p_role, l) FROM pg_catalog.unnest(v_levels) AS l;
END
$icecat$;
COMMENT ON FUNCTION icecat.revoke_user(regrole) IS
'Takes from a role what icecat.grant_user() gave it. A gateway, reader, writer or admin stays what it is. What icecat.grant() gave stays, and is of no use until the role can call the functions again.
p_role: a role. Only the owner of the extension, or a superuser, may call.';

CREATE OR REPLACE FUNCTION icecat.grant_gateway(p_role regrole) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC SELECT icecat._give(p_role, 0); END;
COMMENT ON FUNCTION icecat.grant_gateway(regrole) IS
'Gives a login role what a gateway that authenticates needs for itself: to ask which role a principal has, and about the worker and its files. It sees nothing of the catalog; grant it the roles that it is to become, on PostgreSQL 16 and later WITH INHERIT FALSE.
p_role: a role, not PUBLIC. Only the owner of the extension, or a superuser, may call. View icecat.role_rights lists what is given.';

CREATE OR REPLACE FUNCTION icecat.grant_reader(p_role regrole) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC SELECT icecat._give(p_role, 1); END;
COMMENT ON FUNCTION icecat.grant_reader(regrole) IS
'Lets a role read the whole catalog: load and list everything, all views, events; and send reports of its scans. The gateway works with these rights, too, and then only reads.
p_role: a role, not PUBLIC. Only the owner of the extension, or a superuser, may call. View icecat.role_rights lists what is given. Call icecat.regrant() after an upgrade: it grants rights on functions that the upgrade has created again.';

CREATE OR REPLACE FUNCTION icecat.grant_writer(p_role regrole) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC SELECT icecat._give(p_role, 2); END;
COMMENT ON FUNCTION icecat.grant_writer(regrole) IS
'Lets a role read the catalog and change all namespaces, tables and views in it: the rights of the gateway, and of clients of a SQL catalog (views iceberg_tables and iceberg_namespace_properties).
p_role: a role, not PUBLIC. Only the owner of the extension, or a superuser, may call. View icecat.role_rights lists what is given.';

CREATE OR REPLACE FUNCTION icecat.grant_admin(p_role regrole) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC SELECT icecat._give(p_role, 3); END;
COMMENT ON FUNCTION icecat.grant_admin(regrole) IS
'Lets a role call every function of the catalog, except those that grant rights: all that a writer may do, and warehouses, the worker, trimming, exports and imports.
p_role: a role, not PUBLIC. Only the owner of the extension, or a superuser, may call. View icecat.role_rights lists what is given.';

CREATE OR REPLACE FUNCTION icecat.revoke_gateway(p_role regrole) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC SELECT icecat._take(p_role, 0); END;
COMMENT ON FUNCTION icecat.revoke_gateway(regrole) IS
'The same as icecat.revoke_reader(): takes from a role every right that one of the sets gave it.
p_role: a role. Only the owner of the extension, or a superuser, may call.';

CREATE OR REPLACE FUNCTION icecat.revoke_reader(p_role regrole) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC SELECT icecat._take(p_role, 0); END;
COMMENT ON FUNCTION icecat.revoke_reader(regrole) IS
'Takes from a role every right that icecat.grant_user(), grant_gateway(), grant_reader(), grant_writer() or grant_admin() gave it.
p_role: a role. Only the owner of the extension, or a superuser, may call.';

CREATE OR REPLACE FUNCTION icecat.revoke_writer(p_role regrole) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC SELECT icecat._take(p_role, 2); END;
COMMENT ON FUNCTION icecat.revoke_writer(regrole) IS
'Takes from a role what icecat.grant_writer() and grant_admin() gave it beyond the rights of a reader.
p_role: a role. Only the owner of the extension, or a superuser, may call.';

CREATE OR REPLACE FUNCTION icecat.revoke_admin(p_role regrole) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC SELECT icecat._take(p_role, 3); END;
COMMENT ON FUNCTION icecat.revoke_admin(regrole) IS
'Takes from a role what icecat.grant_admin() gave it beyond the rights of a writer.
p_role: a role. Only the owner of the extension, or a superuser, may call.';

CREATE OR REPLACE FUNCTION icecat.regrant() RETURNS TABLE (role_name regrole, role_set text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $icecat$
BEGIN
	FOR role_name, role_set IN
		SELECT m.role, CASE pg_catalog.max(m.level) WHEN 0 THEN 'gateway' WHEN 1 THEN 'reader' WHEN 2 THEN 'writer' WHEN 3 THEN 'admin' ELSE 'user' END
		FROM icecat._markers() AS m GROUP BY m.role, m.level = 0
	LOOP
		IF role_set = 'user' THEN
			PERFORM icecat.grant_user(role_name);
		ELSE
			PERFORM icecat._give(role_name, CASE role_set WHEN 'gateway' THEN 0 WHEN 'reader' THEN 1 WHEN 'writer' THEN 2 ELSE 3 END);
		END IF;
		RETURN NEXT;
	END LOOP;
END
$icecat$;
COMMENT ON FUNCTION icecat.regrant() IS
'Gives every user, gateway, reader, writer and admin all that is theirs now, EXECUTE and rows of icecat.privileges, and returns them; a role that is a user or gateway and also one of the others once for each: a function whose arguments an upgrade changed is a new function, which nobody was granted. Call it in the transaction of ALTER EXTENSION icecat UPDATE. Safe to run at any time.
Only the owner of the extension, or a superuser, may call.';
