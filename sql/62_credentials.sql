-- Clients of the gateway's token endpoint, API keys, and the keys that sign tokens: made, changed, shown, and given to a gateway.
-- A secret is in the result of the function that makes it, and nowhere else: rows have a salted hash of it.
-- Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.create_client(
	p_client text,
	p_role regrole,
	p_secret_lifetime interval DEFAULT NULL,
	OUT client_id text,
	OUT client_secret text,
	OUT secret_expires_at timestamptz
) RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_create_client';
COMMENT ON FUNCTION icecat.create_client(text, regrole, interval) IS
'Makes a client of the gateway''s token endpoint, which then works as a role. Returns its id and its secret. The secret is shown here and never again: the catalog keeps a salted hash.
p_client: 1 to 63 of the characters a-z, A-Z, 0-9, ".", "_" and "-".
p_role: the gateway''s login role must be a member of it (GRANT role TO login).
p_secret_lifetime: how long the secret is taken; NULL: until it is rotated.
Only the owner of the extension, or a superuser, may call. Errors: IC301 the id, role or time is not sound, or the role is a superuser''s (400); IC201 there is such a client (409); IC401 (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.rotate_client_secret(
	p_client text,
	p_overlap interval DEFAULT '7 days',
	p_secret_lifetime interval DEFAULT NULL,
	OUT client_id text,
	OUT client_secret text,
	OUT secret_expires_at timestamptz
) RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rotate_client_secret';
COMMENT ON FUNCTION icecat.rotate_client_secret(text, interval, interval) IS
'Gives a client another secret, and returns it. The one before is taken, too, for a while; an older one is not.
p_client: its id.
p_overlap: how long the secret before is still taken. 0: not at all, and the tokens that the client has are refused, too, after the gateway''s setting auth_cache_s at the latest. So it is for a secret that became known.
p_secret_lifetime: how long the new one is taken; NULL: until it is rotated.
Only the owner of the extension, or a superuser, may call. Errors: IC106 no such client (404); IC301 a time is negative (400); IC401 (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.alter_client(p_client text, p_role regrole DEFAULT NULL, p_disabled boolean DEFAULT NULL, p_end_sessions boolean DEFAULT false)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_alter_client';
COMMENT ON FUNCTION icecat.alter_client(text, regrole, boolean, boolean) IS
'Changes a client. Its tokens follow after the gateway''s setting auth_cache_s at the latest.
p_client: its id.
p_role: the role that it works as from now on; NULL: as before.
p_disabled: true: it gets no token, and those that it has are refused; NULL: as before.
p_end_sessions: true: the tokens that it has are refused, and it must log in again.
Only the owner of the extension, or a superuser, may call. Errors: IC106 no such client (404); IC301 no such role, or it is a superuser''s (400); IC401 (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.drop_client(p_client text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_drop_client';
COMMENT ON FUNCTION icecat.drop_client(text) IS
'Removes a client; false: there was none. Its tokens are refused after the gateway''s setting auth_cache_s at the latest, also when a client with its id is made again.
Only the owner of the extension, or a superuser, may call. Errors: IC401 (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.create_api_key(
	p_name text,
	p_role regrole,
	p_lifetime interval DEFAULT NULL,
	OUT prefix text,
	OUT api_key text,
	OUT expires_at timestamptz
) RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_create_api_key';
COMMENT ON FUNCTION icecat.create_api_key(text, regrole, interval) IS
'Makes a key that a program sends with each request (Authorization: Bearer KEY, or X-Api-Key: KEY), and that works as a role. The key is shown here and never again: the catalog keeps its prefix and a salted hash.
p_name: what it is for, 1 to 63 of the characters a-z, A-Z, 0-9, ".", "_" and "-". Several keys may share it; it names their principal.
p_role: the gateway''s login role must be a member of it (GRANT role TO login).
p_lifetime: how long it is taken; NULL: until it is revoked.
Only the owner of the extension, or a superuser, may call. Errors: IC301 the name, role or time is not sound, or the role is a superuser''s (400); IC401 (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.rotate_api_key(
	p_prefix text,
	p_overlap interval DEFAULT '7 days',
	p_lifetime interval DEFAULT NULL,
	OUT prefix text,
	OUT api_key text,
	OUT expires_at timestamptz
) RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rotate_api_key';
COMMENT ON FUNCTION icecat.rotate_api_key(text, interval, interval) IS
'Makes a key of the same name and role as another one, and returns it. The one before ends after a while.
p_prefix: of the key before, which is not revoked.
p_overlap: how long the key before is still taken.
p_lifetime: how long the new one is taken; NULL: until it is revoked.
Only the owner of the extension, or a superuser, may call. Errors: IC106 no such key, or it is revoked (404); IC301 a time is negative (400); IC401 (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.revoke_api_key(p_prefix text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_revoke_api_key';
COMMENT ON FUNCTION icecat.revoke_api_key(text) IS
'Ends a key; false: there is none, or it was revoked before. Gateways take it for their setting auth_cache_s at most.
p_prefix: the key''s visible part, as in icecat.api_keys.
Only the owner of the extension, or a superuser, may call. Errors: IC401 (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.rotate_signing_key(
	p_overlap interval DEFAULT '8 days',
	p_delay interval DEFAULT '5 minutes',
	OUT key_id text,
	OUT signs_from timestamptz
) RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rotate_signing_key';
COMMENT ON FUNCTION icecat.rotate_signing_key(interval, interval) IS
'Makes another key for the tokens of this database, and removes those whose time is over. No client notices a rotation with the defaults.
p_overlap: how long tokens of the keys before are still good. It must be longer than the gateways'' settings oauth_token_lifetime_s and oauth_refresh_lifetime_s. 0: every token ends, within auth_cache_s of each gateway: for a key that became known.
p_delay: how long the key before still signs, so that all gateways know the new one first; with p_overlap 0 the new one signs at once.
Only the owner of the extension, or a superuser, may call. Errors: IC301 a time is negative (400); IC401 (403).
REST: none.';

-- What a gateway asks for.

CREATE OR REPLACE FUNCTION icecat._role_verdict(p_role oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce((SELECT CASE WHEN k.rolsuper THEN 'superuser ' WHEN NOT pg_catalog.pg_has_role(session_user, k.oid, 'MEMBER') THEN 'foreign '
		ELSE 'role ' END || k.rolname FROM pg_catalog.pg_roles AS k WHERE k.oid = p_role), 'missing ' || p_role::text);
END;
COMMENT ON FUNCTION icecat._role_verdict(oid) IS 'May this session become that role? The answer as in icecat._principal_role().';

CREATE OR REPLACE FUNCTION icecat._narrowed(p_verdict text, p_role text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT (CASE WHEN p_role IS NULL OR NOT pg_catalog.starts_with(p_verdict, 'role ') THEN p_verdict
		ELSE coalesce((SELECT icecat._role_verdict(k.oid) FROM pg_catalog.pg_roles AS k
			WHERE k.rolname = p_role AND pg_catalog.pg_has_role(pg_catalog.substr(p_verdict, 6), k.oid, 'MEMBER')), 'narrower ' || p_role) END);
END;
COMMENT ON FUNCTION icecat._narrowed(text, text) IS 'The verdict on a role that the role of another verdict may become; "narrower NAME": it may not, or there is none.';

CREATE OR REPLACE FUNCTION icecat._client_verdict(p_client text, p_session text, p_role text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce((SELECT CASE WHEN c.disabled THEN 'disabled' WHEN c.session_id::text IS DISTINCT FROM p_session THEN 'ended'
			ELSE icecat._narrowed(icecat._role_verdict(c.role), p_role) END
		FROM icecat_data.client AS c
		WHERE c.warehouse_id = '00000000-0000-0000-0000-000000000000' AND c.client_id = p_client), 'ended');
END;
COMMENT ON FUNCTION icecat._client_verdict(text, text, text) IS
'Which role a client has: as icecat._principal_role(), and "disabled"; "ended" (it is gone, or its tokens of that session are); "narrower NAME" (it may not become that role).';

CREATE OR REPLACE FUNCTION icecat._credential(p_kind text, p_id text, p_role text DEFAULT NULL) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
BEGIN ATOMIC
	SELECT pg_catalog.json_build_object('name', c.client_id, 'session', c.session_id,
		'verdict', icecat._client_verdict(c.client_id, c.session_id::text, p_role),
		'secrets', pg_catalog.json_build_array(
			pg_catalog.json_build_object('salt', pg_catalog.encode(c.secret_salt, 'hex'), 'hash', pg_catalog.encode(c.secret_hash, 'hex'),
				'until', pg_catalog.floor(EXTRACT(epoch FROM c.secret_expires_at))::bigint),
			pg_catalog.json_build_object('salt', pg_catalog.encode(c.previous_salt, 'hex'), 'hash', pg_catalog.encode(c.previous_hash, 'hex'),
				'until', pg_catalog.floor(EXTRACT(epoch FROM c.previous_expires_at))::bigint)))
	FROM icecat_data.client AS c
	WHERE p_kind = 'client' AND c.warehouse_id = '00000000-0000-0000-0000-000000000000' AND c.client_id = p_id
	UNION ALL
	SELECT pg_catalog.json_build_object('name', k.name, 'session', NULL,
		'verdict', CASE WHEN k.revoked_at IS NULL THEN icecat._narrowed(icecat._role_verdict(k.role), p_role) ELSE 'disabled' END,
		'secrets', pg_catalog.json_build_array(
			pg_catalog.json_build_object('salt', pg_catalog.encode(k.salt, 'hex'), 'hash', pg_catalog.encode(k.hash, 'hex'),
				'until', pg_catalog.floor(EXTRACT(epoch FROM k.expires_at))::bigint)))
	FROM icecat_data.api_key AS k
	WHERE p_kind = 'key' AND k.warehouse_id = '00000000-0000-0000-0000-000000000000' AND k.prefix = p_id;
END;
COMMENT ON FUNCTION icecat._credential(text, text, text) IS
'For a gateway: what it checks a secret by, which is not a parameter of anything, and which role that then works as. NULL: there is none of the id.
p_kind: client or key. p_id: id of the client, or prefix of the key. p_role: a role that the client asks to be narrowed to; NULL: its own.
Returns {"name", "session", "verdict", "secrets": [{"salt", "hash", "until"}, …]}: hash is the SHA-256 of salt and secret, both hexadecimal; until in seconds since 1970, null: no end; verdict as in icecat._client_verdict().';

CREATE OR REPLACE FUNCTION icecat._token_audience() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 'urn:icecat:' || pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
			s.system_identifier::text || ' ' || d.oid::text, 'UTF8')), 'hex'), 1, 32)
	FROM pg_catalog.pg_control_system() AS s, pg_catalog.pg_database AS d
	WHERE d.datname = pg_catalog.current_database();
END;
COMMENT ON FUNCTION icecat._token_audience() IS
'Which database a token of a gateway is for (aud): another one in each database and each cluster, the same on its standbys. A copy by CREATE DATABASE … TEMPLATE or by a dump has another one; a copy of the cluster''s files has the same, and is told apart by the gateway''s setting oauth_audience.';

CREATE OR REPLACE FUNCTION icecat._signing_keys() RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
BEGIN ATOMIC
	SELECT pg_catalog.json_build_object('audience', icecat._token_audience(),
		'keys', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('kid', k.key_id, 'seed', pg_catalog.encode(k.seed, 'hex'),
			'signs_from', pg_catalog.floor(EXTRACT(epoch FROM k.signs_from_at))::bigint,
			'verifies_until', pg_catalog.floor(EXTRACT(epoch FROM k.verifies_until_at))::bigint) ORDER BY k.signs_from_at, k.key_id), '[]'))
	FROM icecat_data.signing_key AS k
	WHERE k.warehouse_id = '00000000-0000-0000-0000-000000000000'
		AND (k.verifies_until_at IS NULL OR k.verifies_until_at > pg_catalog.statement_timestamp());
END;
COMMENT ON FUNCTION icecat._signing_keys() IS
'For a gateway: the private keys that it signs tokens with, and knows its tokens by: {"audience", "keys": [{"kid", "seed", "signs_from", "verifies_until"}, …]}, the latest last. Audience as in icecat._token_audience(). Of those whose signs_from is over the latest signs. Times in seconds since 1970.';

CREATE OR REPLACE FUNCTION icecat._make_signing_key() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_make_signing_key';
COMMENT ON FUNCTION icecat._make_signing_key() IS
'For a gateway: makes the first key for the tokens of this database. False: there is one that signs.';

-- For administrators.

CREATE OR REPLACE VIEW icecat.clients AS
SELECT c.client_id, coalesce(k.rolname::text, c.role::text) AS role_name, k.oid IS NOT NULL AS role_exists, c.disabled,
	c.secret_expires_at, CASE WHEN c.previous_expires_at > pg_catalog.statement_timestamp() THEN c.previous_expires_at END AS previous_secret_expires_at,
	c.created_at, c.changed_at
FROM icecat_data.client AS c
LEFT JOIN pg_catalog.pg_roles AS k ON k.oid = c.role;
COMMENT ON VIEW icecat.clients IS 'Who may log in at the gateway''s token endpoint; icecat.create_client() adds rows. For admins';
COMMENT ON COLUMN icecat.clients.client_id IS 'What it logs in as';
COMMENT ON COLUMN icecat.clients.role_name IS 'Role that its calls run under';
COMMENT ON COLUMN icecat.clients.role_exists IS 'False: the role was dropped, and the client is refused';
COMMENT ON COLUMN icecat.clients.disabled IS 'True: it gets no token, and those that it has are refused';
COMMENT ON COLUMN icecat.clients.secret_expires_at IS 'From when on its secret is not taken; NULL: never';
COMMENT ON COLUMN icecat.clients.previous_secret_expires_at IS 'From when on the secret before is not taken; NULL: it is not taken any more';
COMMENT ON COLUMN icecat.clients.created_at IS 'When it was made';
COMMENT ON COLUMN icecat.clients.changed_at IS 'When it was changed last, or its secret';

CREATE OR REPLACE VIEW icecat.api_keys AS
SELECT a.prefix, a.name, coalesce(k.rolname::text, a.role::text) AS role_name, k.oid IS NOT NULL AS role_exists,
	a.revoked_at IS NULL AND coalesce(a.expires_at > pg_catalog.statement_timestamp(), true) AS live, a.expires_at, a.revoked_at, a.created_at
FROM icecat_data.api_key AS a
LEFT JOIN pg_catalog.pg_roles AS k ON k.oid = a.role;
COMMENT ON VIEW icecat.api_keys IS 'Keys that programs send with each request; icecat.create_api_key() adds rows. For admins';
COMMENT ON COLUMN icecat.api_keys.prefix IS 'Its visible part: ice_PREFIX_SECRET';
COMMENT ON COLUMN icecat.api_keys.name IS 'What it is for; its principal is icecat-key~NAME';
COMMENT ON COLUMN icecat.api_keys.role_name IS 'Role that its calls run under';
COMMENT ON COLUMN icecat.api_keys.role_exists IS 'False: the role was dropped, and the key is refused';
COMMENT ON COLUMN icecat.api_keys.live IS 'False: it is revoked, or its time is over';
COMMENT ON COLUMN icecat.api_keys.expires_at IS 'From when on it is not taken; NULL: never';
COMMENT ON COLUMN icecat.api_keys.revoked_at IS 'When it was revoked; NULL: it was not';
COMMENT ON COLUMN icecat.api_keys.created_at IS 'When it was made';

CREATE OR REPLACE VIEW icecat.signing_keys AS
SELECT s.key_id, s.signs_from_at, s.verifies_until_at, s.created_at
FROM icecat_data.signing_key AS s;
COMMENT ON VIEW icecat.signing_keys IS 'What gateways sign tokens with, without the keys; icecat.rotate_signing_key() adds rows. For admins';
COMMENT ON COLUMN icecat.signing_keys.key_id IS 'What a token says it was signed with (kid)';
COMMENT ON COLUMN icecat.signing_keys.signs_from_at IS 'The key with the latest of these that is over signs';
COMMENT ON COLUMN icecat.signing_keys.verifies_until_at IS 'From when on no token of it is good; NULL: it has no successor yet';
COMMENT ON COLUMN icecat.signing_keys.created_at IS 'When it was made';
