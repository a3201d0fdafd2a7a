-- From a verified token to a role. The gateway checks the token, asks _principal_role(), and runs the call under that role.
-- The planner takes claims for many more than they are, and would compile for a second what runs for less than a millisecond: no jit.
-- Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat._claim_values(p_claims json) RETURNS TABLE (claim text, value text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH RECURSIVE member (claim, value, depth) AS (
		SELECT m.key, m.value, 1 FROM pg_catalog.jsonb_each(p_claims::jsonb) AS m
		UNION ALL
		SELECT p.claim || '.' || m.key, m.value, p.depth + 1
		FROM member AS p
		CROSS JOIN LATERAL pg_catalog.jsonb_each(CASE WHEN pg_catalog.jsonb_typeof(p.value) = 'object' THEN p.value ELSE '{}' END) AS m
		WHERE p.depth < 4
	)
	SELECT m.claim, m.value #>> '{}' FROM member AS m WHERE pg_catalog.jsonb_typeof(m.value) IN ('string', 'number', 'boolean')
	UNION
	SELECT m.claim, e.value #>> '{}'
	FROM member AS m
	CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(CASE WHEN pg_catalog.jsonb_typeof(m.value) = 'array' THEN m.value ELSE '[]' END) AS e
	WHERE pg_catalog.jsonb_typeof(e.value) IN ('string', 'number', 'boolean')
	UNION
	SELECT m.claim, '*' FROM member AS m;
END;
COMMENT ON FUNCTION icecat._claim_values(json) IS
'What a row of icecat.principal_mappings may name of these claims: each value, each element of an array, and "*" for each claim that there is. Members of objects down to four levels, with points between the names.';

CREATE OR REPLACE FUNCTION icecat.map_principal(p_issuer text, p_claim text, p_value text, p_role regrole, p_priority integer DEFAULT 0)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
AS $icecat$
DECLARE
	v_before json;
BEGIN
	PERFORM icecat._check_rights_change(p_role);
	IF (p_issuer = '*' OR p_issuer ~ '^[a-z0-9_-]{1,63}$') IS NOT TRUE OR (p_claim <> '') IS NOT TRUE OR (p_value <> '') IS NOT TRUE
		OR p_priority IS NULL THEN
		RAISE invalid_parameter_value USING MESSAGE = 'an issuer''s alias or *, a claim, a value and a priority are needed';
	END IF;
	IF p_issuer IN ('icecat', 'icecat-key') THEN
		RAISE invalid_parameter_value USING MESSAGE = 'icecat and icecat-key are no issuers that are mapped',
			HINT = 'icecat.create_client() and icecat.create_api_key() say which role a client or key has.';
	END IF;
	IF (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.oid = p_role) THEN
		RAISE invalid_parameter_value USING MESSAGE = 'a token is never worth a superuser',
			HINT = 'Make a role for the principal, and give it the rights that it needs.';
	END IF;
	v_before := (SELECT pg_catalog.json_build_object('role', pg_catalog.pg_get_userbyid(m.role), 'priority', m.priority)
		FROM icecat_data.principal_mapping AS m
		WHERE m.warehouse_id = '00000000-0000-0000-0000-000000000000' AND m.claim = p_claim AND m.value = p_value AND m.issuer = p_issuer);
	INSERT INTO icecat_data.principal_mapping (warehouse_id, claim, value, issuer, priority, role, created_at)
	VALUES ('00000000-0000-0000-0000-000000000000', p_claim, p_value, p_issuer, p_priority, p_role, pg_catalog.statement_timestamp())
	ON CONFLICT (warehouse_id, claim, value, issuer) DO UPDATE
		SET priority = excluded.priority, role = excluded.role, created_at = excluded.created_at;
	PERFORM icecat._audit('map-principal', 'principal-mapping', p_issuer || ' ' || p_claim || '=' || p_value, v_before,
		pg_catalog.json_build_object('role', pg_catalog.pg_get_userbyid(p_role), 'priority', p_priority));
END
$icecat$;
COMMENT ON FUNCTION icecat.map_principal(text, text, text, regrole, integer) IS
'Lets tokens with a claim work as a role. A row for the same issuer, claim and value is replaced. A gateway sees a change after its setting auth_cache_s at the latest.
p_issuer: alias of an issuer in the gateway''s setting auth_issuers, or * for each.
p_claim: sub, groups or another claim; points lead into objects: realm_access.roles.
p_value: what the claim is, or one element of it where it is an array; * for any.
p_role: the gateway''s login role must be a member of it (GRANT role TO login).
p_priority: of several rows that match, the greatest decides; icecat.explain_principal() shows the order.
Only the owner of the extension, or a superuser, may call. Errors: 22023 an argument is missing or the role is a superuser''s.';

CREATE OR REPLACE FUNCTION icecat.unmap_principal(p_issuer text, p_claim text, p_value text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
AS $icecat$
DECLARE
	v_before json;
BEGIN
	PERFORM icecat._check_rights_change((SELECT e.extowner FROM pg_catalog.pg_extension AS e WHERE e.extname = 'icecat'));
	DELETE FROM icecat_data.principal_mapping AS m
	WHERE m.warehouse_id = '00000000-0000-0000-0000-000000000000' AND m.claim = p_claim AND m.value = p_value AND m.issuer = p_issuer
	RETURNING pg_catalog.json_build_object('role', pg_catalog.pg_get_userbyid(m.role), 'priority', m.priority) INTO v_before;
	IF FOUND THEN
		PERFORM icecat._audit('unmap-principal', 'principal-mapping', p_issuer || ' ' || p_claim || '=' || p_value, v_before, NULL);
		RETURN true;
	END IF;
	RETURN false;
END
$icecat$;
COMMENT ON FUNCTION icecat.unmap_principal(text, text, text) IS
'Takes back what icecat.map_principal() said for the same three arguments; false: there was no such row. A gateway sees it after its setting auth_cache_s at the latest.
Only the owner of the extension, or a superuser, may call.';

CREATE OR REPLACE FUNCTION icecat.explain_principal(p_issuer text, p_claims json)
RETURNS TABLE (rank bigint, issuer text, claim text, value text, priority integer, role_name text, decides boolean, reason text)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET jit = off
BEGIN ATOMIC
	WITH row_of AS (
		SELECT m.*, m.issuer IN (p_issuer, '*') AS issuer_fits,
			EXISTS (SELECT FROM icecat._claim_values(p_claims) AS c WHERE c.claim = m.claim) AS has_claim,
			m.issuer IN (p_issuer, '*') AND (m.claim, m.value) IN (SELECT c.claim, c.value FROM icecat._claim_values(p_claims) AS c) AS fits
		FROM icecat_data.principal_mapping AS m
	), ranked AS (
		SELECT r.*, pg_catalog.row_number() OVER (ORDER BY r.fits DESC, r.priority DESC, r.issuer = '*', r.claim <> 'sub', r.value = '*',
			r.claim, r.value) AS place
		FROM row_of AS r
	)
	SELECT r.place, r.issuer, r.claim, r.value, r.priority, k.rolname, r.fits AND r.place = 1,
		CASE WHEN NOT r.issuer_fits THEN 'it is for another issuer'
			WHEN NOT r.has_claim THEN 'there is no such claim'
			WHEN NOT r.fits THEN 'the claim has another value'
			WHEN r.place > 1 THEN 'it fits, but the row of rank 1 decides'
			WHEN k.oid IS NULL THEN 'it decides; but there is no such role, so the principal is refused'
			WHEN k.rolsuper THEN 'it decides; but the role is a superuser, so the principal is refused'
			ELSE 'it decides' END
	FROM ranked AS r
	LEFT JOIN pg_catalog.pg_roles AS k ON k.oid = r.role
	ORDER BY r.place;
END;
COMMENT ON FUNCTION icecat.explain_principal(text, json) IS
'Which row of icecat.principal_mappings decides which role a token works as, and why the others do not: one row for each, the one that decides first.
Rows that fit are ordered by: greatest priority; issuer by name before *; claim sub before others; value by name before *; claim and value in byte order. The first decides, and no other is looked at: a principal works as one role. To give it the rights of several, map it to a role that is a member of them.
p_issuer: alias of the issuer. p_claims: the claims of the token, an object. Columns: rank; issuer, claim, value, priority, role_name as in the view; decides; reason.';

CREATE OR REPLACE FUNCTION icecat._mapped_role(p_issuer text, p_claims json) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce((
		SELECT CASE WHEN k.oid IS NULL THEN 'missing ' WHEN k.rolsuper THEN 'superuser '
				WHEN NOT pg_catalog.pg_has_role(session_user, k.oid, 'MEMBER') THEN 'foreign ' ELSE 'role ' END || coalesce(k.rolname, m.role::oid::text)
		FROM icecat._claim_values(p_claims) AS c
		JOIN icecat_data.principal_mapping AS m ON m.warehouse_id = '00000000-0000-0000-0000-000000000000' AND m.claim = c.claim
			AND m.value = c.value AND m.issuer IN (p_issuer, '*')
		LEFT JOIN pg_catalog.pg_roles AS k ON k.oid = m.role
		ORDER BY m.priority DESC, m.issuer = '*', m.claim <> 'sub', m.value = '*', m.claim, m.value
		LIMIT 1), 'none');
END;
COMMENT ON FUNCTION icecat._mapped_role(text, json) IS 'The part of icecat._principal_role() that looks at icecat.principal_mappings.';

CREATE OR REPLACE FUNCTION icecat._principal_role(p_issuer text, p_claims json) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET jit = off
BEGIN ATOMIC
	SELECT (CASE WHEN p_issuer <> 'icecat' THEN icecat._mapped_role(p_issuer, p_claims)
		WHEN p_claims ->> 'client' IS NOT NULL THEN icecat._client_verdict(p_claims ->> 'client', p_claims ->> 'ses', p_claims ->> 'role')
		WHEN p_claims ->> 'origin' IS NOT NULL THEN icecat._narrowed(icecat._mapped_role(p_claims ->> 'origin', p_claims -> 'claims'),
			p_claims ->> 'role')
		ELSE 'none' END);
END;
COMMENT ON FUNCTION icecat._principal_role(text, json) IS
'The answer to the gateway''s question: "role NAME"; or why there is none: "none", "missing NUMBER" (the role is gone), "foreign NAME" (the login role is no member of it), "superuser NAME". The order is that of icecat.explain_principal().
Of the issuer "icecat", whose tokens a gateway has signed itself, the claims name a client and its session, or the issuer and claims of the token that was exchanged, and perhaps a role to be narrowed to. Then also: "disabled", "ended" (the client must log in again), "narrower NAME" (it may not become that role).';

CREATE OR REPLACE VIEW icecat.principal_mappings AS
SELECT m.issuer, m.claim, m.value, m.priority, k.rolname::text AS role_name, k.oid IS NOT NULL AS role_exists, m.created_at
FROM icecat_data.principal_mapping AS m
LEFT JOIN pg_catalog.pg_roles AS k ON k.oid = m.role;
COMMENT ON VIEW icecat.principal_mappings IS 'Which claims of tokens work as which role; icecat.map_principal() adds rows. For admins';
COMMENT ON COLUMN icecat.principal_mappings.issuer IS 'Alias of the issuer; * for each';
COMMENT ON COLUMN icecat.principal_mappings.claim IS 'Name of the claim';
COMMENT ON COLUMN icecat.principal_mappings.value IS 'What the claim is, or an element of it; * for any';
COMMENT ON COLUMN icecat.principal_mappings.priority IS 'The greatest of those that fit decides';
COMMENT ON COLUMN icecat.principal_mappings.role_name IS 'The role that calls run under; NULL: it is gone';
COMMENT ON COLUMN icecat.principal_mappings.role_exists IS 'False: it was dropped, and who is mapped to it is refused, also where there is a new role of its name';
COMMENT ON COLUMN icecat.principal_mappings.created_at IS 'When the row was made, or changed last';
