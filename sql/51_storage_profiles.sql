-- Storage profiles: made, changed, dropped. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.create_storage_profile(p_name text, p_root text, p_options json DEFAULT '{}', p_secrets json DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_create_storage_profile';
COMMENT ON FUNCTION icecat.create_storage_profile(text, text, json, json) IS
'Makes a storage profile: how the server reaches an object store. Warehouses get it by icecat.create_warehouse() or icecat.alter_warehouse(). Nothing is asked of the store here: icecat.validate_storage_profile() tries it.
p_name: unique among those of the tenant, or of none; no slash. A role that is of no tenant makes one for a tenant by TENANT/NAME. One of a tenant is for its warehouses, one of none for all.
p_root: s3://bucket/path, gs://bucket/path, abfss://container@account.host/path or file:///path: all locations that are reached by it lie in it; of a tenant, in the tenant''s location. It is never changed.
p_options: object of texts: docs/use/object-stores.md has them all.
p_secrets: object of texts: those options that are secret. They are kept encrypted with the key of icecat.secret_key_file and never shown again. Give them as a parameter, or by a session that logs no statements.
Errors: IC107 (404) no such tenant; IC201 (409) the name is taken; IC301 (400) bad name, root, option or value, or something is missing; IC304 (406) secrets, and no icecat.secret_key_file; IC306 (400) the root is outside the tenant''s location; IC401 (403) no manage on the tenant, or on the catalog, or an endpoint, login or option that only the owner of the extension may choose; IC501 (500) the key file cannot be used.
REST: none; storage is administered in SQL.';

CREATE OR REPLACE FUNCTION icecat.alter_storage_profile(p_name text, p_new_name text DEFAULT NULL, p_options json DEFAULT NULL, p_secrets json DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_alter_storage_profile';
COMMENT ON FUNCTION icecat.alter_storage_profile(text, text, json, json) IS
'Changes a storage profile. A NULL argument changes nothing. What is under way goes on with what it was.
p_options, p_secrets: those that are named are set; one that is null goes. Else as in icecat.create_storage_profile().
Errors: IC108 (404) no such profile; else as icecat.create_storage_profile().
REST: none.';

CREATE OR REPLACE FUNCTION icecat.drop_storage_profile(p_name text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_drop_storage_profile';
COMMENT ON FUNCTION icecat.drop_storage_profile(text) IS
'Drops a storage profile that no warehouse has, with its secrets. Files in the store are not touched.
Errors: IC108 (404) no such profile; IC208 (409) warehouses have it; IC401 (403) no manage on its tenant, or on the catalog.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.rotate_storage_secrets()
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rotate_storage_secrets';
COMMENT ON FUNCTION icecat.rotate_storage_secrets() IS
'Encrypts all secrets of storage profiles again that were encrypted with another key than the first of icecat.secret_key_file; returns how many. After it the other keys can be taken out of the file, where no older dump or copy needs them. Only the owner of the extension, or a superuser, may call.
Errors: IC304 (406) no icecat.secret_key_file; IC401 (403) another caller; IC501 (500) the file cannot be used, or has not all keys.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.validate_storage_profile(p_name text)
RETURNS TABLE (step text, ok boolean, error text, took_ms double precision)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'sql_ice_validate_storage_profile';
COMMENT ON FUNCTION icecat.validate_storage_profile(text) IS
'Tries a storage profile: opens the store, writes a small object below .icecat/ in the root, reads, lists and deletes it. One row for each step; ok is NULL for one that was not tried, because another one failed, and error says what the store, or the network, answered. Waits for the store, by the limits of the profile; can be cancelled.
not-overwrite: whether the store keeps an object that is there when it is told to write a new one only (If-None-Match); without it two databases may write one file.
vend, use-vended: only where the profile has a role to assume, or a warehouse of it vends: whether the token service gives credentials for a folder of the trial''s own, as for a table, and whether an object in it can be written with them (not in Azure). Nobody is shown them.
Errors: IC108 (404) no such profile; IC401 (403) no manage on its tenant, or on the catalog; IC501 (500) its secrets cannot be decrypted.
REST: none.';

CREATE OR REPLACE VIEW icecat.storage_profiles WITH (security_barrier) AS
SELECT s.storage_profile, s.tenant,
	CASE WHEN s.root LIKE 's3%' THEN 's3' WHEN s.root LIKE 'gs:%' THEN 'gcs' WHEN s.root LIKE 'file:%' THEN 'file' ELSE 'adls' END AS store,
	s.root, CASE WHEN s.whole THEN s.options END AS options,
	CASE WHEN s.whole THEN ARRAY(
		SELECT x.name FROM icecat_data.storage_secret AS x
		WHERE x.warehouse_id = s.warehouse_id AND x.profile_id = s.profile_id ORDER BY x.name) END AS secrets,
	s.revision, s.created_at, s.changed_at, s.profile_id
FROM (
	SELECT p.*, p.name AS storage_profile, t.name AS tenant,
		(SELECT icecat._sees_all('manage')) OR p.tenant_id IN (SELECT icecat._seen('manage')) AS whole
	FROM icecat_data.storage_profile AS p
	LEFT JOIN icecat_data.tenant AS t ON t.warehouse_id = p.warehouse_id AND t.tenant_id = p.tenant_id
) AS s
WHERE s.whole OR s.tenant_id = '00000000-0000-0000-0000-000000000000' AND (SELECT icecat._own_tenant()) IN (SELECT icecat._seen('manage'));
COMMENT ON VIEW icecat.storage_profiles IS 'Storage profiles: to those who manage the catalog all, to those who manage a tenant its own, and name and root of those that are for all';
COMMENT ON COLUMN icecat.storage_profiles.storage_profile IS 'Name; unique among those of its tenant, and among those of none';
COMMENT ON COLUMN icecat.storage_profiles.tenant IS 'The tenant that it belongs to; NULL: none, it is for all';
COMMENT ON COLUMN icecat.storage_profiles.store IS 's3, gcs, adls or file';
COMMENT ON COLUMN icecat.storage_profiles.root IS 'URI that all locations lie in that are reached by it';
COMMENT ON COLUMN icecat.storage_profiles.options IS 'JSON object; NULL: not the role''s to see';
COMMENT ON COLUMN icecat.storage_profiles.secrets IS 'Names of the secrets that it has; NULL: not the role''s to see';
COMMENT ON COLUMN icecat.storage_profiles.revision IS 'Counts its changes, those of its secrets, too';
COMMENT ON COLUMN icecat.storage_profiles.created_at IS 'When it was made';
COMMENT ON COLUMN icecat.storage_profiles.changed_at IS 'When it was changed last';
COMMENT ON COLUMN icecat.storage_profiles.profile_id IS 'Identity of the profile; survives renames';
