-- Namespaces. A namespace is a text[], its levels from the top: '{sales,emea}'.

CREATE OR REPLACE FUNCTION icecat.create_namespace(p_warehouse text, p_namespace text[], p_properties json DEFAULT NULL)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_create_namespace';
COMMENT ON FUNCTION icecat.create_namespace(text, text[], json) IS
'Creates a namespace and returns it: {"namespace", "properties"}.
p_namespace: its levels; all but the last must exist as a namespace. A level holds any characters but U+001F, is neither "." nor "..", and has at least one and at most icecat.name_bytes_max bytes; there are at most icecat.namespace_depth_max levels.
p_properties: object of strings, kept exactly; NULL is none. Its property location is where the tables of the namespace go, and below it those of the namespaces below. Where it is not set, the answer has the location in use, which is not stored: that of the nearest namespace above, else the warehouse''s, and the levels below it as folders (a level with other characters than letters, digits, ".", "_" and "-", or of more than 64 bytes, has a hash of it at its end).
Errors: IC101 (404) no such warehouse; IC401 (403) not allowed; IC102 (404) the parent does not exist; IC201 (409) it exists; IC301 (400) bad value; IC305 (400) over a limit.
REST: createNamespace, POST /v1/{prefix}/namespaces.';

CREATE OR REPLACE FUNCTION icecat.rest_create_namespace(p_warehouse text, p_request json)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_create_namespace';
COMMENT ON FUNCTION icecat.rest_create_namespace(text, json) IS
'create_namespace() with the REST request body: {"namespace": ["a", "b"], "properties": {"k": "v"}}.
Errors: as create_namespace(); IC301 (400) for a field that is missing or of a wrong type.
REST: createNamespace, POST /v1/{prefix}/namespaces.';

CREATE OR REPLACE FUNCTION icecat.list_namespaces(p_warehouse text, p_parent text[] DEFAULT NULL, p_page_token text DEFAULT NULL, p_page_size integer DEFAULT NULL)
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_list_namespaces';
COMMENT ON FUNCTION icecat.list_namespaces(text, text[], text, integer) IS
'The namespaces one level below another, in byte order: {"namespaces": [["a"], ["b"]], "next-page-token": null}.
p_parent: NULL or an empty array lists the top level.
p_page_token: NULL answers everything; an empty text the first page, and the next-page-token of a page the one behind it, null being the end. What exists from the first page to the last is listed exactly once, whatever else comes and goes.
p_page_size: most names on a page, at most icecat.page_size_max; NULL is icecat.page_size_default. It may change from page to page, and means nothing without a token.
Errors: IC101 (404) no such warehouse; IC401 (403) not allowed; IC102 (404) no such parent; IC301 (400) the token was not made for this list, or the page size is below 1.
REST: listNamespaces, GET /v1/{prefix}/namespaces.';

CREATE OR REPLACE FUNCTION icecat.load_namespace(p_warehouse text, p_namespace text[])
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_load_namespace';
COMMENT ON FUNCTION icecat.load_namespace(text, text[]) IS
'A namespace with its properties: {"namespace", "properties"}; with the location in use where none is set, as create_namespace().
Errors: IC101 (404) no such warehouse; IC401 (403) not allowed; IC102 (404) no such namespace.
REST: loadNamespaceMetadata, GET /v1/{prefix}/namespaces/{namespace}.';

CREATE OR REPLACE FUNCTION icecat.namespace_exists(p_warehouse text, p_namespace text[])
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_namespace_exists';
COMMENT ON FUNCTION icecat.namespace_exists(text, text[]) IS
'Whether a namespace exists.
Errors: IC101 (404) no such warehouse; IC401 (403) not allowed; IC301 (400) not a namespace at all, such as an empty level.
REST: namespaceExists, HEAD /v1/{prefix}/namespaces/{namespace}.';

CREATE OR REPLACE FUNCTION icecat.update_namespace_properties(p_warehouse text, p_namespace text[], p_updates json DEFAULT NULL, p_removals text[] DEFAULT NULL)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_update_namespace_properties';
COMMENT ON FUNCTION icecat.update_namespace_properties(text, text[], json, text[]) IS
'Sets and removes properties of a namespace; parallel calls wait for each other and add up. Returns the keys: {"updated", "removed", "missing"}.
p_updates: object of strings to set. p_removals: keys to remove; those that are not there are returned as missing.
Errors: IC101 (404) no such warehouse; IC401 (403) not allowed; IC102 (404) no such namespace; IC301 (400) bad value; IC303 (422) a key both set and removed; IC305 (400) over icecat.properties_max.
REST: updateProperties, POST /v1/{prefix}/namespaces/{namespace}/properties.';

CREATE OR REPLACE FUNCTION icecat.rest_update_namespace_properties(p_warehouse text, p_namespace text[], p_request json)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_update_namespace_properties';
COMMENT ON FUNCTION icecat.rest_update_namespace_properties(text, text[], json) IS
'update_namespace_properties() with the REST request body: {"updates": {"k": "v"}, "removals": ["x"]}; both may be left out.
Errors: as update_namespace_properties(); IC301 (400) for a field of a wrong type.
REST: updateProperties, POST /v1/{prefix}/namespaces/{namespace}/properties.';

CREATE OR REPLACE FUNCTION icecat.drop_namespace(p_warehouse text, p_namespace text[], p_force boolean DEFAULT false)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_drop_namespace';
COMMENT ON FUNCTION icecat.drop_namespace(text, text[], boolean) IS
'Drops a namespace that holds no namespaces, tables or views.
p_force: true drops it although it is protected (icecat.set_protection()).
Errors: IC101 (404) no such warehouse; IC401 (403) not allowed; IC102 (404) no such namespace; IC202 (409) it is not empty; IC209 (409) it is protected.
REST: dropNamespace, DELETE /v1/{prefix}/namespaces/{namespace}.';
