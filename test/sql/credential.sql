-- Clients, API keys and signing keys: made, changed, shown without their secrets, and told to a gateway; only the owner makes them.
\set VERBOSITY terse
CREATE ROLE regress_etl; CREATE ROLE regress_small; GRANT regress_small TO regress_etl; CREATE ROLE regress_other; CREATE ROLE regress_admin;
CREATE ROLE regress_gateway LOGIN; GRANT regress_etl TO regress_gateway;
SELECT icecat.grant_gateway('regress_gateway'), icecat.grant_admin('regress_admin');

-- A secret is shown once, and the row has its salted hash.
SELECT client_id, client_secret, secret_expires_at IS NULL AS stays FROM icecat.create_client('etl', 'regress_etl') \gset
SELECT :'client_secret' ~ '^ics_[0-9a-f]{64}$' AS shape, :'stays' AS stays;
SELECT sha256(secret_salt || convert_to(:'client_secret', 'UTF8')) = secret_hash AS hashed, length(secret_salt) AS salt, role, disabled,
	strpos(c::text, :'client_secret') AS shown
FROM icecat_data.client AS c;
SELECT secret_expires_at > now() + interval '23 hours' AS later FROM icecat.create_client('other.1_x-Y', 'regress_other', '1 day');
SELECT client_id, role_name, role_exists, disabled, secret_expires_at IS NOT NULL AS ends FROM icecat.clients ORDER BY client_id;

-- What makes no sense is refused.
SELECT icecat.create_client('etl', 'regress_etl');
SELECT icecat.create_client('e tl', 'regress_etl');
SELECT icecat.create_client('', 'regress_etl');
SELECT icecat.create_client(repeat('x', 64), 'regress_etl');
SELECT icecat.create_client(NULL, 'regress_etl');
SELECT icecat.create_client('x', NULL);
SELECT icecat.create_client('x', 4200000000::oid::regrole);
SELECT icecat.create_client('x', (SELECT oid FROM pg_roles WHERE rolsuper ORDER BY oid LIMIT 1)::regrole);
SELECT icecat.create_client('x', 'regress_etl', '-1 second');
SELECT icecat.rotate_client_secret('nobody');
SELECT icecat.rotate_client_secret('etl', '-1 day');
SELECT icecat.rotate_client_secret('etl', NULL);
SELECT icecat.alter_client('nobody');
SELECT icecat.alter_client('etl', (SELECT oid FROM pg_roles WHERE rolsuper ORDER BY oid LIMIT 1)::regrole);
SELECT icecat.rotate_api_key('nothing');
SELECT icecat.rotate_signing_key('-1 day');
SELECT icecat.drop_client('nobody'), icecat.revoke_api_key('nothing');

-- After a rotation both secrets are good, and the session goes on. Without an overlap it does not.
CREATE FUNCTION pg_temp.session() RETURNS uuid LANGUAGE sql AS $$ SELECT session_id FROM icecat_data.client WHERE client_id = 'etl' $$;
CREATE FUNCTION pg_temp.good(p_secret text) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_or(encode(sha256(decode(s ->> 'salt', 'hex') || convert_to(p_secret, 'UTF8')), 'hex') = s ->> 'hash'
		AND coalesce((s ->> 'until')::bigint > extract(epoch FROM now()), true))
	FROM json_array_elements(icecat._credential('client', 'etl') -> 'secrets') AS s WHERE s ->> 'hash' IS NOT NULL $$;
SELECT pg_temp.session() AS before \gset
SELECT client_secret AS second FROM icecat.rotate_client_secret('etl') \gset
SELECT pg_temp.good(:'client_secret') AS first, pg_temp.good(:'second') AS second, pg_temp.session() = :'before' AS goes_on;
SELECT client_secret AS third FROM icecat.rotate_client_secret('etl', '1 hour', '30 days') \gset
SELECT pg_temp.good(:'client_secret') AS first, pg_temp.good(:'second') AS second, pg_temp.good(:'third') AS third;
SELECT client_secret AS fourth FROM icecat.rotate_client_secret('etl', '0') \gset
SELECT pg_temp.good(:'third') AS third, pg_temp.good(:'fourth') AS fourth, pg_temp.session() = :'before' AS goes_on;
SELECT pg_temp.session() AS before \gset
SELECT icecat.alter_client('etl', p_end_sessions => true);
SELECT pg_temp.session() = :'before' AS goes_on;

-- A key is found by its prefix; one that replaces it has its name and role.
SELECT prefix, api_key FROM icecat.create_api_key('nightly', 'regress_etl') \gset
SELECT :'api_key' ~ ('^ice_' || :'prefix' || '_[0-9a-f]{64}$') AS shape, length(:'prefix') AS prefix;
SELECT prefix AS prefix2 FROM icecat.rotate_api_key(:'prefix', '1 hour', '1 year') \gset
SELECT name, role_name, live, expires_at < now() + interval '2 hours' AS soon FROM icecat.api_keys ORDER BY created_at;
SELECT icecat.revoke_api_key(:'prefix2'), icecat.revoke_api_key(:'prefix2');
SELECT live, revoked_at IS NOT NULL AS revoked FROM icecat.api_keys ORDER BY created_at;

-- What a gateway is told: the verdict on a role, and no secret. It changes nothing, but makes the first signing key.
SELECT :'prefix' AS key \gset
SET SESSION AUTHORIZATION regress_gateway;
CREATE FUNCTION pg_temp.verdict(p_kind text, p_id text, p_role text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT icecat._credential(p_kind, p_id, p_role) ->> 'verdict' $$;
SELECT pg_temp.verdict('client', 'etl'), pg_temp.verdict('client', 'etl', 'regress_small'), pg_temp.verdict('client', 'etl', 'regress_other'),
	pg_temp.verdict('client', 'etl', 'no_such_role'), pg_temp.verdict('client', 'other.1_x-Y'), pg_temp.verdict('client', 'nobody');
SELECT pg_temp.verdict('key', :'key'), pg_temp.verdict('key', 'etl'), pg_temp.verdict('client', :'key');
SELECT icecat._make_signing_key(), icecat._make_signing_key();
SELECT json_array_length(icecat._signing_keys() -> 'keys'), icecat._signing_keys() ->> 'audience' ~ '^urn:icecat:[0-9a-f]{32}$' AS bound;
SELECT icecat.create_client('x', 'regress_gateway');
SELECT icecat.rotate_signing_key();
SELECT count(*) FROM icecat.clients;
SELECT count(*) FROM icecat_data.signing_key;
DROP FUNCTION pg_temp.verdict;
RESET SESSION AUTHORIZATION;

-- The role of a token of our own: that of its client as it is now.
SELECT format('{"client": "etl", "ses": "%s"}', pg_temp.session()) AS claims, format('{"client": "etl", "ses": "%s", "role": "regress_small"}', pg_temp.session()) AS small,
	format('{"client": "etl", "ses": "%s", "role": "regress_other"}', pg_temp.session()) AS other \gset
SET SESSION AUTHORIZATION regress_gateway;
SELECT icecat._principal_role('icecat', :'claims'), icecat._principal_role('icecat', :'small'), icecat._principal_role('icecat', :'other'),
	icecat._principal_role('icecat', '{"client": "etl", "ses": "x"}'), icecat._principal_role('icecat', '{"client": "etl"}'),
	icecat._principal_role('icecat', '{"client": "nobody", "ses": "x"}'), icecat._principal_role('icecat', '{}');
RESET SESSION AUTHORIZATION;
SELECT icecat.map_principal('corp', 'sub', 'ann', 'regress_etl');
SELECT icecat.map_principal('icecat', 'sub', 'ann', 'regress_etl');
SET SESSION AUTHORIZATION regress_gateway;
SELECT icecat._principal_role('icecat', '{"origin": "corp", "claims": {"sub": "ann"}}'),
	icecat._principal_role('icecat', '{"origin": "corp", "claims": {"sub": "ann"}, "role": "regress_small"}'),
	icecat._principal_role('icecat', '{"origin": "corp", "claims": {"sub": "bob"}}');
RESET SESSION AUTHORIZATION;
SELECT icecat.alter_client('etl', 'regress_other');
SELECT icecat.alter_client('etl', p_disabled => true);
SELECT icecat._principal_role('icecat', :'claims');
SELECT icecat.alter_client('etl', p_disabled => false);
SELECT icecat._principal_role('icecat', :'claims');
SELECT icecat.drop_client('etl'), icecat.drop_client('etl');
SELECT icecat._principal_role('icecat', :'claims');

-- Keys overlap; without an overlap the new one is the only one.
SELECT signs_from > now() + interval '4 minutes' AS later FROM icecat.rotate_signing_key();
SELECT signs_from_at > now() AS later, verifies_until_at > now() + interval '8 days' AS long FROM icecat.signing_keys ORDER BY created_at;
SELECT signs_from <= clock_timestamp() AS at_once FROM icecat.rotate_signing_key('0');
SELECT signs_from_at <= now() AS signs, verifies_until_at FROM icecat.signing_keys;

-- A role that is dropped takes its credentials with it: a new one of its name is not theirs.
DROP ROLE regress_other;
CREATE ROLE regress_other;
SELECT client_id, role_exists FROM icecat.clients;
SELECT icecat._credential('client', 'other.1_x-Y') ->> 'verdict' LIKE 'missing %' AS missing;

-- An admin may look.
SET ROLE regress_admin;
SELECT count(*) FROM icecat.clients; SELECT count(*) FROM icecat.api_keys; SELECT count(*) FROM icecat.signing_keys;
SELECT icecat.create_api_key('x', 'regress_admin');
SELECT icecat._credential('client', 'other.1_x-Y');
SELECT icecat._signing_keys();
RESET ROLE;

-- A right to execute is not enough.
GRANT EXECUTE ON FUNCTION icecat.create_client, icecat.rotate_signing_key, icecat.revoke_api_key TO regress_admin;
SET ROLE regress_admin;
SELECT icecat.create_client('x', 'regress_admin');
SELECT icecat.rotate_signing_key();
SELECT icecat.revoke_api_key('x');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION icecat.create_client, icecat.rotate_signing_key, icecat.revoke_api_key FROM regress_admin;
SELECT icecat.revoke_gateway('regress_gateway'), icecat.revoke_admin('regress_admin'), icecat.revoke_reader('regress_admin');
DELETE FROM icecat_data.client; DELETE FROM icecat_data.api_key; DELETE FROM icecat_data.signing_key; DELETE FROM icecat_data.principal_mapping;
DROP ROLE regress_gateway, regress_etl, regress_small, regress_other, regress_admin;
