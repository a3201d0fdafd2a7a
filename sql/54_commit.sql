-- Commits: REST operations updateTable and commitTransaction. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.commit_table(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_requirements json,
	p_updates json
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_commit_table';
COMMENT ON FUNCTION icecat.commit_table(text, text[], text, json, json) IS
'Checks requirements and applies updates to one table, in the caller''s transaction, and returns the new metadata-location and metadata. REST updateTable.
p_requirements: array of TableRequirement. p_updates: array of TableUpdate. NULL means an empty array. With assert-create the table is created.
Waits for other commits of the same table at most icecat.commit_lock_timeout_ms.
Errors: IC203 a requirement does not hold or the commit is stale (409, retry), IC101 no such warehouse (404), IC401 not allowed (403), IC102 no such namespace (404, assert-create), IC103 no such table (404), IC301 unknown or malformed requirement or update (400), IC302 invalid result (400), 55P03 lock timeout, 40001, 40P01 (409).';

CREATE OR REPLACE FUNCTION icecat.rest_commit_table(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_request json,
	OUT body json,
	OUT etag text,
	OUT large boolean
) RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_commit_table_tagged';
COMMENT ON FUNCTION icecat.rest_commit_table(text, text[], text, json) IS
'commit_table with the REST body CommitTableRequest. body: the same answer; etag: the entity tag that rest_load_table now gives. large: as there; the commit is done in any case. Same errors.';

CREATE OR REPLACE FUNCTION icecat.commit_transaction(
	p_warehouse text,
	p_table_changes json
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_commit_transaction';
COMMENT ON FUNCTION icecat.commit_transaction(text, json) IS
'Commits changes to many tables of a warehouse: all or nothing. REST commitTransaction.
p_table_changes: array of CommitTableRequest, each with its identifier, or the REST body that has the array in "table-changes". At most icecat.transaction_changes_max. A table may appear once.
Errors: as commit_table; any of them leaves every table unchanged.';

CREATE OR REPLACE FUNCTION icecat.rest_commit_transaction(
	p_warehouse text,
	p_request json
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_commit_transaction';
COMMENT ON FUNCTION icecat.rest_commit_transaction(text, json) IS
'commit_transaction with the REST body CommitTransactionRequest. Same errors.';
