/*
 * store_subscription.c
 *		Rows of icecat_data.subscription; see store_subscription.h.
 *
 * They are bookmarks of readers, and no changes of the catalog: the audit log has none of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/timestamp.h"

#include "store/access.h"
#include "store/caller.h"
#include "store/spi.h"
#include "store/store_subscription.h"

static IceStatement insert_row = {
	"INSERT INTO icecat_data.subscription (warehouse_id, name, role, namespace, object_kinds, "
	"event_types, object_id, acked, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
	"ON CONFLICT (warehouse_id, name) DO NOTHING",
	9,
	{UUIDOID, TEXTOID, REGROLEOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, UUIDOID, INT8OID,
	 TIMESTAMPTZOID},
	NULL};

static IceStatement lock_row = {
	"SELECT role::pg_catalog.oid, namespace, object_kinds, event_types, object_id, acked "
	"FROM icecat_data.subscription WHERE warehouse_id = $1 AND name = $2 FOR UPDATE",
	2,
	{UUIDOID, TEXTOID},
	NULL};

static IceStatement move_row = {
	"UPDATE icecat_data.subscription SET acked = $3, acked_at = coalesce($4, acked_at) "
	"WHERE warehouse_id = $1 AND name = $2",
	4,
	{UUIDOID, TEXTOID, INT8OID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_row = {
	"DELETE FROM icecat_data.subscription WHERE warehouse_id = $1 AND name = $2",
	2,
	{UUIDOID, TEXTOID},
	NULL};

static Datum
array_or_null(ArrayType *array, char *null)
{
	*null = array == NULL ? 'n' : ' ';
	return PointerGetDatum(array);
}

static uint64
change(IceStatement *statement, Datum *values, const char *nulls)
{
	uint64 before = ice_spi_changes();
	uint64 rows = ice_spi_execute_waiting(statement, values, nulls);

	ice_spi_changes_back(before);
	return rows;
}

bool
ice_subscription_insert(const pg_uuid_t *warehouse_id, const char *name,
						const IceSubscription *subscription)
{
	char  nulls[] = "         ";
	Datum values[9] = {UUIDPGetDatum(warehouse_id),
					   ice_spi_cstring_datum(name),
					   ObjectIdGetDatum(subscription->role),
					   array_or_null(subscription->levels, &nulls[3]),
					   array_or_null(subscription->kinds, &nulls[4]),
					   array_or_null(subscription->types, &nulls[5]),
					   UUIDPGetDatum(subscription->object_id),
					   Int64GetDatum(subscription->acked),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	nulls[6] = subscription->object_id == NULL ? 'n' : ' ';
	return change(&insert_row, values, nulls) > 0;
}

static ArrayType *
array_of(int column)
{
	return ice_spi_field_is_null(0, column) ? NULL
											: DatumGetArrayTypePCopy(ice_spi_field(0, column));
}

bool
ice_subscription_lock(const pg_uuid_t *warehouse_id, const char *name, IceSubscription *out)
{
	IceCaller caller = ice_caller();
	Datum     values[2] = {UUIDPGetDatum(warehouse_id), ice_spi_cstring_datum(name)};

	if (change(&lock_row, values, NULL) == 0)
		return false;
	*out = (IceSubscription){.role = DatumGetObjectId(ice_spi_field(0, 1)),
							 .levels = array_of(2),
							 .kinds = array_of(3),
							 .types = array_of(4),
							 .acked = ice_spi_field_int64(0, 6)};
	if (!ice_spi_field_is_null(0, 5))
	{
		out->object_id = palloc(sizeof(pg_uuid_t));
		*out->object_id = ice_spi_field_uuid(0, 5);
	}
	return caller.owns || has_privs_of_role(caller.role, out->role) ||
		   ice_access_may(ICE_MANAGE, (IceObject){.warehouse_id = warehouse_id});
}

void
ice_subscription_move(const pg_uuid_t *warehouse_id, const char *name, int64 acked,
					  bool by_consumer)
{
	Datum values[4] = {UUIDPGetDatum(warehouse_id), ice_spi_cstring_datum(name),
					   Int64GetDatum(acked), TimestampTzGetDatum(GetCurrentTimestamp())};

	(void) change(&move_row, values, by_consumer ? NULL : "   n");
}

void
ice_subscription_delete(const pg_uuid_t *warehouse_id, const char *name)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), ice_spi_cstring_datum(name)};

	(void) change(&delete_row, values, NULL);
}
