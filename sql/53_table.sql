-- Tables: REST operations createTable, registerTable, loadTable, listTables, tableExists, dropTable,
-- unregisterTable, renameTable, reportMetrics. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.create_table(
	p_warehouse text,
	p_namespace text[],
	p_name text,
	p_schema json,
	p_partition_spec json DEFAULT NULL,
	p_write_order json DEFAULT NULL,
	p_location text DEFAULT NULL,
	p_properties json DEFAULT NULL,
	p_stage_create boolean DEFAULT false
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_create_table';
COMMENT ON FUNCTION icecat.create_table(text, text[], text, json, json, json, text, json, boolean) IS
'Creates an Iceberg table and returns its LoadTableResult (metadata-location, metadata, config). REST createTable.
p_schema: Iceberg schema; the server assigns new field ids. p_partition_spec, p_write_order: default unpartitioned, unsorted.
p_location: URI; default <location of the namespace, as load_namespace() tells>/<table>-<uuid>. p_properties: object of strings; "format-version" (1 to 3, default 2) chooses the format.
p_stage_create: true returns the metadata without storing anything; a commit with assert-create then creates the table.
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC102 no such namespace (404), IC201 name taken (409), IC301 malformed (400), IC302 invalid metadata (400), IC306 location outside icecat.file_roots (400), IC501 storage (500).';

CREATE OR REPLACE FUNCTION icecat.rest_create_table(
	p_warehouse text,
	p_namespace text[],
	p_request json,
	OUT body json,
	OUT etag text,
	OUT large boolean
) RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_create_table_tagged';
COMMENT ON FUNCTION icecat.rest_create_table(text, text[], json) IS
'create_table with the REST body CreateTableRequest. body: the same answer; etag: its entity tag, NULL for a staged table; large: false. Same errors.';

CREATE OR REPLACE FUNCTION icecat.register_table(
	p_warehouse text,
	p_namespace text[],
	p_name text,
	p_metadata_location text,
	p_overwrite boolean DEFAULT false
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_register_table';
COMMENT ON FUNCTION icecat.register_table(text, text[], text, text, boolean) IS
'Takes over the table whose metadata file is at p_metadata_location and returns its LoadTableResult. REST registerTable.
A file that is still in the queue is read from the database. p_overwrite: true replaces the metadata of an existing table of that name, which keeps its table_id.
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC102 no such namespace (404), IC104 no such file (404), IC201 name taken (409), IC301 or IC302 invalid document (400), IC306 location outside icecat.file_roots (400), IC501 storage (500).';

CREATE OR REPLACE FUNCTION icecat.rest_register_table(
	p_warehouse text,
	p_namespace text[],
	p_request json,
	OUT body json,
	OUT etag text,
	OUT large boolean
) RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_register_table_tagged';
COMMENT ON FUNCTION icecat.rest_register_table(text, text[], json) IS
'register_table with the REST body RegisterTableRequest. body: the same answer, however long it is; etag: its entity tag; large: false. Same errors.';

CREATE OR REPLACE FUNCTION icecat.load_table(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_snapshots text DEFAULT 'all',
	p_referenced_by json DEFAULT NULL
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_load_table';
COMMENT ON FUNCTION icecat.load_table(text, text[], text, text, json) IS
'Returns a table''s LoadTableResult: metadata-location, metadata (exact), config, and where they hold for the caller read-restrictions and labels (icecat.set_read_restriction(), set_labels()). REST loadTable. p_snapshots: all, or refs for only those snapshots that a branch or tag points to (all other lists are whole).
p_referenced_by: [["ns","outermost view"], …, ["ns","a","view that refers to the table"]], at most icecat.referenced_by_max: a view that works as another role (icecat.trust_engine()) is loaded, and what it refers to by that role''s rights. Ignored unless the caller is a trusted engine.
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC103 no such table (404), IC104 the table''s metadata file was removed from file storage (404; see icecat.check_metadata_file), IC301 another p_snapshots (400).';

CREATE OR REPLACE FUNCTION icecat.rest_load_table(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_if_none_match text DEFAULT NULL,
	p_snapshots text DEFAULT 'all',
	p_referenced_by json DEFAULT NULL,
	OUT body json,
	OUT etag text,
	OUT large boolean
) RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_load_table';
COMMENT ON FUNCTION icecat.rest_load_table(text, text[], text, text, text, json) IS
'load_table for conditional requests. body: the same answer; etag: the entity tag of this state of the table in this representation.
p_if_none_match: an HTTP If-None-Match field (a list of tags, compared weakly, or *); where it names the tag, body is NULL (304) and only the head row is read; what is no list of tags is ignored.
large: true, and body NULL, where the metadata is larger than icecat.answer_bytes_max. Same errors as load_table.';

CREATE OR REPLACE FUNCTION icecat.rest_load_table_pieces(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_snapshots text DEFAULT 'all',
	p_referenced_by json DEFAULT NULL
) RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_load_table_pieces';
COMMENT ON FUNCTION icecat.rest_load_table_pieces(text, text[], text, text, json) IS
'load_table for metadata of any size: first the entity tag, then the LoadTableResult in pieces of at most 256 kB, all of one state. The members of metadata come in another order than in load_table. Memory is bounded by the largest single part where the function is in the select list of a query that is fetched row by row. Same errors as load_table.';

CREATE OR REPLACE FUNCTION icecat.list_tables(
	p_warehouse text,
	p_namespace text[],
	p_page_token text DEFAULT NULL,
	p_page_size integer DEFAULT NULL,
	p_deleted boolean DEFAULT false
) RETURNS json
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_list_tables';
COMMENT ON FUNCTION icecat.list_tables(text, text[], text, integer, boolean) IS
'Returns the tables of a namespace, in byte order of their names: {"identifiers": [{"namespace": [...], "name": ...}], "next-page-token": null}. REST listTables.
p_page_token, p_page_size: as in list_namespaces(). Without a token, all tables.
p_deleted: true lists what was dropped and can be undropped instead, as far as the role may drop it, in pages of at most 1000: {"identifiers": [{"namespace", "name", "uuid", "dropped-at-ms", "undrop-until-ms", "purge-requested"}, …], "next-page-token"}. What was in namespaces that are gone is only in icecat.dropped_tables.
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC102 no such namespace (404), IC301 the token was not made for this list, or the page size is below 1 (400).';

CREATE OR REPLACE FUNCTION icecat.table_exists(
	p_warehouse text,
	p_namespace text[],
	p_table text
) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_table_exists';
COMMENT ON FUNCTION icecat.table_exists(text, text[], text) IS
'True if the table exists. REST tableExists (204 or 404). Errors: IC101 no such warehouse (404), IC401 not allowed (403).';

CREATE OR REPLACE FUNCTION icecat.drop_table(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_purge boolean DEFAULT false,
	p_force boolean DEFAULT false
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_drop_table';
COMMENT ON FUNCTION icecat.drop_table(text, text[], text, boolean, boolean) IS
'Drops a table: its name is free at once. REST dropTable. p_purge: true also deletes its data and metadata files, by the worker, afterwards; default false leaves all files. Only what is the table''s own is deleted: below its location or the folders of its write.*.path properties, and held by no other table or view. A table that was registered, or overwritten by a registration, is dropped but keeps its files (a notice, and purge-refused in the event, say so), unless its warehouse has the property icecat.purge-registered=true. p_force: true drops it although it is protected (icecat.set_protection()). Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC103 no such table (404), IC209 it is protected (409), 55P03 lock timeout (503).';

CREATE OR REPLACE FUNCTION icecat.undrop_table(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_uuid text DEFAULT NULL,
	p_new_name text DEFAULT NULL
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_undrop_table';
COMMENT ON FUNCTION icecat.undrop_table(text, text[], text, text, text) IS
'Brings back a table that was dropped while its warehouse had icecat.undrop-retention-s, until that time is over: with its metadata, history, privileges, labels and restrictions. See icecat.dropped_tables. It counts against quotas again.
p_namespace, p_table: where it was. p_uuid: its table-uuid; NULL: the latest of that name. With it, p_namespace is where the table is to be, for the namespace that it was in may be gone. p_new_name: NULL is p_table.
Errors: IC101 no such warehouse (404), IC102 no such namespace (404), IC103 there is none that can be undropped, or the role may not drop it (404), IC201 name taken (409), IC401 no create on the namespace (403), IC402 a policy refuses it (403), IC403 a quota (403), 55P03 lock timeout (503).
REST: POST …/tables/{table}/undrop, an operation of our own.';

CREATE OR REPLACE FUNCTION icecat.expire_dropped(p_warehouse text, p_uuid text DEFAULT NULL)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_expire_dropped';
COMMENT ON FUNCTION icecat.expire_dropped(text, text) IS
'Ends the time in which dropped tables and views of a warehouse can be undropped, now; returns how many. Within a minute the worker, or icecat.run_worker_once(), purges those whose drop asked for it, and forgets the others.
p_uuid: table-uuid or view-uuid of the only one; NULL: all.
Errors: IC101 no such warehouse (404), IC401 no manage on the warehouse (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.unregister_table(
	p_warehouse text,
	p_namespace text[],
	p_table text
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_unregister_table';
COMMENT ON FUNCTION icecat.unregister_table(text, text[], text) IS
'Removes a table from the catalog, leaves all its files, and returns its last metadata location and metadata. The last metadata file is written before the function returns. REST unregisterTable. Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC103 no such table (404), IC501 storage (500), 55P03 lock timeout (503).';

CREATE OR REPLACE FUNCTION icecat.rename_table(
	p_warehouse text,
	p_source_namespace text[],
	p_source text,
	p_destination_namespace text[],
	p_destination text
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rename_table';
COMMENT ON FUNCTION icecat.rename_table(text, text[], text, text[], text) IS
'Renames a table within its warehouse, also into another namespace; its location stays. REST renameTable. Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC102 no such destination namespace (404), IC103 no such table (404), IC201 name taken (409), 55P03 lock timeout (503).';

CREATE OR REPLACE FUNCTION icecat.rest_rename_table(
	p_warehouse text,
	p_request json
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_rename_table';
COMMENT ON FUNCTION icecat.rest_rename_table(text, json) IS
'rename_table with the REST body RenameTableRequest. Same errors.';

CREATE OR REPLACE FUNCTION icecat.report_metrics(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_report json
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_report_metrics';
COMMENT ON FUNCTION icecat.report_metrics(text, text[], text, json) IS
'Stores a scan or commit report of a client (icecat.metrics_reports). REST reportMetrics. p_report: ReportMetricsRequest with report-type. Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC103 no such table (404), IC301 malformed (400).';

-- Access to the files of tables: REST operations loadCredentials and signRequest.

CREATE OR REPLACE FUNCTION icecat.load_credentials(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_referenced_by json DEFAULT NULL
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_load_credentials';
COMMENT ON FUNCTION icecat.load_credentials(text, text[], text, json) IS
'Vends credentials for the files of a table: a LoadCredentialsResponse, without entries where the warehouse''s property icecat.access-delegation is not vend, or nothing can be vended. Who may write the table gets what writes. REST loadCredentials. Each answer with credentials is in the audit log (vend-credentials).
p_referenced_by: as in load_table().
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC103 no such table (404), IC301 nothing can be vended and icecat.access_delegation_strict (400), IC501 the token service of the store fails (500).';

CREATE OR REPLACE FUNCTION icecat.sign_request(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_request json,
	p_staged text DEFAULT NULL
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_sign_request';
COMMENT ON FUNCTION icecat.sign_request(text, text[], text, json, text) IS
'Signs a request of a client to S3 that is about a file of the table: a RemoteSignResult. REST signRequest. Only where the warehouse''s property icecat.access-delegation is sign.
p_request: RemoteSignRequest. Signed are GetObject, HeadObject, PutObject, DeleteObject, DeleteObjects (by its body), multipart uploads, and ListObjectsV2 below the location; what writes, if the caller may write the table.
p_staged: of a table that is only staged, what its creator got in the endpoint for signing. It is good for this role and name, for icecat.vended_lifetime_s, and while the role may create a table there.
Errors: IC101 no such warehouse (404), IC103 no such table (404), IC301 malformed (400), IC304 another provider than s3 (406), IC401 not allowed, or not signed (403), IC501 the token service of the store fails (500).';

CREATE OR REPLACE FUNCTION icecat.sign_any_request(p_request json) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_sign_any_request';
COMMENT ON FUNCTION icecat.sign_any_request(json) IS
'sign_request() for clients that do not name the table (v1/aws/s3/sign): it is the one in whose location the file of the request lies, among those that the caller may load.
p_request: RemoteSignRequest.
Errors: as sign_request(); IC401 where the file is of no table that the caller may load (403).';

CREATE OR REPLACE FUNCTION icecat._answer_is_secret() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_answer_is_secret';
COMMENT ON FUNCTION icecat._answer_is_secret() IS
'Did the last answer about a table in this session carry credentials? The gateway asks in the same statement, keeps no such answer, and tells others not to.';
