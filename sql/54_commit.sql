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

CREATE OR REPLACE FUNCTION icecat.rest_commit_table_group(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_requests text[],
	p_request_ids text[] DEFAULT NULL,
	p_client_addresses text[] DEFAULT NULL,
	p_idempotency_keys text[] DEFAULT NULL,
	p_deduplicate text[] DEFAULT NULL,
	p_application_names text[] DEFAULT NULL,
	OUT body json,
	OUT etag text,
	OUT large boolean,
	OUT pending text,
	OUT secret boolean,
	OUT sqlstate text,
	OUT message text,
	OUT detail text,
	OUT hint text,
	OUT again boolean
) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_commit_table_group';
COMMENT ON FUNCTION icecat.rest_commit_table_group(text, text[], text, text[], text[], text[], text[], text[], text[]) IS
'rest_commit_table for many requests of one table, one after the other, in one transaction: one row for each, in their order. Each request sees what those before it have done. One that is refused changes nothing, and the others are made. The gateway calls it for commits that wait for one table.
p_requests: the REST bodies, at most icecat.commit_group_max.
p_request_ids, p_client_addresses, p_idempotency_keys, p_deduplicate, p_application_names: for each request, what the setting icecat.request_id, icecat.client_address, icecat.idempotency_key, icecat.deduplicate or application_name is for its time; a NULL element, or no array, leaves it as it is.
body, etag, large: as rest_commit_table gives them. All bodies together are bounded by icecat.answer_bytes_max, too. pending: the files that the answer names and that are not written yet. secret: whether the answer has credentials.
sqlstate, message, detail, hint: the error of a refused request, as the call of this request alone would raise it. again: the request was not tried to its end, because others hold what it waited for; it is to be called alone.
Errors: those of our own (IC and 55P03) are answers of requests; any other ends the call, and nothing is changed.';

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
