-- Views: REST operations createView, registerView, loadView, listViews, viewExists, replaceView, dropView, renameView.
-- Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.create_view(
	p_warehouse text,
	p_namespace text[],
	p_name text,
	p_schema json,
	p_view_version json,
	p_location text DEFAULT NULL,
	p_properties json DEFAULT NULL
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_create_view';
COMMENT ON FUNCTION icecat.create_view(text, text[], text, json, json, text, json) IS
'Creates an Iceberg view and returns its LoadViewResult (metadata-location, metadata, config). REST createView.
p_schema: Iceberg schema of what the view returns; becomes schema 0 with the field ids as given. p_view_version: ViewVersion with "representations" (one SQL text for each dialect), "default-namespace" and maybe "default-catalog" and "summary"; becomes version 1.
p_location: URI; default <location of the namespace, as load_namespace() tells>/<view>-<uuid>. p_properties: object of strings; version.history.num-entries (default 10) is how many versions are kept, replace.drop-dialect.allowed (default false) lets a replace leave out a dialect.
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC102 no such namespace (404), IC201 name taken by a view or table (409), IC301 malformed (400), IC302 invalid metadata (400), IC305 over a limit (400), IC306 location outside icecat.file_roots (400), IC501 storage (500).';

CREATE OR REPLACE FUNCTION icecat.rest_create_view(
	p_warehouse text,
	p_namespace text[],
	p_request json
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_create_view';
COMMENT ON FUNCTION icecat.rest_create_view(text, text[], json) IS
'create_view with the REST body CreateViewRequest. Same answer and errors.';

CREATE OR REPLACE FUNCTION icecat.register_view(
	p_warehouse text,
	p_namespace text[],
	p_name text,
	p_metadata_location text
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_register_view';
COMMENT ON FUNCTION icecat.register_view(text, text[], text, text) IS
'Takes over the view whose metadata file is at p_metadata_location and returns its LoadViewResult. REST registerView.
A file that is still in the queue is read from the database.
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC102 no such namespace (404), IC104 no such file (404), IC201 name taken by a view or table (409), IC301 or IC302 invalid document (400), IC306 location outside icecat.file_roots (400), IC501 storage (500).';

CREATE OR REPLACE FUNCTION icecat.rest_register_view(
	p_warehouse text,
	p_namespace text[],
	p_request json
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_register_view';
COMMENT ON FUNCTION icecat.rest_register_view(text, text[], json) IS
'register_view with the REST body RegisterViewRequest. Same answer and errors.';

CREATE OR REPLACE FUNCTION icecat.load_view(
	p_warehouse text,
	p_namespace text[],
	p_view text,
	p_referenced_by json DEFAULT NULL
) RETURNS json
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_load_view';
COMMENT ON FUNCTION icecat.load_view(text, text[], text, json) IS
'Returns a view''s LoadViewResult: metadata-location, metadata (exact), config, and labels where it has some. REST loadView. p_referenced_by: as in load_table(). Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC105 no such view, also where the name is a table''s (404), IC104 the view''s metadata file was removed from file storage (404; see icecat.check_metadata_file).';

CREATE OR REPLACE FUNCTION icecat.list_views(
	p_warehouse text,
	p_namespace text[],
	p_page_token text DEFAULT NULL,
	p_page_size integer DEFAULT NULL,
	p_deleted boolean DEFAULT false
) RETURNS json
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_list_views';
COMMENT ON FUNCTION icecat.list_views(text, text[], text, integer, boolean) IS
'Returns the views of a namespace, in byte order of their names: {"identifiers": [{"namespace": [...], "name": ...}], "next-page-token": null}. REST listViews.
p_page_token, p_page_size: as in list_namespaces(). Without a token, all views.
p_deleted: true lists what was dropped and can be undropped instead, as far as the role may drop it, in pages of at most 1000: {"identifiers": [{"namespace", "name", "uuid", "dropped-at-ms", "undrop-until-ms", "purge-requested"}, …], "next-page-token"}. What was in namespaces that are gone is only in icecat.dropped_tables.
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC102 no such namespace (404), IC301 the token was not made for this list, or the page size is below 1 (400).';

CREATE OR REPLACE FUNCTION icecat.view_exists(
	p_warehouse text,
	p_namespace text[],
	p_view text
) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_view_exists';
COMMENT ON FUNCTION icecat.view_exists(text, text[], text) IS
'True if the view exists. REST viewExists (204 or 404). Errors: IC101 no such warehouse (404), IC401 not allowed (403).';

CREATE OR REPLACE FUNCTION icecat.replace_view(
	p_warehouse text,
	p_namespace text[],
	p_view text,
	p_requirements json,
	p_updates json
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_replace_view';
COMMENT ON FUNCTION icecat.replace_view(text, text[], text, json, json) IS
'Checks requirements and applies updates to one view, in the caller''s transaction, and returns its new LoadViewResult. REST replaceView.
p_requirements: array of ViewRequirement (assert-view-uuid); NULL means none. p_updates: array of ViewUpdate: assign-uuid, upgrade-format-version, add-schema, set-location, set-properties, remove-properties, add-view-version, set-current-view-version. An added version or schema that equals an earlier one is that one again.
Waits for other commits of the same view at most icecat.commit_lock_timeout_ms.
Errors: IC203 a requirement does not hold (409, retry), IC101 no such warehouse (404), IC401 not allowed (403), IC105 no such view (404), IC301 unknown or malformed requirement or update (400), IC302 invalid result (400), IC305 over a limit (400), 55P03 lock timeout, 40001, 40P01 (409).';

CREATE OR REPLACE FUNCTION icecat.rest_replace_view(
	p_warehouse text,
	p_namespace text[],
	p_view text,
	p_request json
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_replace_view';
COMMENT ON FUNCTION icecat.rest_replace_view(text, text[], text, json) IS
'replace_view with the REST body CommitViewRequest. Same answer and errors.';

CREATE OR REPLACE FUNCTION icecat.drop_view(
	p_warehouse text,
	p_namespace text[],
	p_view text,
	p_force boolean DEFAULT false
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_drop_view';
COMMENT ON FUNCTION icecat.drop_view(text, text[], text, boolean) IS
'Drops a view: its name is free at once; its metadata files stay, and register_view brings it back. p_force: true drops it although it is protected (icecat.set_protection()). REST dropView. Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC105 no such view (404), IC209 it is protected (409), 55P03 lock timeout (503).';

CREATE OR REPLACE FUNCTION icecat.undrop_view(
	p_warehouse text,
	p_namespace text[],
	p_view text,
	p_uuid text DEFAULT NULL,
	p_new_name text DEFAULT NULL
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_undrop_view';
COMMENT ON FUNCTION icecat.undrop_view(text, text[], text, text, text) IS
'As icecat.undrop_table(), of a view; p_uuid is its view-uuid. Errors: as there; IC105 there is none (404).
REST: POST …/views/{view}/undrop, an operation of our own.';

CREATE OR REPLACE FUNCTION icecat.rename_view(
	p_warehouse text,
	p_source_namespace text[],
	p_source text,
	p_destination_namespace text[],
	p_destination text
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rename_view';
COMMENT ON FUNCTION icecat.rename_view(text, text[], text, text[], text) IS
'Renames a view within its warehouse, also into another namespace; its location stays. REST renameView. Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC102 no such destination namespace (404), IC105 no such view (404), IC201 name taken by a view or table (409), 55P03 lock timeout (503).';

CREATE OR REPLACE FUNCTION icecat.rest_rename_view(
	p_warehouse text,
	p_request json
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_rename_view';
COMMENT ON FUNCTION icecat.rest_rename_view(text, json) IS
'rename_view with the REST body RenameTableRequest. Same errors.';
