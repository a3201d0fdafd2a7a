-- Warehouses: each is a catalog of its own and the {prefix} of the REST paths. Made and changed in SQL only.

CREATE OR REPLACE FUNCTION icecat.create_warehouse(p_name text, p_location text, p_properties json DEFAULT '{}', p_storage_profile text DEFAULT NULL)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_create_warehouse';
COMMENT ON FUNCTION icecat.create_warehouse(text, text, json, text) IS
'Creates a warehouse and returns it: {"name", "location", "properties", "storage-profile"}.
p_name: the prefix of its REST paths; unique in the database, any characters, but neither "." nor "..", at most icecat.name_bytes_max bytes.
p_location: a URI (file:///srv/lake, s3://bucket/path) or an absolute path, below which table locations are derived; slashes at its end are dropped. NULL: every namespace or table names its own location.
p_properties: object of strings. icecat.metadata-write-mode is async (the default), sync or none. icecat.case-mode is sensitive (the default) or insensitive: then namespaces, tables and views are found whatever their case, keep the spelling they were made with, and no two may differ by case alone (icecat.case_key() says when they do). icecat.purge-registered is false (the default) or true: then a purge deletes the files of registered tables, too. icecat.steering-properties is refuse (the default) or allow: whether properties of tables, views and namespaces may steer the clients that read them (io-impl, s3.*, gcs.*, adls.*, client.*, token, uri and others); where they are refused, those of registered tables are kept and not shown. icecat.location-overlap is refuse (the default) or allow: whether a table or view may have its location, or a folder of a write.*.path property, in that of another one, or around it. icecat.client-location says where clients may place things: anywhere (the default: where the server and their rights let them), inside (below the location of the warehouse), or refuse (where the server says; write.*.path within the table''s location). icecat.location-template is where the server places tables and views, below the location of the warehouse, or of the nearest namespace that has one: letters, digits, -_.=/ and {namespace} (the levels below that), {table}, {uuid} and {hash4} (four digits of a hash of the uuid), with {table} or {uuid} in it, at most 255 bytes. Without it: {namespace}/{table}-{uuid}. icecat.outside-files says what becomes of a snapshot that names files outside of its table''s locations (location and folders of write.*.path, present and former): off (the default), report (after the commit the worker reads the new manifests; see icecat.outside_files) or strict (they are read before the commit, which is refused). icecat.shared-locations is a JSON array of locations, as a text, where files of every table may lie, too, such as those of imported tables.
p_storage_profile: how its object store is reached (icecat.create_storage_profile()); p_location lies in the root of the profile. NULL: it has none, and the server writes to file storage only. Needs manage on the catalog, or on the warehouse''s tenant.
Errors: IC108 (404) no such storage profile; IC201 (409) the name is taken; IC301 (400) bad name, location or property; IC305 (400) over icecat.properties_max or icecat.name_bytes_max.
REST: none; warehouses are administered in SQL.';

CREATE OR REPLACE FUNCTION icecat.alter_warehouse(p_name text, p_new_name text DEFAULT NULL, p_location text DEFAULT NULL, p_updates json DEFAULT NULL, p_removals text[] DEFAULT NULL, p_storage_profile text DEFAULT NULL)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_alter_warehouse';
COMMENT ON FUNCTION icecat.alter_warehouse(text, text, text, json, text[], text) IS
'Changes a warehouse and returns it: {"name", "location", "properties", "storage-profile"}. A NULL argument changes nothing.
p_new_name: clients that use the old name as their prefix must be told.
p_location: for tables made from now on; existing tables stay where they are. An empty text removes it.
p_updates: object of strings, properties to set. A change of icecat.case-mode waits for what is being made in the warehouse, and is refused while names differ by case alone.
p_removals: keys of properties to remove; absent ones are ignored.
p_storage_profile: as in icecat.create_warehouse(); an empty text takes it away.
Errors: IC101, IC108 (404) no such warehouse or storage profile; IC401 (403) not allowed; IC201 (409) the new name is taken, or names differ by case alone; IC301 (400) bad value; IC303 (422) a key both set and removed; IC305 (400) over a limit.
REST: none; warehouses are administered in SQL.';

CREATE OR REPLACE FUNCTION icecat.set_maintenance(p_warehouse text, p_on boolean, p_reason text DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_set_maintenance';
COMMENT ON FUNCTION icecat.set_maintenance(text, boolean, text) IS
'Puts a warehouse into maintenance mode, or ends it. In it every change of the warehouse, and of what is in it, is refused (IC505, 503 with Retry-After over REST), the owner''s too; reads go on, and so do grants. A change that has begun finishes, and a repeat of one that was made, with its idempotency key, is answered. The worker goes on with what is queued. The switch waits for nobody, and nobody for it.
p_on: false ends it. p_reason: what callers are told, at most 1000 bytes; it is kept as property icecat.maintenance of the warehouse, by which it can be seen.
Errors: IC101 (404) no such warehouse; IC401 (403) no manage on the warehouse; IC305 (400) the reason is too long.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.drop_warehouse(p_name text, p_force boolean DEFAULT false)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_drop_warehouse';
COMMENT ON FUNCTION icecat.drop_warehouse(text, boolean) IS
'Drops a warehouse that holds no namespace, with all that is left of its dropped tables, and its events. Files in storage are not touched.
p_force: true drops it although it is protected (icecat.set_protection()).
Errors: IC101 (404) no such warehouse; IC401 (403) not allowed; IC209 (409) it is protected; IC204 (409) it holds namespaces, or files of its dropped tables are still to be written or deleted by the worker.
REST: none; warehouses are administered in SQL.';

CREATE OR REPLACE FUNCTION icecat.load_warehouse(p_name text)
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_load_warehouse';
COMMENT ON FUNCTION icecat.load_warehouse(text) IS
'A warehouse: {"name", "location", "properties", "storage-profile"}; location and storage-profile are left out if it has none.
Errors: IC101 (404) no such warehouse; IC401 (403) not allowed.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.case_key(p_name text)
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_case_key';
COMMENT ON FUNCTION icecat.case_key(text) IS
'What a name is looked up by in a warehouse whose icecat.case-mode is insensitive: two names are the same there if their keys are. Simple case folding of Unicode 14, a character for a character, the same in every locale; nothing is normalised, and the Turkish dotted I stays itself.
p_name: a table, a view or one level of a namespace. NULL gives NULL.
REST: none.';
