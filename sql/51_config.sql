-- What a client asks first: where its warehouse is and what the catalog can do.

CREATE OR REPLACE FUNCTION icecat.get_config(p_warehouse text DEFAULT NULL, p_namespace_separator text DEFAULT '%1F')
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_get_config';
COMMENT ON FUNCTION icecat.get_config(text, text) IS
'The configuration of a client: {"defaults", "overrides": {"prefix", "namespace-separator"}, "endpoints"}. The prefix is the warehouse''s name, percent-encoded; endpoints lists exactly what the gateway answers.
p_warehouse: name of a warehouse, else the location of one. NULL or empty: the only warehouse of the database, or of several the one that icecat.default_warehouse names.
p_namespace_separator: what clients are to put between the levels of a namespace in paths, percent-encoded; a caller that asks must understand it. NULL tells them nothing.
Errors: IC101 (404) no such warehouse; IC301 (400) none named and there are several.
REST: getConfig, GET /v1/config.';

CREATE OR REPLACE FUNCTION icecat.version()
RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_version';
COMMENT ON FUNCTION icecat.version() IS
'The version of the library that the session runs; pg_extension has that of the SQL objects. They differ between an upgrade of the package and ALTER EXTENSION icecat UPDATE.
REST: none.';
