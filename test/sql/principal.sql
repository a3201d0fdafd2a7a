-- From the claims of a token to a role: which row decides, and why not the others; keys of one principal mean nothing to another.
\set VERBOSITY terse
CREATE ROLE regress_ann; CREATE ROLE regress_etl; CREATE ROLE "regress odd";
CREATE ROLE regress_gateway LOGIN; GRANT regress_ann, regress_etl TO regress_gateway;
SELECT icecat.grant_gateway('regress_gateway');

-- Rows are made, replaced and removed; what makes no sense is refused.
SELECT icecat.map_principal('kc', 'sub', 'ann', 'regress_ann');
SELECT icecat.map_principal('*', 'groups', 'etl', 'regress_ann');
SELECT icecat.map_principal('*', 'groups', 'etl', 'regress_etl');
SELECT icecat.map_principal('kc', 'realm_access.roles', 'odd', '"regress odd"', 10);
SELECT icecat.map_principal('kc', 'sub', '*', 'regress_etl', -1);
SELECT icecat.map_principal('Not An Alias', 'sub', 'x', 'regress_ann');
SELECT icecat.map_principal('kc', '', 'x', 'regress_ann');
SELECT icecat.map_principal('kc', 'sub', NULL, 'regress_ann');
SELECT icecat.map_principal('kc', 'sub', 'x', 'no_such_role');
SELECT icecat.map_principal('kc', 'sub', 'x', (SELECT oid FROM pg_roles WHERE rolsuper ORDER BY oid LIMIT 1)::regrole);
SELECT issuer, claim, value, priority, role_name, role_exists FROM icecat.principal_mappings ORDER BY claim, value;

-- Which one decides.
\set who 'SELECT rank, issuer, claim, value, role_name, decides, reason FROM icecat.explain_principal'
:who('kc', '{"sub": "ann", "groups": ["x", "etl"]}');
:who('kc', '{"sub": "bob", "groups": "etl", "realm_access": {"roles": ["odd"]}}');
:who('other', '{"sub": "ann", "groups": ["etl", 5]}') WHERE decides;
:who('other', '{"sub": "ann"}');
:who('kc', '{"sub": "zoe", "realm_access.roles": "odd"}') WHERE decides;
-- Names with points in them, as Kubernetes has.
SELECT icecat.map_principal('k8s', 'kubernetes.io.namespace', 'data', 'regress_etl', 5);
SELECT claim, value, role_name FROM icecat.explain_principal('k8s', '{"sub": "system:serviceaccount:data:x", "kubernetes.io": {"namespace": "data"}}') WHERE decides;
SELECT icecat.unmap_principal('k8s', 'kubernetes.io.namespace', 'data');

-- The gateway asks as its login role, and gets no role that it may not become.
SET SESSION AUTHORIZATION regress_gateway;
SELECT icecat._principal_role('kc', '{"sub": "ann", "groups": ["etl"]}'), icecat._principal_role('other', '{"sub": "ann", "groups": ["etl"]}'),
	icecat._principal_role('other', '{"sub": "ann"}'), icecat._principal_role('kc', '{"sub": "ann", "realm_access": {"roles": ["odd"]}}'),
	icecat._principal_role('kc', '{"sub": "*"}'), icecat._principal_role('kc', '{}');
SELECT count(*) FROM icecat.principal_mappings;
SELECT count(*) FROM icecat.explain_principal('kc', '{}');
SELECT icecat.map_principal('kc', 'sub', 'x', 'regress_gateway');
SELECT icecat.list_warehouses();
RESET SESSION AUTHORIZATION;
DROP ROLE "regress odd";
SELECT pg_catalog.regexp_replace(icecat._principal_role('kc', '{"sub": "ann", "realm_access": {"roles": ["odd"]}}'), '[0-9]+', 'N');
-- A new role of the name inherits nothing; one that gets another name keeps its principals.
CREATE ROLE "regress odd";
GRANT "regress odd" TO regress_gateway;
SELECT pg_catalog.regexp_replace(icecat._principal_role('kc', '{"sub": "ann", "realm_access": {"roles": ["odd"]}}'), '[0-9]+', 'N');
SELECT role_name, role_exists FROM icecat.principal_mappings WHERE value = 'odd';
DROP ROLE "regress odd";
ALTER ROLE regress_ann RENAME TO regress_anna;
SET SESSION AUTHORIZATION regress_gateway;
SELECT icecat._principal_role('kc', '{"sub": "ann"}');
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_anna RENAME TO regress_ann;
:who('kc', '{"sub": "ann", "realm_access": {"roles": ["odd"]}}') WHERE decides;
SELECT icecat.unmap_principal('kc', 'realm_access.roles', 'odd'), icecat.unmap_principal('kc', 'realm_access.roles', 'odd');

-- An admin may look, not change.
SELECT icecat.grant_admin('regress_etl');
SET ROLE regress_etl;
SELECT count(*) FROM icecat.principal_mappings;
SELECT count(*) FROM icecat.explain_principal('kc', '{"sub": "ann"}') WHERE decides;
SELECT icecat.map_principal('kc', 'sub', 'x', 'regress_etl');
SELECT icecat.unmap_principal('kc', 'sub', 'ann');
RESET ROLE;

-- Readers and writers do not learn from the gateway's question what the mapping says. Who was a gateway and becomes a writer stays one.
SET ROLE regress_ann;
SELECT icecat._principal_role('kc', '{"sub": "ann"}');
RESET ROLE;
SELECT icecat.grant_writer('regress_ann');
SET ROLE regress_ann;
SELECT icecat._principal_role('kc', '{"sub": "ann"}');
RESET ROLE;
SELECT icecat.grant_gateway('regress_ann');
SELECT * FROM icecat.regrant() WHERE role_name = 'regress_ann'::regrole ORDER BY 2;
SET ROLE regress_ann;
SELECT icecat._principal_role('other', '{}');
RESET ROLE;
SELECT icecat.revoke_gateway('regress_ann');
SELECT has_function_privilege('regress_ann', 'icecat._principal_role(text, json)', 'EXECUTE') AS asks,
	has_schema_privilege('regress_ann', 'icecat', 'USAGE') AS uses;

-- One key, three principals: each call runs. A repeat of each shows its own outcome; the same name as another role is another.
SELECT icecat.create_warehouse('principals', 's3://lake', '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.grant_writer('regress_ann'); SELECT icecat.grant_writer('regress_etl');
SET icecat.idempotency_key = '017F22E2-79B0-7CC3-98C4-000000000001';
SET ROLE regress_ann;
SET icecat.principal = 'kc~ann';
SELECT icecat.create_namespace('principals', '{n}', '{"by": "ann"}');
SELECT icecat.create_namespace('principals', '{n}', '{"by": "ann"}');
SET icecat.principal = 'kc~bob';
SELECT icecat.create_namespace('principals', '{n}', '{"by": "ann"}');
SELECT icecat.create_namespace('principals', '{bob}', '{"by": "bob"}');
RESET icecat.principal;
SELECT icecat.create_namespace('principals', '{n}', '{"by": "ann"}');
SET ROLE regress_etl;
SET icecat.principal = 'kc~ann';
SELECT icecat.create_namespace('principals', '{n}', '{"by": "ann"}');
SELECT icecat.create_namespace('principals', '{etl}');
RESET ROLE; RESET icecat.principal; RESET icecat.idempotency_key;
SELECT count(*) FROM icecat_data.idempotency WHERE key = '017F22E2-79B0-7CC3-98C4-000000000001';
SELECT count(*), bool_and(substr(key::text, 15, 1) = '8') AS none_is_of_a_client FROM icecat_data.idempotency AS i
	JOIN icecat_data.warehouse AS w ON w.warehouse_id = i.warehouse_id WHERE w.name = 'principals';

SELECT icecat.revoke_gateway('regress_gateway'); SELECT icecat.revoke_gateway('regress_ann'); SELECT icecat.revoke_gateway('regress_etl');
DELETE FROM icecat_data.principal_mapping;
SELECT icecat.drop_namespace('principals', '{n}'); SELECT icecat.drop_namespace('principals', '{bob}'); SELECT icecat.drop_namespace('principals', '{etl}');
SELECT icecat.drop_warehouse('principals');
DROP ROLE regress_gateway, regress_ann, regress_etl;
