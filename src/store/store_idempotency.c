/*
 * store_idempotency.c
 *		Rows of icecat_data.idempotency: keys that were used, and what their first use came to.
 *
 * The primary key is what makes a second use wait for the first: ON CONFLICT DO NOTHING waits for
 * the end of the transaction that inserted the same key, and then either sees its row or inserts
 * its own.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/store_idempotency.h"

static IceStatement insert_statement = {
	"INSERT INTO icecat_data.idempotency (warehouse_id, key, created_at, expires_at, operation, "
	"request_hash, sqlstate, message, caller) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
	"ON CONFLICT (warehouse_id, key, caller) DO NOTHING",
	9,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, BYTEAOID, TEXTOID, TEXTOID,
	 TEXTOID},
	NULL};

static IceStatement find_statement = {
	"SELECT operation, request_hash, sqlstate, message, object_id, answer, expires_at "
	"FROM icecat_data.idempotency WHERE warehouse_id = $1 AND key = $2 AND caller = $3",
	3,
	{UUIDOID, UUIDOID, TEXTOID},
	NULL};

static IceStatement finish_statement = {
	"UPDATE icecat_data.idempotency SET object_id = $3, answer = $4 "
	"WHERE warehouse_id = $1 AND key = $2 AND caller = $5",
	5,
	{UUIDOID, UUIDOID, UUIDOID, JSONOID, TEXTOID},
	NULL};

static IceStatement forget_statement = {
	"DELETE FROM icecat_data.idempotency WHERE warehouse_id = $1 AND key = $2 AND expires_at < $3 "
	"AND caller = $4",
	4,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID, TEXTOID},
	NULL};

static IceStatement trim_statement = {
	"DELETE FROM icecat_data.idempotency WHERE warehouse_id = $1 AND expires_at < $2 "
	"AND key = ANY (ARRAY("
	"SELECT i.key FROM icecat_data.idempotency i WHERE i.warehouse_id = $1 AND i.expires_at < $2 "
	"ORDER BY i.expires_at LIMIT $3 FOR UPDATE SKIP LOCKED))",
	3,
	{UUIDOID, TIMESTAMPTZOID, INT8OID},
	NULL};

/* All warehouses: worker only. Those that have a row, one step down the index each. */
static IceStatement warehouses_statement = {
	"WITH RECURSIVE w AS ((SELECT i.warehouse_id FROM icecat_data.idempotency i "
	"ORDER BY i.warehouse_id LIMIT 1) UNION ALL SELECT (SELECT i.warehouse_id "
	"FROM icecat_data.idempotency i WHERE i.warehouse_id > w.warehouse_id "
	"ORDER BY i.warehouse_id LIMIT 1) FROM w WHERE w.warehouse_id IS NOT NULL) "
	"SELECT w.warehouse_id FROM w WHERE w.warehouse_id IS NOT NULL",
	0,
	{0},
	NULL};

static Datum
hash_datum(const uint8 *hash)
{
	return ice_spi_text_datum((const char *) hash, ICE_REQUEST_HASH_BYTES);
}

bool
ice_idempotency_insert(const IceIdempotency *row)
{
	MemoryContext context = CurrentMemoryContext;
	TimestampTz   now = GetCurrentTimestamp();
	int64         lifetime_ms = (int64) row->lifetime_s * 1000;
	bool          no_error = row->sqlstate == NULL;
	uint64        changes = ice_spi_changes();
	uint64        inserted = 0;

	Datum values[9] = {UUIDPGetDatum(&row->warehouse_id),
					   UUIDPGetDatum(&row->key),
					   TimestampTzGetDatum(now),
					   TimestampTzGetDatum(TimestampTzPlusMilliseconds(now, lifetime_ms)),
					   ice_spi_cstring_datum(row->operation),
					   hash_datum(row->hash),
					   no_error ? (Datum) 0 : ice_spi_cstring_datum(row->sqlstate),
					   no_error ? (Datum) 0 : ice_spi_cstring_datum(row->message),
					   ice_spi_cstring_datum(row->caller)};

	PG_TRY();
	{
		inserted = ice_spi_execute_waiting(&insert_statement, values,
										   no_error ? "      nn " : NULL);
	}
	PG_CATCH();
	{
		/* Only code and wording change: the transaction is lost either way. */
		if (geterrcode() != ERRCODE_LOCK_NOT_AVAILABLE)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		ice_raise_full(ICE_ERR_IDEMPOTENCY_IN_FLIGHT,
					   "A request with this Idempotency-Key is still under way", NULL,
					   "Send it again with the same key.");
	}
	PG_END_TRY();
	ice_spi_changes_back(changes);
	return inserted > 0;
}

bool
ice_idempotency_find(IceIdempotency *row)
{
	Datum       values[3] = {UUIDPGetDatum(&row->warehouse_id), UUIDPGetDatum(&row->key),
							 ice_spi_cstring_datum(row->caller)};
	const char *hash;
	size_t      len;

	if (ice_spi_execute(&find_statement, values, NULL, false) == 0)
		return false;
	row->operation = ice_spi_field_text(0, 1);
	hash = ice_spi_field_bytes(0, 2, &len);
	memcpy(row->hash, hash, Min(len, ICE_REQUEST_HASH_BYTES));
	row->sqlstate = ice_spi_field_text(0, 3);
	row->message = ice_spi_field_text(0, 4);
	row->has_object = !ice_spi_field_is_null(0, 5);
	if (row->has_object)
		row->object_id = ice_spi_field_uuid(0, 5);
	row->answer = ice_spi_field_text(0, 6);
	row->expired = DatumGetTimestampTz(ice_spi_field(0, 7)) < GetCurrentTimestamp();
	return true;
}

void
ice_idempotency_forget(const IceIdempotency *row)
{
	Datum  values[4] = {UUIDPGetDatum(&row->warehouse_id), UUIDPGetDatum(&row->key),
						TimestampTzGetDatum(GetCurrentTimestamp()),
						ice_spi_cstring_datum(row->caller)};
	uint64 changes = ice_spi_changes();

	ice_spi_execute_waiting(&forget_statement, values, NULL);
	ice_spi_changes_back(changes);
}

void
ice_idempotency_finish(const IceIdempotency *row)
{
	char   nulls[] = "     ";
	uint64 changes = ice_spi_changes();
	Datum  values[5] = {UUIDPGetDatum(&row->warehouse_id), UUIDPGetDatum(&row->key),
						UUIDPGetDatum(&row->object_id), (Datum) 0,
						ice_spi_cstring_datum(row->caller)};

	if (!row->has_object)
		nulls[2] = 'n';
	if (row->answer == NULL)
		nulls[3] = 'n';
	else
		values[3] = ice_spi_cstring_datum(row->answer);
	ice_spi_execute(&finish_statement, values, nulls, false);
	ice_spi_changes_back(changes);
}

/* Deletes up to limit expired rows of a warehouse; their number. */
static int64
trim_warehouse(const pg_uuid_t *warehouse_id, int64 limit)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), TimestampTzGetDatum(GetCurrentTimestamp()),
					   Int64GetDatum(limit)};

	return (int64) ice_spi_execute(&trim_statement, values, NULL, false);
}

bool
ice_idempotency_exists(void)
{
	return OidIsValid(get_relname_relid("idempotency", get_namespace_oid("icecat_data", false)));
}

int64
ice_idempotency_trim(int64 limit)
{
	uint64 count =
		ice_idempotency_exists() ? ice_spi_execute(&warehouses_statement, NULL, NULL, false) : 0;
	pg_uuid_t *warehouses = palloc(sizeof(pg_uuid_t) * Max(count, 1));
	int64      trimmed = 0;

	for (uint64 i = 0; i < count; i++)
		warehouses[i] = ice_spi_field_uuid(i, 1);
	for (uint64 i = 0; i < count && trimmed < limit; i++)
		trimmed += trim_warehouse(&warehouses[i], limit - trimmed);
	return trimmed;
}
